package io.rutile.raft;

import io.rutile.raft.RaftException.Kind;
import io.rutile.raft.wire.ReadIndexAnswer;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * Reads that this replica is to serve without leading: each asks the leader, and then waits until what the leader had committed is
 * applied here. Bounded in number, in bytes of questions, and in time.
 *
 * <p>State is guarded by this object's lock; futures complete outside it.
 */
final class FollowerReads {

    static final int WAITING_MAX = 4_096;
    static final long QUESTION_BYTES_WAITING_MAX = 16L << 20;

    /** Takes the leader's answer; null if there is none. */
    @FunctionalInterface
    interface Answer {
        void take(@Nullable ReadIndexAnswer answer);
    }

    /** Sends a question to the leader and hands its answer over, once; never blocks. */
    @FunctionalInterface
    interface Ask {
        void leader(byte[] question, long timeoutMs, Answer answer);
    }

    /** Runs something later, unless it is cancelled. */
    @FunctionalInterface
    interface Alarm {
        Future<?> after(long ms, Runnable task);
    }

    /** Places of reads that wait for an index: by the index, then in the order of coming. */
    private record Place(long index, long number) implements Comparable<Place> {

        @Override
        public int compareTo(Place other) {
            return index == other.index ? Long.compare(number, other.number) : Long.compare(index, other.index);
        }
    }

    private final Ask ask;
    private final Alarm alarm;

    private final TreeMap<Place, CompletableFuture<Optional<byte[]>>> untilApplied = new TreeMap<>();
    private int waiting;
    private long questionBytes;
    private long numbers;
    private long applied;
    private @Nullable RaftException stopped;

    FollowerReads(Ask ask, Alarm alarm) {
        this.ask = ask;
        this.alarm = alarm;
    }

    /** @param timeoutMs for the leader's answer and for applying, together */
    CompletableFuture<Optional<byte[]>> read(byte[] question, long timeoutMs) {
        CompletableFuture<Optional<byte[]>> read = new CompletableFuture<>();
        RaftException refusal = admit(question.length);
        if (refusal != null) {
            read.completeExceptionally(refusal);
            return read;
        }
        Future<?> late = alarm.after(
                timeoutMs,
                () -> read.completeExceptionally(
                        notNow("the leader's answer, or what it had committed, came too late")));
        read.whenComplete((done, failure) -> {
            late.cancel(false);
            release(question.length);
        });
        ask.leader(question, timeoutMs, answer -> take(read, answer));
        return read;
    }

    private synchronized @Nullable RaftException admit(int bytes) {
        if (stopped != null) {
            return stopped;
        }
        if (waiting >= WAITING_MAX || (waiting > 0 && questionBytes + bytes > QUESTION_BYTES_WAITING_MAX)) {
            return notNow("too many reads wait for the leader");
        }
        waiting++;
        questionBytes += bytes;
        return null;
    }

    private synchronized void release(int bytes) {
        waiting--;
        questionBytes -= bytes;
    }

    private void take(CompletableFuture<Optional<byte[]>> read, @Nullable ReadIndexAnswer answer) {
        if (answer == null) {
            read.completeExceptionally(notNow("the leader does not answer"));
            return;
        }
        switch (answer.getAnswerCase()) {
            case INDEX -> {
                if (answer.getIndex() > 0) {
                    await(read, answer.getIndex());
                } else {
                    read.completeExceptionally(notNow("the leader's answer makes no sense"));
                }
            }
            case REFUSAL -> read.complete(Optional.of(answer.getRefusal().toByteArray()));
            default -> read.completeExceptionally(notNow(answer.getNotNow()));
        }
    }

    private void await(CompletableFuture<Optional<byte[]>> read, long index) {
        Place place;
        synchronized (this) {
            if (read.isDone()) {
                return;
            }
            if (applied >= index) {
                place = null;
            } else {
                place = new Place(index, ++numbers);
                untilApplied.put(place, read);
            }
        }
        if (place == null) {
            read.complete(Optional.empty());
        } else {
            // Also if it has been given up a moment ago: then this runs at once.
            read.whenComplete((done, failure) -> leave(place));
        }
    }

    private synchronized void leave(Place place) {
        untilApplied.remove(place);
    }

    /** Everything up to this index has reached the state machine. */
    void applied(long index) {
        List<CompletableFuture<Optional<byte[]>>> ready;
        synchronized (this) {
            applied = Math.max(applied, index);
            NavigableMap<Place, CompletableFuture<Optional<byte[]>>> reached =
                    untilApplied.headMap(new Place(applied, Long.MAX_VALUE), true);
            if (reached.isEmpty()) {
                return;
            }
            ready = new ArrayList<>(reached.values());
            reached.clear();
        }
        ready.forEach(read -> read.complete(Optional.empty()));
    }

    /** Fails everything that waits for an index, and whatever comes; what waits for an answer ends with its time. */
    void stop(RaftException why) {
        List<CompletableFuture<Optional<byte[]>>> lost;
        synchronized (this) {
            if (stopped != null) {
                return;
            }
            stopped = why;
            lost = new ArrayList<>(untilApplied.values());
            untilApplied.clear();
        }
        lost.forEach(read -> read.completeExceptionally(why));
    }

    /** Reads that wait now. */
    synchronized int waiting() {
        return waiting;
    }

    private static RaftException notNow(String why) {
        return new RaftException(Kind.BUSY, why);
    }
}
