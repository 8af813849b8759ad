package io.rutile.node.raftstore;

import io.rutile.storage.mvcc.Ts;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * How far one replica may be read without a word to its leader (P8): what leaders have said, as far as it is applied here.
 *
 * <p>What they say is true for ever, whoever leads by then, so that it may come late, twice or in any order; but it is said of one
 * range, and binds who has applied one index. Safe from every thread.
 */
final class ReadProgress {

    /**
     * Whoever has applied the index and has the Region's range under that version holds everything that is or ever will be committed
     * there at or below the timestamp.
     */
    record Mark(long version, long index, long ts) {}

    /** A replica that lags is told more than it can use; what doesn't fit takes the place of the newest. */
    static final int WAITING_MAX = 16;

    /** By index, ascending. */
    private final Deque<Mark> waiting = new ArrayDeque<>();

    private @Nullable Mark reached;

    synchronized void offer(Mark mark) {
        Mark last = waiting.isEmpty() ? reached : waiting.getLast();
        if (last != null && !isNews(last, mark)) {
            return;
        }
        Mark newest = waiting.peekLast();
        boolean replaces = newest != null
                && (waiting.size() == WAITING_MAX
                        || newest.version() == mark.version() && newest.index() == mark.index());
        if (replaces) {
            waiting.removeLast();
        }
        waiting.addLast(mark);
    }

    private static boolean isNews(Mark last, Mark mark) {
        if (last.version() != mark.version()) {
            return Long.compareUnsigned(mark.version(), last.version()) > 0 && mark.index() >= last.index();
        }
        return mark.index() >= last.index() && Ts.isAfter(mark.ts(), last.ts());
    }

    /**
     * The greatest timestamp that it may be read at, 0 for none.
     *
     * @param version of the Region's range here
     * @param applied index that a snapshot taken from now on holds
     */
    synchronized long safeTs(long version, long applied) {
        for (Mark next = waiting.peekFirst(); next != null && next.index() <= applied; next = waiting.peekFirst()) {
            reached = waiting.removeFirst();
        }
        Mark now = reached;
        return now != null && now.version() == version ? now.ts() : 0;
    }
}
