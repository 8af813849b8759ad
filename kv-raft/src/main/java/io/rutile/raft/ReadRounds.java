package io.rutile.raft;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Reads that ask a majority, many to a round: whoever comes while a round is on its way joins the next one. After its round a
 * read waits until this replica has applied as far as the leader had committed.
 *
 * <p>State is guarded by this object's lock; futures complete outside it.
 */
final class ReadRounds {

    static final int WAITING_MAX = 65_536;

    /** Starts a round; {@link #finished} or {@link #failed} is called once for it, from any thread. */
    @FunctionalInterface
    interface Round {
        void start(ReadRounds rounds);
    }

    private final Round round;

    private List<CompletableFuture<Void>> next = new ArrayList<>();
    private List<CompletableFuture<Void>> current = List.of();
    private boolean running;
    private int waiting;
    private final TreeMap<Long, List<CompletableFuture<Void>>> untilApplied = new TreeMap<>();
    private long applied;
    private @Nullable RaftException stopped;

    ReadRounds(Round round) {
        this.round = round;
    }

    CompletableFuture<Void> read() {
        CompletableFuture<Void> read = new CompletableFuture<>();
        boolean start;
        synchronized (this) {
            if (stopped != null) {
                return CompletableFuture.failedFuture(stopped);
            }
            if (waiting >= WAITING_MAX) {
                return CompletableFuture.failedFuture(
                        new RaftException(RaftException.Kind.BUSY, "too many reads wait for a majority"));
            }
            waiting++;
            next.add(read);
            start = begin();
        }
        if (start) {
            round.start(this);
        }
        return read;
    }

    private boolean begin() {
        if (running || next.isEmpty()) {
            return false;
        }
        running = true;
        current = next;
        next = new ArrayList<>();
        return true;
    }

    /** The round has proved leadership; its reads wait for this index. */
    void finished(long index) {
        List<CompletableFuture<Void>> ready = List.of();
        boolean start;
        synchronized (this) {
            if (applied >= index) {
                ready = current;
                waiting -= ready.size();
            } else {
                untilApplied.computeIfAbsent(index, at -> new ArrayList<>()).addAll(current);
            }
            current = List.of();
            running = false;
            start = stopped == null && begin();
        }
        ready.forEach(read -> read.complete(null));
        if (start) {
            round.start(this);
        }
    }

    void failed(RaftException why) {
        List<CompletableFuture<Void>> lost;
        boolean start;
        synchronized (this) {
            lost = current;
            waiting -= lost.size();
            current = List.of();
            running = false;
            start = stopped == null && begin();
        }
        lost.forEach(read -> read.completeExceptionally(why));
        if (start) {
            round.start(this);
        }
    }

    /** Everything up to this index has reached the state machine; apply thread. */
    void applied(long index) {
        List<CompletableFuture<Void>> ready = new ArrayList<>();
        synchronized (this) {
            applied = index;
            while (!untilApplied.isEmpty() && untilApplied.firstKey() <= index) {
                ready.addAll(untilApplied.pollFirstEntry().getValue());
            }
            waiting -= ready.size();
        }
        ready.forEach(read -> read.complete(null));
    }

    /** Fails everything that waits, and whatever comes. */
    void stop(RaftException why) {
        List<CompletableFuture<Void>> lost;
        synchronized (this) {
            if (stopped != null) {
                return;
            }
            stopped = why;
            lost = new ArrayList<>(next);
            lost.addAll(current);
            untilApplied.values().forEach(lost::addAll);
            untilApplied.clear();
            next = new ArrayList<>();
            current = List.of();
            waiting = 0;
        }
        lost.forEach(read -> read.completeExceptionally(why));
    }
}
