package io.rutile.storage.command;

import io.rutile.protocol.deadlock.DeadlockResponse;
import io.rutile.protocol.deadlock.WaitForEntry;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The wait-for graph: who waits for whom, over which key.
 *
 * <p>An edge lives as long as a wait can last; whose store has died forgets nothing, and must not make circles of the past. Safe
 * from every thread.
 */
public final class DeadlockDetector implements DeadlockDetection {

    private final long edgeLifeNanos;
    private final int edgesMax;
    private final LongSupplier nanoTime;

    /** Waiting transaction to the transactions that it waits for. Guarded by this. */
    private final Map<Long, Map<Long, Edge>> edges = new HashMap<>();

    private int edgeCount;
    private long lastSweepNanos;

    /** One transaction's waits for another; guarded by the graph. */
    private static final class Edge {
        private final Map<Long, WaitForEntry> byKeyHash = new HashMap<>();
        private long touchedNanos;

        WaitForEntry any() {
            return byKeyHash.values().iterator().next();
        }
    }

    /**
     * @param edgeLife longest that a wait lasts
     * @param edgesMax waits that are kept in mind; of more, circles are found by time-out only
     */
    public DeadlockDetector(Duration edgeLife, int edgesMax) {
        this(edgeLife, edgesMax, System::nanoTime);
    }

    DeadlockDetector(Duration edgeLife, int edgesMax, LongSupplier nanoTime) {
        this.edgeLifeNanos = edgeLife.toNanos();
        this.edgesMax = edgesMax;
        this.nanoTime = nanoTime;
        this.lastSweepNanos = nanoTime.getAsLong();
    }

    @Override
    public CompletableFuture<@Nullable DeadlockResponse> detect(WaitForEntry edge) {
        return CompletableFuture.completedFuture(add(edge));
    }

    private synchronized @Nullable DeadlockResponse add(WaitForEntry edge) {
        sweep();
        List<WaitForEntry> path = path(edge.getWaitForTxn(), edge.getTxn());
        if (path != null) {
            WaitForEntry last = path.isEmpty() ? edge : path.get(path.size() - 1);
            return DeadlockResponse.newBuilder()
                    .setEntry(edge)
                    .setDeadlockKeyHash(last.getKeyHash())
                    .setDeadlockKey(last.getKey())
                    .addAllWaitChain(path)
                    .addWaitChain(edge)
                    .build();
        }
        if (edgeCount < edgesMax) {
            Edge kept = edges.computeIfAbsent(edge.getTxn(), txn -> new HashMap<>())
                    .computeIfAbsent(edge.getWaitForTxn(), txn -> new Edge());
            if (kept.byKeyHash.put(edge.getKeyHash(), edge) == null) {
                edgeCount++;
            }
            kept.touchedNanos = nanoTime.getAsLong();
        }
        return null;
    }

    /** The edges that lead from one transaction to another, null if none do. Empty if they are the same. */
    private @Nullable List<WaitForEntry> path(long from, long to) {
        if (from == to) {
            return List.of();
        }
        Map<Long, WaitForEntry> cameBy = new HashMap<>();
        Set<Long> seen = new HashSet<>(Set.of(from));
        Deque<Long> open = new ArrayDeque<>(Set.of(from));
        for (Long at = open.poll(); at != null; at = open.poll()) {
            for (Map.Entry<Long, Edge> out : edges.getOrDefault(at, Map.of()).entrySet()) {
                if (isDead(out.getValue()) || !seen.add(out.getKey())) {
                    continue;
                }
                cameBy.put(out.getKey(), out.getValue().any());
                if (out.getKey() == to) {
                    return walkedBack(cameBy, from, to);
                }
                open.add(out.getKey());
            }
        }
        return null;
    }

    private static List<WaitForEntry> walkedBack(Map<Long, WaitForEntry> cameBy, long from, long to) {
        List<WaitForEntry> path = new ArrayList<>();
        for (long at = to; at != from; ) {
            WaitForEntry edge = Objects.requireNonNull(cameBy.get(at));
            path.add(edge);
            at = edge.getTxn();
        }
        Collections.reverse(path);
        return path;
    }

    @Override
    public synchronized void forget(WaitForEntry edge) {
        Map<Long, Edge> out = edges.get(edge.getTxn());
        Edge kept = out == null ? null : out.get(edge.getWaitForTxn());
        if (out == null || kept == null || kept.byKeyHash.remove(edge.getKeyHash()) == null) {
            return;
        }
        edgeCount--;
        if (kept.byKeyHash.isEmpty()) {
            out.remove(edge.getWaitForTxn());
            if (out.isEmpty()) {
                edges.remove(edge.getTxn());
            }
        }
    }

    /** The transaction has ended: it waits for nobody any more. */
    public synchronized void forgetTxn(long txn) {
        Map<Long, Edge> out = edges.remove(txn);
        if (out != null) {
            out.values().forEach(edge -> edgeCount -= edge.byKeyHash.size());
        }
    }

    /** Begins anew: what an earlier leader of the graph knew is not known here. */
    public synchronized void clear() {
        edges.clear();
        edgeCount = 0;
    }

    /** Every edge. */
    public synchronized List<WaitForEntry> entries() {
        List<WaitForEntry> all = new ArrayList<>();
        edges.values().forEach(out -> out.values().forEach(edge -> all.addAll(edge.byKeyHash.values())));
        return all;
    }

    private boolean isDead(Edge edge) {
        return nanoTime.getAsLong() - edge.touchedNanos > edgeLifeNanos;
    }

    private void sweep() {
        long now = nanoTime.getAsLong();
        if (now - lastSweepNanos < edgeLifeNanos) {
            return;
        }
        lastSweepNanos = now;
        edges.values().removeIf(out -> {
            out.values().removeIf(edge -> {
                if (isDead(edge)) {
                    edgeCount -= edge.byKeyHash.size();
                    return true;
                }
                return false;
            });
            return out.isEmpty();
        });
    }
}
