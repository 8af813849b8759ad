package io.rutile.cli;

import io.rutile.client.raw.RawKv;
import io.rutile.protocol.ByteKey;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Clients that write unique keys without a pause and remember which writes were acknowledged. A write that failed may or may not be
 * there; one that was acknowledged must be (R8).
 */
final class WriteLoad implements AutoCloseable {

    private static final int VERIFY_BATCH = 500;
    private static final long ANSWER_WAIT_SECONDS = 30;

    private final RawKv raw;
    private final String prefix;
    private final long seed;
    private final Queue<Integer> acknowledged = new ConcurrentLinkedQueue<>();
    private final Queue<String> failures = new ConcurrentLinkedQueue<>();
    private final AtomicInteger sequence = new AtomicInteger();
    private final List<Thread> threads = new ArrayList<>();
    private volatile boolean stopped;

    /** Begun and ended, nanoseconds, of the first write that was begun after {@link #mark} and acknowledged. */
    private long markNanos = Long.MAX_VALUE;

    private @Nullable Duration firstSuccess;

    /** @param prefix of all its keys, which nobody else uses; what an earlier load has left there is written over */
    WriteLoad(RawKv raw, String prefix, int clients, long seed) {
        this.raw = raw;
        this.prefix = prefix;
        this.seed = seed;
        for (int i = 0; i < clients; i++) {
            threads.add(new Thread(this::write, "write-load-" + i));
        }
    }

    WriteLoad start() {
        threads.forEach(Thread::start);
        return this;
    }

    int acknowledgedCount() {
        return acknowledged.size();
    }

    /** Failed writes so far: allowed, and worth a look in a report. */
    List<String> failures() {
        return List.copyOf(failures);
    }

    /** From now on the first success is looked for. */
    synchronized void mark() {
        markNanos = System.nanoTime();
        firstSuccess = null;
    }

    /** How long after the mark the first write that was begun after it was acknowledged; null if none was yet. */
    synchronized @Nullable Duration firstSuccess() {
        return firstSuccess;
    }

    /** Keys of acknowledged writes that are not there, or not as they were written. */
    List<String> lost() throws ExecutionException, InterruptedException, TimeoutException {
        List<String> lost = new ArrayList<>();
        List<Integer> all = List.copyOf(acknowledged);
        for (int from = 0; from < all.size(); from += VERIFY_BATCH) {
            List<Integer> some = all.subList(from, Math.min(all.size(), from + VERIFY_BATCH));
            Map<ByteKey, byte[]> found =
                    raw.batchGet(some.stream().map(this::key).toList()).get(ANSWER_WAIT_SECONDS, TimeUnit.SECONDS);
            for (int id : some) {
                byte[] value = found.get(key(id));
                if (value == null || !Arrays.equals(value, value(id))) {
                    lost.add(new String(key(id).bytes(), StandardCharsets.US_ASCII)
                            + (value == null ? " is gone" : " differs"));
                }
            }
        }
        return lost;
    }

    /** Ends the load; every write under way has ended afterwards. */
    @Override
    public void close() throws InterruptedException {
        stopped = true;
        for (Thread thread : threads) {
            thread.join(Duration.ofSeconds(ANSWER_WAIT_SECONDS).toMillis());
        }
    }

    private void write() {
        while (!stopped) {
            int id = sequence.getAndIncrement();
            long begunNanos = System.nanoTime();
            try {
                raw.put(key(id), value(id), Duration.ZERO).get(ANSWER_WAIT_SECONDS, TimeUnit.SECONDS);
                acknowledged.add(id);
                succeeded(begunNanos);
            } catch (ExecutionException | TimeoutException e) {
                failures.add(String.valueOf(e.getCause()));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    private synchronized void succeeded(long begunNanos) {
        if (firstSuccess == null && begunNanos > markNanos) {
            firstSuccess = Duration.ofNanos(System.nanoTime() - markNanos);
        }
    }

    private ByteKey key(int id) {
        return ByteKey.wrap((prefix + id).getBytes(StandardCharsets.US_ASCII));
    }

    private byte[] value(int id) {
        SplittableRandom random = new SplittableRandom(seed * 1_000_003 + id);
        byte[] value = new byte[random.nextInt(16, 512)];
        random.nextBytes(value);
        return value;
    }
}
