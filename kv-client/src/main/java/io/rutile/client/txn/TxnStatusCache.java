package io.rutile.client.txn;

import io.rutile.protocol.TimeStamp;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Transactions whose fate is final, by start timestamp; the least recently used one is forgotten first. Safe from any thread. */
final class TxnStatusCache {

    static final int TXNS_MAX = 4_096;

    private final LinkedHashMap<TimeStamp, TxnStatus> statuses = new LinkedHashMap<>(64, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<TimeStamp, TxnStatus> eldest) {
            return size() > TXNS_MAX;
        }
    };

    synchronized @Nullable TxnStatus find(TimeStamp startTs) {
        return statuses.get(startTs);
    }

    /** Keeps it if it is final. */
    synchronized void keep(TimeStamp startTs, TxnStatus status) {
        if (status.isFinal()) {
            // Its keys were resolved by whoever decided it: late-comers see to the locks that they meet.
            statuses.put(startTs, status.withDecidedKeys(List.of()));
        }
    }
}
