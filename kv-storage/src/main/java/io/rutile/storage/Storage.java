package io.rutile.storage;

import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.kvrpcpb.ChecksumAlgorithm;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.ReplicatedKv;
import io.rutile.storage.raw.RawCasRequest;
import io.rutile.storage.raw.RawCasResult;
import io.rutile.storage.raw.RawChecksumResult;
import io.rutile.storage.raw.RawPair;
import io.rutile.storage.raw.RawScan;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

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

    /**
     * @param kv consistent reads and replicated writes; not closed here
     * @param clock tells which pairs have expired
     */
    public Storage(ReplicatedKv kv, StorageOptions options, Clock clock, MeterRegistry metrics) {}

    /** @return the value, or empty if the key is absent or expired */
    public CompletableFuture<Optional<byte[]>> rawGet(KvContext ctx, String cf, ByteKey key) {
        throw new UnsupportedOperationException("not built yet");
    }

    /** @return the pairs found, in the order of {@code keys} */
    public CompletableFuture<List<RawPair>> rawBatchGet(KvContext ctx, String cf, List<ByteKey> keys) {
        throw new UnsupportedOperationException("not built yet");
    }

    /** @param ttlSeconds unsigned; 0 for never */
    public CompletableFuture<Void> rawPut(KvContext ctx, String cf, ByteKey key, byte[] value, long ttlSeconds) {
        throw new UnsupportedOperationException("not built yet");
    }

    /** @param ttlsSeconds none for never, one for all pairs, or one for each */
    public CompletableFuture<Void> rawBatchPut(KvContext ctx, String cf, List<RawPair> pairs, List<Long> ttlsSeconds) {
        throw new UnsupportedOperationException("not built yet");
    }

    public CompletableFuture<Void> rawDelete(KvContext ctx, String cf, ByteKey key) {
        throw new UnsupportedOperationException("not built yet");
    }

    public CompletableFuture<Void> rawBatchDelete(KvContext ctx, String cf, List<ByteKey> keys) {
        throw new UnsupportedOperationException("not built yet");
    }

    /** Deletes {@code range}, which must lie inside the Region; an empty end only fits the last Region. */
    public CompletableFuture<Void> rawDeleteRange(KvContext ctx, String cf, KeyRange range) {
        throw new UnsupportedOperationException("not built yet");
    }

    public CompletableFuture<List<RawPair>> rawScan(KvContext ctx, String cf, RawScan scan) {
        throw new UnsupportedOperationException("not built yet");
    }

    /**
     * One scan after the other. Ranges are as the request has them: start and end in the direction of the walk; an empty end is
     * the next range's start.
     */
    public CompletableFuture<List<RawPair>> rawBatchScan(
            KvContext ctx, String cf, List<KeyRange> ranges, long eachLimit, boolean reverse, boolean keyOnly) {
        throw new UnsupportedOperationException("not built yet");
    }

    /** @return seconds that the pair has left, 0 if it never expires; empty if the key is absent or expired */
    public CompletableFuture<OptionalLong> rawGetKeyTtl(KvContext ctx, String cf, ByteKey key) {
        throw new UnsupportedOperationException("not built yet");
    }

    public CompletableFuture<RawCasResult> rawCompareAndSwap(KvContext ctx, String cf, RawCasRequest request) {
        throw new UnsupportedOperationException("not built yet");
    }

    public CompletableFuture<RawChecksumResult> rawChecksum(
            KvContext ctx, ChecksumAlgorithm algorithm, List<KeyRange> ranges) {
        throw new UnsupportedOperationException("not built yet");
    }

    /**
     * Begins to remove expired pairs in the background; does nothing on a store without TTL.
     *
     * @param ledRegions what a request to each Region led by this store would say; asked once a pass
     */
    public void startTtlSweeper(Supplier<List<Context>> ledRegions) {
        throw new UnsupportedOperationException("not built yet");
    }

    /** Refuses new work, lets running reads end, stops the sweeper. */
    @Override
    public void close() {}
}
