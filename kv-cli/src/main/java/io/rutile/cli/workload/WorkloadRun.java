package io.rutile.cli.workload;

import io.rutile.cli.check.HistoryFile;
import io.rutile.cli.check.HistoryHeader;
import io.rutile.cli.check.TxnRecord;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * One workload with its clients, from the first data to the last read; its history goes to a file as it comes to be.
 *
 * <p>Threads: one per client, between {@link #start} and {@link #finish}; those two belong to the caller's.
 */
public final class WorkloadRun implements AutoCloseable {

    /** Every call of a client has a deadline; a client that takes longer hangs, and that is a failure of its own. */
    private static final Duration LAST_STEP_MAX = Duration.ofMinutes(2);

    private final Workload workload;
    private final TxnStore store;
    private final HistoryFile.Writer history;
    private final Path file;
    private final long startNanos = System.nanoTime();
    private final AtomicLong ids = new AtomicLong();
    private final AtomicInteger numbers = new AtomicInteger();
    private final Tally tally = new Tally();
    private final List<Thread> threads = new ArrayList<>();
    private final AtomicReference<@Nullable Throwable> broken = new AtomicReference<>();
    private final Duration pace;
    private volatile boolean stopping;

    private WorkloadRun(Workload workload, TxnStore store, Duration pace, HistoryFile.Writer history, Path file) {
        this.pace = pace;
        this.workload = workload;
        this.store = store;
        this.history = history;
        this.file = file;
    }

    /**
     * Writes the first data and starts the clients.
     *
     * @param protocol as the history's header names it
     * @param pace between two transactions of a client; zero for none
     * @param file takes the history; overwritten
     */
    public static WorkloadRun start(
            Workload workload, TxnStore store, String protocol, int clients, Duration pace, long seed, Path file)
            throws IOException, InterruptedException {
        HistoryHeader header = new HistoryHeader(workload.name(), protocol, seed, workload.parameters());
        WorkloadRun run = new WorkloadRun(workload, store, pace, HistoryFile.Writer.create(file, header), file);
        try {
            workload.prepare(run.client());
            run.startClients(clients, new SplittableRandom(seed));
            return run;
        } catch (RuntimeException | InterruptedException e) {
            run.close();
            throw e;
        }
    }

    public Workload workload() {
        return workload;
    }

    public Tally tally() {
        return tally;
    }

    /** Where the history is. */
    public Path file() {
        return file;
    }

    /** True if a client had to give up, for a reason that {@link #finish} throws. */
    public boolean isBroken() {
        return broken.get() != null;
    }

    /** Tells the clients to stop after the transaction that they are at; does not wait. */
    public void stop() {
        stopping = true;
    }

    /**
     * Stops the clients, reads all that they wrote, and closes the history.
     *
     * @throws IllegalStateException if a client hung, or met what no store may answer
     * @throws StoreFailure if the last reads don't succeed
     */
    public void finish() throws IOException, InterruptedException {
        try {
            awaitClients();
            Throwable cause = broken.get();
            if (cause != null) {
                throw new IllegalStateException("a client of " + workload.name() + " broke: " + cause, cause);
            }
            workload.finish(client());
        } finally {
            close();
        }
    }

    /** Stops the clients without waiting for them, and closes the history. */
    @Override
    public void close() throws IOException {
        stop();
        threads.forEach(Thread::interrupt);
        history.close();
    }

    private void startClients(int clients, SplittableRandom seeds) {
        for (int i = 0; i < clients; i++) {
            TxnClient client = client();
            SplittableRandom random = seeds.split();
            threads.add(new Thread(() -> loop(client, random), workload.name() + "-client-" + i));
        }
        threads.forEach(Thread::start);
    }

    private void loop(TxnClient client, SplittableRandom random) {
        try {
            while (!stopping) {
                workload.step(client, random);
                TimeUnit.NANOSECONDS.sleep(pace.toNanos());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            broken.compareAndSet(null, e);
        }
    }

    private void awaitClients() throws InterruptedException {
        stop();
        long deadlineNanos = System.nanoTime() + LAST_STEP_MAX.toNanos();
        for (Thread thread : threads) {
            long leftMs = TimeUnit.NANOSECONDS.toMillis(deadlineNanos - System.nanoTime());
            thread.join(Math.max(1, leftMs));
            if (thread.isAlive()) {
                throw new IllegalStateException(thread.getName() + " has waited for its last transaction for "
                        + LAST_STEP_MAX.toSeconds() + " s");
            }
        }
        threads.clear();
    }

    private TxnClient client() {
        return new TxnClient(
                numbers.getAndIncrement(),
                store,
                ids::incrementAndGet,
                () -> System.nanoTime() - startNanos,
                this::record);
    }

    private void record(TxnRecord txn) {
        tally.count(txn);
        try {
            history.write(txn);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
