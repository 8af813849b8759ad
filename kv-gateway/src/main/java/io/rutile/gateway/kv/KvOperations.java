package io.rutile.gateway.kv;

import io.rutile.client.KvClientException;
import io.rutile.client.raw.RawKv.PairConsumer;
import io.rutile.client.raw.RawKv.ScanRequest;
import io.rutile.client.raw.RawKv.SwapResult;
import io.rutile.protocol.ByteKey;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * What the gateway can do with the cluster: the front door of every edge. Futures fail with {@link
 * KvClientException}, and with {@code TIMEOUT} no later than at the deadline. Methods return at once and throw
 * nothing; any thread may call them; the threads that complete the futures must not be blocked.
 *
 * <p>A TTL of zero means "for ever"; others are whole seconds.
 */
public interface KvOperations {

    /** Longest TTL that an edge takes: a century. */
    Duration TTL_MAX = Duration.ofDays(36_500);

    CompletableFuture<Optional<byte[]>> get(ByteKey key, Deadline deadline);

    /** What is left of a key's life: empty if the key is not there, zero if it lives for ever. */
    CompletableFuture<Optional<Duration>> timeToLive(ByteKey key, Deadline deadline);

    CompletableFuture<Void> put(ByteKey key, byte[] value, Duration ttl, Deadline deadline);

    CompletableFuture<Void> delete(ByteKey key, Deadline deadline);

    /**
     * Linearizable; never repeated by anybody on the way once it may have been carried out.
     *
     * @param expected the value that must be there, null for "nothing"
     * @param update the new value, null to delete
     */
    CompletableFuture<SwapResult> compareAndSwap(
            ByteKey key, byte @Nullable [] expected, byte @Nullable [] update, Duration ttl, Deadline deadline);

    /** Only keys that are there are in the answer. */
    CompletableFuture<Map<ByteKey, byte[]>> batchGet(List<ByteKey> keys, Deadline deadline);

    /** Not atomic over keys: a failure may leave some written. */
    CompletableFuture<Void> batchPut(Map<ByteKey, byte[]> pairs, Duration ttl, Deadline deadline);

    /** Not atomic over keys: a failure may leave some deleted. */
    CompletableFuture<Void> batchDelete(List<ByteKey> keys, Deadline deadline);

    /**
     * Any number of pairs, page by page; the next page is fetched when the consumer's future for the last one completes. Each
     * page has the client's own deadline: a scan as a whole may take as long as its consumer likes.
     */
    CompletableFuture<Void> scan(ScanRequest request, PairConsumer consumer);
}
