package io.rutile.cli.command;

import io.rutile.cli.cluster.ClusterException;
import io.rutile.client.RutileClient;
import io.rutile.client.raw.RawKv;
import io.rutile.protocol.ByteKey;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** What {@code load} and {@code verify} have in common: a file, batch by batch, several batches under way. */
abstract class FileCommand implements Callable<Integer> {

    private static final long BATCH_BYTES_MAX = 1L << 20;
    private static final long PROGRESS_INTERVAL_NANOS = 2_000_000_000L;

    @Mixin
    private Target target = new Target();

    /** Checked here and not by picocli, which would ask for it in front of a sub-command too. */
    @Parameters(paramLabel = "FILE", arity = "0..1", description = "A file of pairs, one a line; - for standard input.")
    private @Nullable Path file;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Option(
            names = "--format",
            paramLabel = "FORMAT",
            description = "TSV or NDJSON (default: told from the file's name).")
    private @Nullable PairFormat format;

    @Option(names = "--hex", description = "Keys and values in the file are hex.")
    private boolean hex;

    @Option(
            names = "--batch",
            paramLabel = "N",
            defaultValue = "256",
            description = "Pairs in one call (default: 256).")
    private int batchPairs;

    @Option(
            names = "--concurrency",
            paramLabel = "N",
            defaultValue = "8",
            description = "Calls under way (default: 8).")
    private int concurrency;

    private final AtomicLong pairsDone = new AtomicLong();
    private final AtomicLong bytesDone = new AtomicLong();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

    /** One batch; completes when it is done. */
    abstract CompletableFuture<Void> process(RawKv raw, Map<ByteKey, byte[]> pairs);

    /** The word for what was done: loaded, verified. */
    abstract String done();

    /** True if a later batch must not be under way together with an earlier one that has a key of it. */
    abstract boolean orderMatters();

    /** Sums up; the exit code. */
    abstract int finish(String summary);

    @Override
    public final Integer call() throws IOException, InterruptedException {
        if (batchPairs < 1 || concurrency < 1) {
            throw new ClusterException("--batch and --concurrency must be at least 1");
        }
        Path source = file;
        if (source == null) {
            throw new ParameterException(spec.commandLine(), "Missing required parameter: 'FILE'");
        }
        long startNanos = System.nanoTime();
        Semaphore slots = new Semaphore(concurrency);
        try (RutileClient client = target.connect();
                PairFile pairs = PairFile.open(source, format, TextForm.of(hex))) {
            KeysUnderWay underWay = new KeysUnderWay();
            long saidNanos = startNanos;
            for (Map<ByteKey, byte[]> batch = pairs.next(batchPairs, BATCH_BYTES_MAX);
                    !batch.isEmpty() && failure.get() == null;
                    batch = pairs.next(batchPairs, BATCH_BYTES_MAX)) {
                if (orderMatters() && underWay.hasAnyOf(batch.keySet())) {
                    slots.acquire(concurrency); // every earlier call has answered
                    slots.release(concurrency);
                }
                slots.acquire();
                send(client.raw(), batch, slots, underWay);
                if (System.nanoTime() - saidNanos > PROGRESS_INTERVAL_NANOS) {
                    saidNanos = System.nanoTime();
                    Terminal.progress(summary(startNanos));
                }
            }
            slots.acquire(concurrency);
        }
        Throwable cause = failure.get();
        if (cause != null) {
            throw new ClusterException(summary(startNanos) + ", then: " + cause.getMessage(), cause);
        }
        return finish(summary(startNanos));
    }

    private void send(RawKv raw, Map<ByteKey, byte[]> batch, Semaphore slots, KeysUnderWay underWay) {
        long bytes = batch.entrySet().stream()
                .mapToLong(pair -> pair.getKey().bytes().length + pair.getValue().length)
                .sum();
        underWay.add(batch.keySet());
        CompletableFuture<Void> outcome = process(raw, batch).handle((ignored, thrown) -> {
            if (thrown == null) {
                pairsDone.addAndGet(batch.size());
                bytesDone.addAndGet(bytes);
            } else {
                failure.compareAndSet(null, thrown.getCause() != null ? thrown.getCause() : thrown);
            }
            underWay.remove(batch.keySet());
            slots.release();
            return null;
        });
        assert outcome != null;
    }

    private String summary(long startNanos) {
        double seconds = Math.max(1e-3, (System.nanoTime() - startNanos) / 1e9);
        return String.format(
                Locale.ROOT,
                "%s %,d pairs, %.1f MiB, %,.0f pairs/s",
                done(),
                pairsDone.get(),
                bytesDone.get() / 1048576.0,
                pairsDone.get() / seconds);
    }
}
