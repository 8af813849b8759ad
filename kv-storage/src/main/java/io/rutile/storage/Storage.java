package io.rutile.storage;

import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.RegionException;
import io.rutile.protocol.kvrpcpb.ChecksumAlgorithm;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.storage.command.CommandScheduler;
import io.rutile.storage.command.Latches;
import io.rutile.storage.command.ReadPool;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.ReplicatedKv;
import io.rutile.storage.raw.RawCasRequest;
import io.rutile.storage.raw.RawCasResult;
import io.rutile.storage.raw.RawChecksum;
import io.rutile.storage.raw.RawChecksumResult;
import io.rutile.storage.raw.RawCompareAndSwap;
import io.rutile.storage.raw.RawFailure;
import io.rutile.storage.raw.RawFormat;
import io.rutile.storage.raw.RawPair;
import io.rutile.storage.raw.RawReads;
import io.rutile.storage.raw.RawScan;
import io.rutile.storage.raw.RawScans;
import io.rutile.storage.raw.RawTtlSweeper;
import io.rutile.storage.raw.RawWrites;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The front door of a store's data: one method per RPC, each of which only forwards.
 *
 * <p>Every future fails with {@link io.rutile.storage.raw.RawFailure} for what becomes the response's {@code error}, and with
 * {@link io.rutile.protocol.RegionException} for what becomes its {@code region_error}; anything else is a bug or a broken disk.
 * Futures complete on the store's own threads: hand over, don't work. Safe from every thread.
 *
 * <p>{@code cf} is the request's text: {@code ""}, {@code default}, {@code write} or {@code lock}.
 */
public final class Storage implements AutoCloseable {

    private final ReadPool pool;
    private final RawReads reads;
    private final RawScans scans;
    private final RawChecksum checksum;
    private final RawWrites writes;
    private final RawCompareAndSwap compareAndSwap;
    private final @Nullable RawTtlSweeper sweeper;

    /**
     * Starts its read threads; the sweeper of expired pairs waits for {@link #startTtlSweeper}.
     *
     * @param kv consistent reads and replicated writes; not closed here
     * @param clock tells which pairs have expired
     */
    public Storage(ReplicatedKv kv, StorageOptions options, Clock clock, MeterRegistry metrics) {
        RawFormat format = new RawFormat(options.apiVersion(), clock);
        pool = new ReadPool(kv, options.readThreads(), options.readQueueMax(), metrics);
        Latches latches = new Latches(options.latchSlots(), options.latchWaitersMax());
        CommandScheduler scheduler = new CommandScheduler(kv, latches, pool, options.pendingWriteBytesMax(), metrics);
        reads = new RawReads(pool, format, options.answerBytesMax());
        scans = new RawScans(pool, format, options.answerBytesMax());
        checksum = new RawChecksum(pool, format);
        writes = new RawWrites(scheduler, format);
        compareAndSwap = new RawCompareAndSwap(scheduler, format);
        sweeper = options.apiVersion().hasTtl()
                ? new RawTtlSweeper(
                        pool, scheduler, format, options.ttlSweepInterval(), options.ttlSweepPairsPerSecond(), metrics)
                : null;
    }

    /**
     * Reads one key.
     *
     * @return the value, or empty if the key is absent or expired
     */
    public CompletableFuture<Optional<byte[]>> rawGet(KvContext ctx, String cf, ByteKey key) {
        return checked(() -> reads.get(ctx, cf, key));
    }

    /**
     * Reads some keys of one Region, at most 10,240.
     *
     * @return the pairs found, in the order of {@code keys}
     */
    public CompletableFuture<List<RawPair>> rawBatchGet(KvContext ctx, String cf, List<ByteKey> keys) {
        return checked(() -> reads.batchGet(ctx, cf, keys));
    }

    /**
     * Writes one pair, whatever was there.
     *
     * @param ttlSeconds unsigned seconds until it expires; 0 for never
     */
    public CompletableFuture<Void> rawPut(KvContext ctx, String cf, ByteKey key, byte[] value, long ttlSeconds) {
        return checked(() -> writes.put(ctx, cf, key, value, ttlSeconds));
    }

    /**
     * Writes some pairs of one Region, all of them or none.
     *
     * @param ttlsSeconds none for never, one for all pairs, or one for each
     */
    public CompletableFuture<Void> rawBatchPut(KvContext ctx, String cf, List<RawPair> pairs, List<Long> ttlsSeconds) {
        return checked(() -> writes.batchPut(ctx, cf, pairs, ttlsSeconds));
    }

    /** Deletes one key; an absent one is fine. */
    public CompletableFuture<Void> rawDelete(KvContext ctx, String cf, ByteKey key) {
        return checked(() -> writes.delete(ctx, cf, key));
    }

    /** Deletes some keys of one Region, all of them or none. */
    public CompletableFuture<Void> rawBatchDelete(KvContext ctx, String cf, List<ByteKey> keys) {
        return checked(() -> writes.batchDelete(ctx, cf, keys));
    }

    /** Deletes {@code range}, which must lie inside the Region; an empty end only fits the last Region. */
    public CompletableFuture<Void> rawDeleteRange(KvContext ctx, String cf, KeyRange range) {
        return checked(() -> writes.deleteRange(ctx, cf, range));
    }

    /** Walks over one Region. The answer is complete, or refused with {@code RaftEntryTooLarge} because it would be too large. */
    public CompletableFuture<List<RawPair>> rawScan(KvContext ctx, String cf, RawScan scan) {
        return checked(() -> scans.scan(ctx, cf, scan));
    }

    /**
     * One scan after the other. Ranges are as the request has them: start and end in the direction of the walk; an empty end is
     * the next range's start.
     */
    public CompletableFuture<List<RawPair>> rawBatchScan(
            KvContext ctx, String cf, List<KeyRange> ranges, long eachLimit, boolean reverse, boolean keyOnly) {
        return checked(() -> scans.batchScan(ctx, cf, ranges, eachLimit, reverse, keyOnly));
    }

    /**
     * How long a pair still lives.
     *
     * @return seconds, 0 if it never expires; empty if the key is absent or expired
     */
    public CompletableFuture<OptionalLong> rawGetKeyTtl(KvContext ctx, String cf, ByteKey key) {
        return checked(() -> reads.ttl(ctx, cf, key));
    }

    /** Changes a key if its value is as expected; linearizable with every other write. */
    public CompletableFuture<RawCasResult> rawCompareAndSwap(KvContext ctx, String cf, RawCasRequest request) {
        return checked(() -> compareAndSwap.swap(ctx, cf, request));
    }

    /** A digest of the pairs in some ranges of one Region, default column family. */
    public CompletableFuture<RawChecksumResult> rawChecksum(
            KvContext ctx, ChecksumAlgorithm algorithm, List<KeyRange> ranges) {
        return checked(() -> checksum.checksum(ctx, algorithm, ranges));
    }

    /**
     * Begins to remove expired pairs in the background; does nothing on a store without TTL.
     *
     * @param ledRegions what a request to each Region led by this store would say; asked once a pass
     */
    public void startTtlSweeper(Supplier<List<Context>> ledRegions) {
        if (sweeper != null) {
            sweeper.start(ledRegions);
        }
    }

    /** Refuses new work, lets running reads end, stops the sweeper. */
    @Override
    public void close() {
        if (sweeper != null) {
            sweeper.close();
        }
        pool.close();
    }

    /** What is wrong with a request fails its future, like everything else. */
    private static <T> CompletableFuture<T> checked(Supplier<CompletableFuture<T>> request) {
        try {
            return request.get();
        } catch (RawFailure | RegionException e) {
            return CompletableFuture.failedFuture(e);
        }
    }
}
