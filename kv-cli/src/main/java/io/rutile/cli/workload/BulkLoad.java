package io.rutile.cli.workload;

import io.rutile.client.KvClientException;
import io.rutile.client.raw.RawKv;
import io.rutile.protocol.ByteKey;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;

/**
 * Many raw pairs, to make a cluster large: key {@code i} is a hash of {@code i} behind a prefix, so they come in no order and lie evenly; the
 * value follows from the key and can't be compressed. Batches are repeated until they are acknowledged.
 */
public final class BulkLoad {

    private static final int VALUE_BYTES = 4 << 10;
    private static final int BATCH = 32;
    private static final int IN_HAND = 8;
    private static final int READ_BATCH = 64;
    private static final Duration PROGRESS_INTERVAL = Duration.ofSeconds(15);
    private static final Duration PAUSE = Duration.ofMillis(100);
    private static final Duration BATCH_MAX = Duration.ofMinutes(2);
    private static final byte[] PREFIX = "bulk/".getBytes(StandardCharsets.UTF_8);

    private final RawKv raw;
    private final long pairs;
    private final int pairsPerSecond;
    private final LongAdder written = new LongAdder();

    /**
     * Prepares it.
     *
     * @param bytes of keys and values together, roughly
     * @param pairsPerSecond at most; 0 for as many as are taken
     */
    public BulkLoad(RawKv raw, long bytes, int pairsPerSecond) {
        this.raw = raw;
        this.pairsPerSecond = pairsPerSecond;
        this.pairs = Math.max(1, bytes / VALUE_BYTES);
    }

    /**
     * Writes all of it.
     *
     * @param progress told every quarter of a minute how much is acknowledged
     * @throws IllegalStateException if a batch isn't acknowledged within two minutes
     */
    public void write(Consumer<String> progress) throws InterruptedException {
        long beganNanos = System.nanoTime();
        List<Thread> threads = new ArrayList<>();
        List<RuntimeException> failures = new ArrayList<>();
        for (int t = 0; t < IN_HAND; t++) {
            long first = t;
            Thread thread = new Thread(
                    () -> {
                        try {
                            for (long batch = first; batch * BATCH < pairs; batch += IN_HAND) {
                                awaitTurn(batch * BATCH, beganNanos);
                                put(batch * BATCH);
                            }
                        } catch (RuntimeException e) {
                            synchronized (failures) {
                                failures.add(e);
                            }
                        } catch (InterruptedException e) {
                            Thread.currentThread().interrupt();
                        }
                    },
                    "bulk-load-" + t);
            threads.add(thread);
            thread.start();
        }
        for (Thread thread : threads) {
            while (thread.isAlive()) {
                thread.join(PROGRESS_INTERVAL.toMillis());
                if (thread.isAlive()) {
                    progress.accept(written() + " of " + pairs + " pairs acknowledged");
                }
            }
        }
        if (!failures.isEmpty()) {
            throw failures.get(0);
        }
    }

    /** A batch that comes late doesn't put off the next. */
    private void awaitTurn(long first, long beganNanos) throws InterruptedException {
        if (pairsPerSecond > 0) {
            long dueNanos = beganNanos + (long) (1e9 * first / pairsPerSecond);
            TimeUnit.NANOSECONDS.sleep(dueNanos - System.nanoTime());
        }
    }

    private void put(long first) throws InterruptedException {
        Map<ByteKey, byte[]> batch = new LinkedHashMap<>();
        for (long i = first; i < Math.min(pairs, first + BATCH); i++) {
            ByteKey key = key(i);
            batch.put(key, value(i));
        }
        long beganNanos = System.nanoTime();
        while (true) {
            try {
                raw.batchPut(batch, Duration.ZERO).join();
                written.add(batch.size());
                return;
            } catch (CompletionException | KvClientException e) {
                if (System.nanoTime() - beganNanos > BATCH_MAX.toNanos()) {
                    throw new IllegalStateException("a batch of the load was not taken: " + e.getMessage(), e);
                }
                TimeUnit.NANOSECONDS.sleep(PAUSE.toNanos());
            }
        }
    }

    /**
     * Reads some of it, drawn evenly.
     *
     * @return how many were not there, or were something else
     */
    public long wrongOf(int count, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        long wrong = 0;
        for (int done = 0; done < count; done += READ_BATCH) {
            Map<ByteKey, Long> numbers = new LinkedHashMap<>();
            for (int i = done; i < Math.min(count, done + READ_BATCH); i++) {
                long number = random.nextLong(pairs);
                numbers.put(key(number), number);
            }
            CompletableFuture<Map<ByteKey, byte[]>> answer = raw.batchGet(List.copyOf(numbers.keySet()));
            Map<ByteKey, byte[]> found = answer.join();
            for (Map.Entry<ByteKey, Long> wanted : numbers.entrySet()) {
                if (!Arrays.equals(found.get(wanted.getKey()), value(wanted.getValue()))) {
                    wrong++;
                }
            }
        }
        return wrong;
    }

    /** Of {@link #pairs}. */
    public long written() {
        return written.sum();
    }

    public long pairs() {
        return pairs;
    }

    private static ByteKey key(long i) {
        // The finalizer of MurmurHash3: a bijection, so no two are the same.
        long hash = i;
        hash = (hash ^ hash >>> 33) * 0xff51afd7ed558ccdL;
        hash = (hash ^ hash >>> 33) * 0xc4ceb9fe1a85ec53L;
        hash ^= hash >>> 33;
        return ByteKey.wrap(ByteBuffer.allocate(PREFIX.length + Long.BYTES)
                .put(PREFIX)
                .putLong(hash)
                .array());
    }

    private static byte[] value(long i) {
        byte[] value = new byte[VALUE_BYTES];
        new SplittableRandom(i).nextBytes(value);
        return value;
    }
}
