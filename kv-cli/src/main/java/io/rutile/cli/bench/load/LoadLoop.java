package io.rutile.cli.bench.load;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/** Clients that put a load on a subject, and their figures. */
public final class LoadLoop {

    /** Longer ones count as that. */
    static final long LATENCY_NANOS_MAX = Duration.ofMinutes(2).toNanos();

    private static final int SIGNIFICANT_DIGITS = 3;

    private LoadLoop() {}

    /** Of the kind that all figures are kept in. */
    static Histogram histogram() {
        return new Histogram(LATENCY_NANOS_MAX, SIGNIFICANT_DIGITS);
    }

    /**
     * Runs one load from this process; blocks until all its operations have ended.
     *
     * @param salt tells what is drawn in one run from what is drawn in another
     * @throws IllegalStateException if a client ended by an error of the Java machine: then there are no figures
     */
    public static Outcome run(Subject subject, Load load, Dataset data, Duration duration, long salt)
            throws InterruptedException {
        return run(subject, load, data, duration, salt, Time.SYSTEM);
    }

    static Outcome run(Subject subject, Load load, Dataset data, Duration duration, long salt, Time time)
            throws InterruptedException {
        SplittableRandom seeds = new SplittableRandom(Hash.of(data.keys().seed()) ^ salt);
        KeyChoice choice = load.distribution().over(data.inserts());
        CountDownLatch start = new CountDownLatch(1);
        List<Client> clients = new ArrayList<>();
        for (int i = 0; i < load.clients(); i++) {
            clients.add(new Client(subject, new Draws(load, data, choice, seeds.split()), time, start));
        }
        List<Thread> threads = clients.stream()
                .map(client -> new Thread(client, "bench-client"))
                .toList();
        threads.forEach(Thread::start);
        Pace pace = load.pace(time, duration);
        clients.forEach(client -> client.pace = pace);
        long startNanos = time.nanos();
        start.countDown();
        try {
            for (Thread thread : threads) {
                thread.join();
            }
        } catch (InterruptedException e) {
            threads.forEach(Thread::interrupt);
            throw e;
        }
        Duration elapsed = Duration.ofNanos(time.nanos() - startNanos);
        Histogram latencies = histogram();
        Errors errors = new Errors();
        for (Client client : clients) {
            if (client.broken != null) {
                throw new IllegalStateException("a client of the benchmark broke: " + client.broken, client.broken);
            }
            latencies.add(client.latencies);
            errors.add(client.errors);
        }
        errors.count("never sent", pace.unsent(), "no client was free for it until ten seconds after the end");
        return new Outcome(latencies, errors, elapsed);
    }

    /** One client: its thread alone writes its figures; they are read after it has ended. */
    private static final class Client implements Runnable {

        private final Subject subject;
        private final Draws draws;
        private final Time time;
        private final CountDownLatch start;
        private final Histogram latencies = histogram();
        private final Errors errors = new Errors();
        private @Nullable Throwable broken;

        /** Set before the latch opens. */
        private @Nullable Pace pace;

        Client(Subject subject, Draws draws, Time time, CountDownLatch start) {
            this.subject = subject;
            this.draws = draws;
            this.time = time;
            this.start = start;
        }

        @Override
        public void run() {
            try {
                start.await();
                Pace each = pace;
                if (each == null) {
                    throw new IllegalStateException("the latch opened without a pace");
                }
                for (long intendedNanos; (intendedNanos = each.next()) != Pace.END; ) {
                    step(intendedNanos);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                broken = e;
            } catch (Throwable e) {
                broken = e;
            }
        }

        private void step(long intendedNanos) throws InterruptedException {
            try {
                draws.action().perform(subject, draws);
                latencies.recordValue(Math.max(0, Math.min(time.nanos() - intendedNanos, LATENCY_NANOS_MAX)));
            } catch (InterruptedException e) {
                throw e;
            } catch (Exception e) {
                errors.count(e);
            }
        }
    }
}
