package io.rutile.cli.bench;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * Clients that send their next operation when the last one has been answered. Latencies are therefore those that a waiting caller
 * sees; a stall counts once for each client, not once for each request that an open system would have sent meanwhile.
 */
final class ClosedLoop {

    private static final long LATENCY_NANOS_MAX = Duration.ofMinutes(2).toNanos();
    private static final int SIGNIFICANT_DIGITS = 3;

    private final Duration warmUp;
    private final Duration duration;

    ClosedLoop(Duration warmUp, Duration duration) {
        this.warmUp = warmUp;
        this.duration = duration;
    }

    /** Load that nobody measures, so that the first measurement finds compiled code on both sides like the last one does. */
    void warmUp(Subject subject, Workload workload, KeySpace keys, int clients) throws InterruptedException {
        run(subject, workload, keys, clients, warmUp, 0);
    }

    Measurement measure(Subject subject, Workload workload, KeySpace keys, int clients) throws InterruptedException {
        run(subject, workload, keys, clients, warmUp, 1);
        Duration cpuBefore = subject.cpu();
        Outcome outcome = run(subject, workload, keys, clients, duration, 2);
        Duration cpu = subject.cpu().minus(cpuBefore);
        return new Measurement(
                subject.name(),
                workload,
                clients,
                outcome.elapsed,
                outcome.latencies,
                outcome.errors,
                outcome.firstError,
                cpu.isNegative() ? Duration.ZERO : cpu);
    }

    private record Outcome(
            Histogram latencies, long errors, @Nullable String firstError, Duration elapsed) {}

    @CanIgnoreReturnValue
    private static Outcome run(
            Subject subject, Workload workload, KeySpace keys, int clients, Duration duration, int phase)
            throws InterruptedException {
        SplittableRandom seeds = new SplittableRandom(keys.seed() * 31 + phase);
        List<Client> all = new ArrayList<>();
        CountDownLatch start = new CountDownLatch(1);
        for (int i = 0; i < clients; i++) {
            all.add(new Client(subject, workload, keys, seeds.split(), duration, start));
        }
        List<Thread> threads =
                all.stream().map(client -> new Thread(client, "bench-client")).toList();
        threads.forEach(Thread::start);
        long startNanos = System.nanoTime();
        start.countDown();
        for (Thread thread : threads) {
            thread.join();
        }
        Duration elapsed = Duration.ofNanos(System.nanoTime() - startNanos);
        Histogram latencies = new Histogram(LATENCY_NANOS_MAX, SIGNIFICANT_DIGITS);
        all.forEach(client -> latencies.add(client.latencies));
        return new Outcome(
                latencies,
                all.stream().mapToLong(client -> client.errors).sum(),
                all.stream()
                        .map(client -> client.firstError.get())
                        .filter(error -> error != null)
                        .findFirst()
                        .orElse(null),
                elapsed);
    }

    /** One client: its thread alone writes its figures; they are read after it has ended. */
    private static final class Client implements Runnable {

        private final Subject subject;
        private final Workload workload;
        private final KeySpace keys;
        private final SplittableRandom random;
        private final Duration duration;
        private final CountDownLatch start;
        private final Histogram latencies = new Histogram(LATENCY_NANOS_MAX, SIGNIFICANT_DIGITS);
        private final AtomicReference<@Nullable String> firstError = new AtomicReference<>();
        private long errors;

        Client(
                Subject subject,
                Workload workload,
                KeySpace keys,
                SplittableRandom random,
                Duration duration,
                CountDownLatch start) {
            this.subject = subject;
            this.workload = workload;
            this.keys = keys;
            this.random = random;
            this.duration = duration;
            this.start = start;
        }

        @Override
        public void run() {
            try {
                start.await();
                long endNanos = System.nanoTime() + duration.toNanos();
                while (System.nanoTime() - endNanos < 0) {
                    step();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        private void step() throws InterruptedException {
            long beforeNanos = System.nanoTime();
            try {
                workload.step(subject, keys, random);
                latencies.recordValue(Math.min(System.nanoTime() - beforeNanos, LATENCY_NANOS_MAX));
            } catch (InterruptedException e) {
                throw e;
            } catch (Exception e) {
                errors++;
                firstError.compareAndSet(null, String.valueOf(e.getMessage()));
            }
        }
    }
}
