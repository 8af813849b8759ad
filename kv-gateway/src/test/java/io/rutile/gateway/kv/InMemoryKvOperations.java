package io.rutile.gateway.kv;

import io.rutile.client.KvClientException;
import io.rutile.client.raw.RawKv.Pair;
import io.rutile.client.raw.RawKv.PairConsumer;
import io.rutile.client.raw.RawKv.ScanRequest;
import io.rutile.client.raw.RawKv.SwapResult;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The operations on a map in memory. Tests may make the next calls fail or wait, and see what was asked. */
public final class InMemoryKvOperations implements KvOperations {

    public static final int PAGE_PAIRS = 100;

    public final NavigableMap<ByteKey, byte[]> pairs = new ConcurrentSkipListMap<>();
    public final Map<ByteKey, Duration> ttls = new ConcurrentHashMap<>();
    /** Pages that scans were given so far. */
    public final AtomicInteger pagesScanned = new AtomicInteger();

    private final Executor executor = ForkJoinPool.commonPool();
    private final ConcurrentLinkedQueue<RuntimeException> failures = new ConcurrentLinkedQueue<>();
    private final ConcurrentLinkedQueue<Runnable> beforeSwaps = new ConcurrentLinkedQueue<>();
    private volatile @Nullable CompletableFuture<Void> gate;
    private volatile int failScanAtPage = Integer.MAX_VALUE;

    /** Forgets everything, pairs and orders. */
    public void reset() {
        pairs.clear();
        ttls.clear();
        failures.clear();
        beforeSwaps.clear();
        pagesScanned.set(0);
        failScanAtPage = Integer.MAX_VALUE;
        open();
    }

    public void failNext(KvClientException.Kind kind) {
        failures.add(new KvClientException(kind, "as the test ordered", null, null));
    }

    public void failNext(RuntimeException failure) {
        failures.add(failure);
    }

    /** The next scan fails after so many pages. */
    public void failScanAtPage(int pages) {
        failScanAtPage = pages;
    }

    /** Calls that begin now are not answered until {@link #open}. */
    public void close() {
        gate = new CompletableFuture<>();
    }

    public void open() {
        CompletableFuture<Void> closed = gate;
        gate = null;
        if (closed != null) {
            closed.complete(null);
        }
    }

    /** Another writer comes just before the next compare-and-swap. */
    public void beforeNextSwap(Runnable writer) {
        beforeSwaps.add(writer);
    }

    @Override
    public CompletableFuture<Optional<byte[]>> get(ByteKey key, Deadline deadline) {
        return call(() -> Optional.ofNullable(pairs.get(key)), deadline);
    }

    @Override
    public CompletableFuture<Optional<Duration>> timeToLive(ByteKey key, Deadline deadline) {
        return call(
                () -> pairs.containsKey(key) ? Optional.of(ttls.getOrDefault(key, Duration.ZERO)) : Optional.empty(),
                deadline);
    }

    @Override
    public CompletableFuture<Void> put(ByteKey key, byte[] value, Duration ttl, Deadline deadline) {
        return run(() -> store(key, value, ttl), deadline);
    }

    @Override
    public CompletableFuture<Void> delete(ByteKey key, Deadline deadline) {
        return run(() -> pairs.remove(key), deadline);
    }

    @Override
    public CompletableFuture<SwapResult> compareAndSwap(
            ByteKey key, byte @Nullable [] expected, byte @Nullable [] update, Duration ttl, Deadline deadline) {
        return call(
                () -> {
                    Runnable other = beforeSwaps.poll();
                    if (other != null) {
                        other.run();
                    }
                    synchronized (pairs) {
                        byte[] current = pairs.get(key);
                        boolean same = Arrays.equals(current, expected);
                        if (same && update != null) {
                            store(key, update, ttl);
                        } else if (same) {
                            pairs.remove(key);
                        }
                        return new SwapResult(same, current);
                    }
                },
                deadline);
    }

    @Override
    public CompletableFuture<Map<ByteKey, byte[]>> batchGet(List<ByteKey> keys, Deadline deadline) {
        return call(
                () -> {
                    Map<ByteKey, byte[]> found = new LinkedHashMap<>();
                    keys.forEach(key -> {
                        byte[] value = pairs.get(key);
                        if (value != null) {
                            found.put(key, value);
                        }
                    });
                    return found;
                },
                deadline);
    }

    @Override
    public CompletableFuture<Void> batchPut(Map<ByteKey, byte[]> batch, Duration ttl, Deadline deadline) {
        return run(() -> batch.forEach((key, value) -> store(key, value, ttl)), deadline);
    }

    @Override
    public CompletableFuture<Void> batchDelete(List<ByteKey> keys, Deadline deadline) {
        return run(() -> keys.forEach(pairs::remove), deadline);
    }

    @Override
    public CompletableFuture<Void> scan(ScanRequest request, PairConsumer consumer) {
        NavigableMap<ByteKey, byte[]> range = range(request.range());
        Iterator<Map.Entry<ByteKey, byte[]>> entries =
                (request.reverse() ? range.descendingMap() : range).entrySet().iterator();
        return call(() -> entries, Deadline.after(Duration.ofMinutes(1)))
                .thenComposeAsync(any -> page(entries, request, consumer, 0, request.limit()), executor);
    }

    private CompletableFuture<Void> page(
            Iterator<Map.Entry<ByteKey, byte[]>> entries,
            ScanRequest request,
            PairConsumer consumer,
            int page,
            int left) {
        if (page >= failScanAtPage) {
            return CompletableFuture.failedFuture(
                    new KvClientException(KvClientException.Kind.UNAVAILABLE, "as the test ordered", null, null));
        }
        List<Pair> pairs = new ArrayList<>();
        while (entries.hasNext() && pairs.size() < Math.min(PAGE_PAIRS, left)) {
            Map.Entry<ByteKey, byte[]> entry = entries.next();
            pairs.add(new Pair(entry.getKey(), request.keysOnly() ? new byte[0] : entry.getValue()));
        }
        if (pairs.isEmpty()) {
            return CompletableFuture.completedFuture(null);
        }
        pagesScanned.incrementAndGet();
        return consumer.accept(pairs)
                .thenComposeAsync(taken -> page(entries, request, consumer, page + 1, left - pairs.size()), executor);
    }

    private NavigableMap<ByteKey, byte[]> range(KeyRange range) {
        if (range.isEmpty()) {
            return new ConcurrentSkipListMap<>();
        }
        return range.end().isEmpty()
                ? pairs.tailMap(range.start(), true)
                : pairs.subMap(range.start(), true, range.end(), false);
    }

    private void store(ByteKey key, byte[] value, Duration ttl) {
        synchronized (pairs) {
            pairs.put(key, value);
            ttls.put(key, ttl);
        }
    }

    private CompletableFuture<Void> run(Runnable action, Deadline deadline) {
        return call(
                        () -> {
                            action.run();
                            return true;
                        },
                        deadline)
                .thenAccept(done -> {});
    }

    private <T> CompletableFuture<T> call(Supplier<T> action, Deadline deadline) {
        CompletableFuture<Void> before = gate;
        return (before == null ? CompletableFuture.<Void>completedFuture(null) : before)
                .thenApplyAsync(
                        open -> {
                            RuntimeException failure = failures.poll();
                            if (failure != null) {
                                throw failure;
                            }
                            return action.get();
                        },
                        executor)
                .orTimeout(deadline.remaining().toNanos(), TimeUnit.NANOSECONDS)
                .exceptionallyCompose(failure -> CompletableFuture.failedFuture(
                        failure instanceof TimeoutException ? Deadline.passed() : failure));
    }
}
