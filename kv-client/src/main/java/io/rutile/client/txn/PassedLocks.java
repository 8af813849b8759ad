package io.rutile.client.txn;

import io.rutile.protocol.kvrpcpb.Context;
import java.util.Collection;
import java.util.LinkedHashSet;

/**
 * Transactions whose locks do not hold a snapshot up, for what they will be to it is known for good: not there, because they are rolled
 * back or commit after its moment, or there, because they have committed before it. Bounded: forgetting one only costs another
 * question. Safe from any thread.
 */
final class PassedLocks {

    static final int TXNS_MAX = 1_024;

    private final LinkedHashSet<Long> hidden = new LinkedHashSet<>();
    private final LinkedHashSet<Long> visible = new LinkedHashSet<>();

    /**
     * Start timestamps.
     *
     * @param notThere rolled back, or to be committed after the snapshot's moment
     * @param there committed at the snapshot's moment or before
     */
    synchronized void add(Collection<Long> notThere, Collection<Long> there) {
        addBounded(hidden, notThere);
        addBounded(visible, there);
    }

    private static void addBounded(LinkedHashSet<Long> into, Collection<Long> more) {
        into.addAll(more);
        while (into.size() > TXNS_MAX) {
            into.remove(into.iterator().next());
        }
    }

    synchronized boolean contains(long startTs) {
        return hidden.contains(startTs) || visible.contains(startTs);
    }

    /** Tells a store of them. */
    synchronized Context stamp(Context context) {
        return hidden.isEmpty() && visible.isEmpty()
                ? context
                : context.toBuilder()
                        .addAllResolvedLocks(hidden)
                        .addAllCommittedLocks(visible)
                        .build();
    }
}
