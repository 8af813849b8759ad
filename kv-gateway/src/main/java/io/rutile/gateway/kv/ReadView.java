package io.rutile.gateway.kv;

import io.rutile.client.KvClientException;
import io.rutile.client.raw.RawKv.PairConsumer;
import io.rutile.client.raw.RawKv.ScanRequest;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.TimeStamp;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** Reads at one moment (P6). Futures fail with {@link KvClientException}; values are shared, not copied. Safe from any thread. */
public interface ReadView {

    /** The moment that is read. */
    TimeStamp startTs();

    CompletableFuture<Optional<byte[]>> get(ByteKey key);

    /** Only keys that are there are in the answer. */
    CompletableFuture<Map<ByteKey, byte[]>> batchGet(List<ByteKey> keys);

    /**
     * Any number of pairs, page by page; the next page is fetched when the consumer's future for the last one completes. The
     * deadline is for each page, without the consumer's time.
     */
    CompletableFuture<Void> scan(ScanRequest request, PairConsumer consumer);
}
