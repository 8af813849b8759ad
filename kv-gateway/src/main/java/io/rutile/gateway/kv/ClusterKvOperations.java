package io.rutile.gateway.kv;

import io.rutile.client.raw.RawKv;
import io.rutile.client.raw.RawKv.PairConsumer;
import io.rutile.client.raw.RawKv.ScanRequest;
import io.rutile.client.raw.RawKv.SwapResult;
import io.rutile.protocol.ByteKey;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The operations on a real cluster: each forwards to the client, or fails with {@code UNAVAILABLE} while there is none. */
public final class ClusterKvOperations implements KvOperations {

    private final ClusterConnection connection;

    public ClusterKvOperations(ClusterConnection connection) {
        this.connection = connection;
    }

    @Override
    public CompletableFuture<Optional<byte[]>> get(ByteKey key, Deadline deadline) {
        return call(raw -> raw.get(key), deadline);
    }

    @Override
    public CompletableFuture<Optional<Duration>> timeToLive(ByteKey key, Deadline deadline) {
        return call(raw -> raw.timeToLive(key), deadline);
    }

    @Override
    public CompletableFuture<Void> put(ByteKey key, byte[] value, Duration ttl, Deadline deadline) {
        return call(raw -> raw.put(key, value, ttl), deadline);
    }

    @Override
    public CompletableFuture<Void> delete(ByteKey key, Deadline deadline) {
        return call(raw -> raw.delete(key), deadline);
    }

    @Override
    public CompletableFuture<SwapResult> compareAndSwap(
            ByteKey key, byte @Nullable [] expected, byte @Nullable [] update, Duration ttl, Deadline deadline) {
        return call(raw -> raw.compareAndSwap(key, expected, update, ttl), deadline);
    }

    @Override
    public CompletableFuture<Map<ByteKey, byte[]>> batchGet(List<ByteKey> keys, Deadline deadline) {
        return call(raw -> raw.batchGet(keys), deadline);
    }

    @Override
    public CompletableFuture<Void> batchPut(Map<ByteKey, byte[]> pairs, Duration ttl, Deadline deadline) {
        return call(raw -> raw.batchPut(pairs, ttl), deadline);
    }

    @Override
    public CompletableFuture<Void> batchDelete(List<ByteKey> keys, Deadline deadline) {
        return call(raw -> raw.batchDelete(keys), deadline);
    }

    @Override
    public CompletableFuture<Void> scan(ScanRequest request, PairConsumer consumer) {
        return connection.raw().thenCompose(raw -> raw.scan(request, consumer));
    }

    private <T> CompletableFuture<T> call(Function<RawKv, CompletableFuture<T>> operation, Deadline deadline) {
        Duration remaining = deadline.remaining();
        if (remaining.isZero()) {
            return CompletableFuture.failedFuture(Deadline.passed());
        }
        return connection.raw().thenCompose(raw -> operation.apply(raw.withTimeout(remaining)));
    }
}
