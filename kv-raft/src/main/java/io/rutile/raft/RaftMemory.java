package io.rutile.raft;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.raft.transport.ByteBudget;
import java.util.Collection;
import java.util.function.ToLongFunction;

/**
 * What all groups of a store together may hold of entries and messages, as parts of the heap. JRaft bounds each group alone, and hundreds
 * of groups that catch up or lag at once would take many times what there is.
 *
 * <p>Refusals are harmless: a leader tries again after a pause (to a follower it is a lost message), a proposer is told that the store is
 * busy. Heartbeats and votes are never refused, they bring no entries.
 */
final class RaftMemory {

    private static final long BYTES_MIN = 8L << 20;

    /** A group that holds no more than this is never the one that waits: each goes on by a little. */
    private static final long GROUP_BYTES_FREE = 64L << 10;

    /** Proposals that have no outcome yet. */
    final ByteBudget proposals;

    /** Entries on their way to other stores, until they are answered. */
    final ByteBudget outbound;

    /** Entries of leaders elsewhere that no group has looked at yet. */
    final ByteBudget inbound;

    private final long logBytesMax;
    private volatile long logBytes;

    /** @param heapBytes the most that the process may have */
    RaftMemory(long heapBytes, MeterRegistry meters) {
        proposals = new ByteBudget(Math.max(BYTES_MIN, heapBytes / 16));
        outbound = new ByteBudget(Math.max(BYTES_MIN, heapBytes / 16));
        inbound = new ByteBudget(Math.max(BYTES_MIN, heapBytes / 16));
        logBytesMax = Math.max(BYTES_MIN, heapBytes / 8);
        Gauge.builder("kv.raft.propose.inflight", proposals, ByteBudget::taken)
                .description("Bytes of entries proposed and not applied")
                .baseUnit("bytes")
                .register(meters);
        gauge(meters, "outbound", memory -> memory.outbound.taken());
        gauge(meters, "inbound", memory -> memory.inbound.taken());
        gauge(meters, "log", memory -> memory.logBytes);
    }

    private void gauge(MeterRegistry meters, String use, ToLongFunction<RaftMemory> bytes) {
        Gauge.builder("kv.raft.memory", this, memory -> bytes.applyAsLong(memory))
                .description("Bytes of entries and messages in memory")
                .tag("use", use)
                .baseUnit("bytes")
                .register(meters);
    }

    /** Adds up what groups hold of their logs because it is not applied, or not on disk, yet. Called many times a second, by one thread. */
    void look(Collection<? extends JRaftAdapter<?>> groups) {
        long sum = 0;
        for (JRaftAdapter<?> group : groups) {
            sum += group.logBytesInMemory();
        }
        logBytes = sum;
    }

    /**
     * False if a group is to take no more entries for now: the store holds too much that is not applied, and the group has a part in it.
     *
     * @param groupBytes what that group holds
     */
    boolean takesEntries(long groupBytes) {
        return logBytes <= logBytesMax || groupBytes <= GROUP_BYTES_FREE;
    }
}
