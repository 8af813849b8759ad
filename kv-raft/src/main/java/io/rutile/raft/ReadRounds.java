package io.rutile.raft;

import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Reads that ask a majority, many to a round: whoever comes while a round is on its way joins the next one. After its round a
 * read waits until this replica has applied as far as the leader had committed when the round began, and completes with that index.
 *
 * <p>State is guarded by this object's lock; futures complete outside it.
 */
final class ReadRounds {

    static final int WAITING_MAX = 65_536;

    /** Starts the round of that number; {@link #finished} or {@link #failed} is called for it, from any thread. */
    @FunctionalInterface
    interface Round {
        void start(ReadRounds rounds, long number);
    }

    private final Round round;

    private List<CompletableFuture<Long>> next = new ArrayList<>();
    private List<CompletableFuture<Long>> current = List.of();
    private boolean running;
    private long number;
    private int waiting;
    private final TreeMap<Long, List<CompletableFuture<Long>>> untilApplied = new TreeMap<>();
    private long applied;
    private @Nullable RaftException stopped;

    ReadRounds(Round round) {
        this.round = round;
    }

    CompletableFuture<Long> read() {
        CompletableFuture<Long> read = new CompletableFuture<>();
        long start;
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
        start(start);
        return read;
    }

    /** True from before a round sends anything until it is over. */
    synchronized boolean isRunning() {
        return running;
    }

    /** The number of the round to start now; 0 if none. Under the lock. */
    private long begin() {
        if (running || next.isEmpty() || stopped != null) {
            return 0;
        }
        running = true;
        current = next;
        next = new ArrayList<>();
        return ++number;
    }

    private void start(long begun) {
        if (begun != 0) {
            round.start(this, begun);
        }
    }

    /** The round has proved leadership; its reads wait for this index. Nothing happens if the round is over. */
    void finished(long ended, long index) {
        List<CompletableFuture<Long>> ready = List.of();
        long start;
        synchronized (this) {
            if (!running || ended != number) {
                return;
            }
            if (applied >= index) {
                ready = current;
                waiting -= ready.size();
            } else {
                untilApplied.computeIfAbsent(index, at -> new ArrayList<>()).addAll(current);
            }
            current = List.of();
            running = false;
            start = begin();
        }
        ready.forEach(read -> read.complete(index));
        start(start);
    }

    /** The round has proved nothing. Nothing happens if it is over. */
    void failed(long ended, RaftException why) {
        List<CompletableFuture<Long>> lost;
        long start;
        synchronized (this) {
            if (!running || ended != number) {
                return;
            }
            lost = current;
            waiting -= lost.size();
            current = List.of();
            running = false;
            start = begin();
        }
        lost.forEach(read -> read.completeExceptionally(why));
        start(start);
    }

    /** Everything up to this index has reached the state machine; apply thread. */
    void applied(long index) {
        NavigableMap<Long, List<CompletableFuture<Long>>> ready;
        synchronized (this) {
            applied = Math.max(applied, index);
            if (untilApplied.isEmpty() || untilApplied.firstKey() > index) {
                return;
            }
            NavigableMap<Long, List<CompletableFuture<Long>>> reached = untilApplied.headMap(index, true);
            ready = new TreeMap<>(reached);
            reached.clear();
            waiting -= ready.values().stream().mapToInt(List::size).sum();
        }
        ready.forEach((at, reads) -> reads.forEach(read -> read.complete(at)));
    }

    /** Fails everything that waits, and whatever comes. */
    void stop(RaftException why) {
        List<CompletableFuture<Long>> lost;
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
