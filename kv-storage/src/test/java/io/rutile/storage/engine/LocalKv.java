package io.rutile.storage.engine;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.RegionException;
import io.rutile.protocol.errorpb.DataIsNotReady;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.metapb.Region;
import java.nio.file.Path;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * One Region over one local engine, without Raft: writes apply in the order in which they arrive. Faults come in through
 * {@link #failNextWrite}, {@link #holdWrites} and {@link #newTerm}.
 */
public final class LocalKv implements ReplicatedKv, AutoCloseable {

    /** A write as it arrived. */
    public record Written(KvContext ctx, WriteBatch batch) {}

    public static final long REGION_ID = 7;

    private final RocksEngine engine;
    private final Executor apply;
    private final AtomicLong term = new AtomicLong(5);
    private final Queue<RuntimeException> failures = new ConcurrentLinkedQueue<>();
    private final List<Written> writes = new CopyOnWriteArrayList<>();
    private volatile Region region;
    private volatile boolean maxTsSynced = true;
    private volatile long settled;

    /** The last write that is held back, or the gate itself; null before the first gate. Guarded by this. */
    private @Nullable CompletableFuture<Void> lastHeld;

    private LocalKv(RocksEngine engine, KeyRange range, Executor apply) {
        this.engine = engine;
        this.apply = apply;
        this.region = region(range);
    }

    public static LocalKv open(Path directory) {
        return open(directory, KeyRange.ALL, Runnable::run);
    }

    /**
     * Over an engine of its own.
     *
     * @param apply where writes take effect; one thread, or the caller's
     */
    public static LocalKv open(Path directory, KeyRange range, Executor apply) {
        return new LocalKv(RocksEngine.open(directory, RocksOptions.withMemory(32 << 20)), range, apply);
    }

    public RocksEngine engine() {
        return engine;
    }

    /** Every write that was asked for, in order. */
    public List<Written> writes() {
        return writes;
    }

    public void failNextWrite(RuntimeException failure) {
        failures.add(failure);
    }

    /** Writes wait until the returned future completes. */
    public synchronized CompletableFuture<Void> holdWrites() {
        CompletableFuture<Void> gate = new CompletableFuture<>();
        lastHeld = gate;
        return gate;
    }

    /** As if another leader had been in between. */
    public void newTerm() {
        term.incrementAndGet();
    }

    /** False as on a leader that has not heard from the timestamp oracle yet. */
    public void setMaxTsSynced(boolean synced) {
        maxTsSynced = synced;
    }

    /** Nothing is committed at or below it any more, the test says. */
    public void settled(long ts) {
        settled = ts;
    }

    @Override
    public CompletableFuture<KvSnapshot> snapshot(KvContext ctx) {
        ReplicaRead read = ctx.replicaRead();
        if (read != null && read.stale() && Long.compareUnsigned(read.version(), settled) > 0) {
            return CompletableFuture.failedFuture(new RegionException(Error.newBuilder()
                    .setDataIsNotReady(
                            DataIsNotReady.newBuilder().setRegionId(REGION_ID).setSafeTs(settled))
                    .build()));
        }
        return CompletableFuture.completedFuture(engine.snapshot().within(region, term.get(), maxTsSynced));
    }

    @Override
    public CompletableFuture<Void> write(KvContext ctx, WriteBatch batch) {
        writes.add(new Written(ctx, batch));
        CompletableFuture<Void> held = behindHeld(ctx, batch);
        return held != null ? held : CompletableFuture.runAsync(() -> apply(ctx, batch), apply);
    }

    /** Held writes apply in the order in which they came, each whether or not the one before it failed. */
    private synchronized @Nullable CompletableFuture<Void> behindHeld(KvContext ctx, WriteBatch batch) {
        CompletableFuture<Void> before = lastHeld;
        if (before == null || before.isDone()) {
            return null;
        }
        CompletableFuture<Void> held =
                before.handle((done, failed) -> null).thenRunAsync(() -> apply(ctx, batch), apply);
        lastHeld = held;
        return held;
    }

    private void apply(KvContext ctx, WriteBatch batch) {
        RuntimeException failure = failures.poll();
        if (failure != null) {
            throw failure;
        }
        if (ctx.decidedInTerm() != 0 && ctx.decidedInTerm() != term.get()) {
            throw RegionErrors.staleCommand(REGION_ID);
        }
        KeyRange range = new KeyRange(ByteKey.of(region.getStartKey()), ByteKey.of(region.getEndKey()));
        ByteKey outside = batch.firstKeyOutside(range);
        if (outside != null) {
            throw RegionErrors.keyNotInRegion(outside.toByteString(), region);
        }
        engine.write(batch, false);
    }

    private static Region region(KeyRange range) {
        return Region.newBuilder()
                .setId(REGION_ID)
                .setStartKey(range.start().toByteString())
                .setEndKey(range.end().toByteString())
                .build();
    }

    @Override
    public void close() {
        engine.close();
    }
}
