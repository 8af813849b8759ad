package io.rutile.client.txn;

import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * Transactions whose locks a snapshot may pass: they will commit after the snapshot's moment, whatever becomes of them. Bounded:
 * forgetting one only costs another question. Safe from any thread.
 */
final class ResolvedLocks {

    static final int TXNS_MAX = 1_024;

    private final LinkedHashSet<Long> startTimestamps = new LinkedHashSet<>();

    synchronized void addAll(Collection<Long> more) {
        startTimestamps.addAll(more);
        while (startTimestamps.size() > TXNS_MAX) {
            startTimestamps.remove(startTimestamps.iterator().next());
        }
    }

    synchronized Set<Long> copy() {
        return Set.copyOf(startTimestamps);
    }
}
