package io.rutile.client.txn;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.TimeStamp;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * Reads at one moment (P6). Futures fail with {@link io.rutile.client.KvClientException}; values are shared, not copied. Safe from
 * any thread.
 */
public interface TxnReader {

    /** A pair; the value is empty if a scan asked for keys only. */
    @SuppressWarnings("ArrayRecordComponent") // Values are shared, not copied, and never compared here.
    record Pair(ByteKey key, byte[] value) {}

    /**
     * What to scan.
     *
     * @param range which keys
     * @param limit at most so many pairs, 0 to {@link Integer#MAX_VALUE}
     * @param reverse from the end of the range down
     * @param keysOnly leave values out
     */
    record ScanRequest(KeyRange range, int limit, boolean reverse, boolean keysOnly) {

        public ScanRequest {
            if (limit < 0) {
                throw new IllegalArgumentException("limit is negative: " + limit);
            }
        }
    }

    /** Takes pairs as they come. */
    interface PairConsumer {

        /** Called in key order, one at a time. The scan goes on when the future completes: that is the back-pressure. */
        CompletableFuture<Void> accept(List<Pair> pairs);
    }

    /** The moment that is read: what was committed at it or before, and nothing else. */
    TimeStamp startTs();

    CompletableFuture<Optional<byte[]>> get(ByteKey key);

    /** Only keys that are there are in the answer. */
    CompletableFuture<Map<ByteKey, byte[]>> batchGet(List<ByteKey> keys);

    /** The first pairs of a range, at most 10,240 of them in memory; one deadline for all pages. */
    CompletableFuture<List<Pair>> scan(ScanRequest request);

    /**
     * Any number of pairs, page by page. Completes after the last page was taken. The deadline is for each page, without the time
     * that the consumer takes; a failure of the consumer's future ends the scan and is its outcome.
     */
    CompletableFuture<Void> scan(ScanRequest request, PairConsumer consumer);
}
