package io.rutile.client.raw;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * The raw API. Futures fail with {@link io.rutile.client.KvClientException}; values are shared, not copied. Safe from any
 * thread.
 *
 * <p>TTLs are in whole seconds; {@link Duration#ZERO} means "for ever". A cluster without TTL refuses any other ({@code
 * INVALID}).
 */
public final class RawKv {

    /** A pair; the value is empty if a scan asked for keys only. */
    public record Pair(ByteKey key, byte[] value) {}

    /**
     * @param range which keys
     * @param limit at most so many pairs, 0 to {@link Integer#MAX_VALUE}
     * @param reverse from the end of the range down
     * @param keysOnly leave values out
     */
    public record ScanRequest(KeyRange range, int limit, boolean reverse, boolean keysOnly) {}

    /** Takes pairs as they come. */
    public interface PairConsumer {

        /** Called in key order, one at a time. The scan goes on when the future completes: that is the back-pressure. */
        CompletableFuture<Void> accept(List<Pair> pairs);
    }

    /** @param succeeded whether the value was swapped; @param previous what was there before, null if nothing */
    public record SwapResult(boolean succeeded, byte @Nullable [] previous) {}

    public CompletableFuture<Optional<byte[]>> get(ByteKey key) {
        throw new UnsupportedOperationException("not built yet");
    }

    public CompletableFuture<Void> put(ByteKey key, byte[] value, Duration ttl) {
        throw new UnsupportedOperationException("not built yet");
    }

    public CompletableFuture<Void> delete(ByteKey key) {
        throw new UnsupportedOperationException("not built yet");
    }

    /** Only keys that are there are in the answer. */
    public CompletableFuture<Map<ByteKey, byte[]>> batchGet(List<ByteKey> keys) {
        throw new UnsupportedOperationException("not built yet");
    }

    /** Not atomic over keys: a failure may leave some written. */
    public CompletableFuture<Void> batchPut(Map<ByteKey, byte[]> pairs, Duration ttl) {
        throw new UnsupportedOperationException("not built yet");
    }

    public CompletableFuture<Void> batchDelete(List<ByteKey> keys) {
        throw new UnsupportedOperationException("not built yet");
    }

    /** Deletes every key of the range, Region by Region. */
    public CompletableFuture<Void> deleteRange(KeyRange range) {
        throw new UnsupportedOperationException("not built yet");
    }

    /** The first pairs of a range, at most {@link io.rutile.protocol.WireLimits#SCAN_PAIRS_MAX} of them in memory. */
    public CompletableFuture<List<Pair>> scan(ScanRequest request) {
        throw new UnsupportedOperationException("not built yet");
    }

    /** Any number of pairs, page by page. Completes after the last page was taken. */
    public CompletableFuture<Void> scan(ScanRequest request, PairConsumer consumer) {
        throw new UnsupportedOperationException("not built yet");
    }

    /** Empty if the key is not there; zero if it has no expiry. */
    public CompletableFuture<Optional<Duration>> timeToLive(ByteKey key) {
        throw new UnsupportedOperationException("not built yet");
    }

    /**
     * @param expected the value that must be there, null for "nothing"
     * @param update the new value, null to delete
     */
    public CompletableFuture<SwapResult> compareAndSwap(
            ByteKey key, byte @Nullable [] expected, byte @Nullable [] update, Duration ttl) {
        throw new UnsupportedOperationException("not built yet");
    }
}
