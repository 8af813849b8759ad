package io.rutile.gateway.access;

import io.rutile.client.raw.RawKv.PairConsumer;
import io.rutile.client.raw.RawKv.ScanRequest;
import io.rutile.client.raw.RawKv.SwapResult;
import io.rutile.gateway.kv.Deadline;
import io.rutile.gateway.kv.FailureException;
import io.rutile.gateway.kv.KvOperations;
import io.rutile.protocol.ByteKey;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The raw API in the name of one caller: each operation asks, then forwards. A compare-and-swap reads as well as it writes. */
final class GuardedKv implements KvOperations {

    private final KvOperations kv;
    private final CallAccess access;

    GuardedKv(KvOperations kv, CallAccess access) {
        this.kv = kv;
        this.access = access;
    }

    @Override
    public CompletableFuture<Optional<byte[]>> get(ByteKey key, Deadline deadline) {
        return asked(() -> access.require(Permission.READ, Api.RAW, key), () -> kv.get(key, deadline));
    }

    @Override
    public CompletableFuture<Optional<Duration>> timeToLive(ByteKey key, Deadline deadline) {
        return asked(() -> access.require(Permission.READ, Api.RAW, key), () -> kv.timeToLive(key, deadline));
    }

    @Override
    public CompletableFuture<Void> put(ByteKey key, byte[] value, Duration ttl, Deadline deadline) {
        return asked(() -> access.require(Permission.WRITE, Api.RAW, key), () -> kv.put(key, value, ttl, deadline));
    }

    @Override
    public CompletableFuture<Void> delete(ByteKey key, Deadline deadline) {
        return asked(() -> access.require(Permission.WRITE, Api.RAW, key), () -> kv.delete(key, deadline));
    }

    @Override
    public CompletableFuture<SwapResult> compareAndSwap(
            ByteKey key, byte @Nullable [] expected, byte @Nullable [] update, Duration ttl, Deadline deadline) {
        return asked(
                () -> {
                    access.require(Permission.READ, Api.RAW, key);
                    access.require(Permission.WRITE, Api.RAW, key);
                },
                () -> kv.compareAndSwap(key, expected, update, ttl, deadline));
    }

    @Override
    public CompletableFuture<Map<ByteKey, byte[]>> batchGet(List<ByteKey> keys, Deadline deadline) {
        return asked(() -> access.require(Permission.READ, Api.RAW, keys), () -> kv.batchGet(keys, deadline));
    }

    @Override
    public CompletableFuture<Void> batchPut(Map<ByteKey, byte[]> pairs, Duration ttl, Deadline deadline) {
        return asked(
                () -> access.require(Permission.WRITE, Api.RAW, pairs.keySet()),
                () -> kv.batchPut(pairs, ttl, deadline));
    }

    @Override
    public CompletableFuture<Void> batchDelete(List<ByteKey> keys, Deadline deadline) {
        return asked(() -> access.require(Permission.WRITE, Api.RAW, keys), () -> kv.batchDelete(keys, deadline));
    }

    /** Asks again at each page: who reads slowly does not outlive their token. */
    @Override
    public CompletableFuture<Void> scan(ScanRequest request, PairConsumer consumer) {
        return asked(
                () -> access.require(Permission.READ, Api.RAW, request.range()),
                () -> kv.scan(request, pagewise(access, consumer)));
    }

    static PairConsumer pagewise(CallAccess access, PairConsumer consumer) {
        return page -> asked(access::requireStillValid, () -> consumer.accept(page));
    }

    /** These operations throw nothing. */
    static <T> CompletableFuture<T> asked(Runnable question, Supplier<CompletableFuture<T>> operation) {
        try {
            question.run();
        } catch (FailureException refused) {
            return CompletableFuture.failedFuture(refused);
        }
        return operation.get();
    }
}
