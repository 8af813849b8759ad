package io.rutile.storage.raw;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.WireLimits;
import io.rutile.storage.command.CommandScheduler;
import io.rutile.storage.command.LatchSet;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.WriteBatch;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Raw writes that look at nothing. They share the latches of their keys, so that the log alone orders them among themselves, while
 * a compare-and-swap on one of the keys waits for them, and they for it (P1).
 */
public final class RawWrites {

    private final CommandScheduler scheduler;
    private final RawFormat format;

    public RawWrites(CommandScheduler scheduler, RawFormat format) {
        this.scheduler = scheduler;
        this.format = format;
    }

    /**
     * Writes one pair.
     *
     * @param ttlSeconds unsigned; 0 for never
     */
    public CompletableFuture<Void> put(KvContext ctx, String cfName, ByteKey key, byte[] value, long ttlSeconds) {
        return batchPut(ctx, cfName, List.of(new RawPair(key, value)), List.of(ttlSeconds));
    }

    /**
     * Writes all pairs or none.
     *
     * @param ttlsSeconds none for never, one for all, or one for each
     */
    public CompletableFuture<Void> batchPut(KvContext ctx, String cfName, List<RawPair> pairs, List<Long> ttlsSeconds) {
        Cf cf = format.cf(ctx.request(), cfName);
        RawLimits.checkItems(ctx, pairs.size(), WireLimits.BATCH_ITEMS_MAX);
        ttlsSeconds.forEach(format::checkTtl);
        if (format.apiVersion().hasTtl() && ttlsSeconds.size() > 1 && ttlsSeconds.size() != pairs.size()) {
            throw RawFailure.ttlsLength(ttlsSeconds.size(), pairs.size());
        }
        long now = format.nowSeconds();
        WriteBatch batch = new WriteBatch();
        LatchSet.Builder latches = LatchSet.builder();
        for (int i = 0; i < pairs.size(); i++) {
            RawPair pair = pairs.get(i);
            ByteKey key = format.storedAnew(pair.key());
            batch.put(cf, key, format.encode(pair.value(), ttl(ttlsSeconds, i), now));
            latches.shared(cf, key);
        }
        return write(ctx, latches, batch);
    }

    private long ttl(List<Long> ttlsSeconds, int i) {
        if (ttlsSeconds.isEmpty() || !format.apiVersion().hasTtl()) {
            return 0;
        }
        return ttlsSeconds.get(ttlsSeconds.size() == 1 ? 0 : i);
    }

    public CompletableFuture<Void> delete(KvContext ctx, String cfName, ByteKey key) {
        return batchDelete(ctx, cfName, List.of(key));
    }

    /** All keys or none; an absent key is fine. */
    public CompletableFuture<Void> batchDelete(KvContext ctx, String cfName, List<ByteKey> keys) {
        Cf cf = format.cf(ctx.request(), cfName);
        RawLimits.checkItems(ctx, keys.size(), WireLimits.BATCH_ITEMS_MAX);
        WriteBatch batch = new WriteBatch();
        LatchSet.Builder latches = LatchSet.builder();
        for (ByteKey user : keys) {
            ByteKey key = format.storedAnew(user);
            batch.delete(cf, key);
            latches.shared(cf, key);
        }
        return write(ctx, latches, batch);
    }

    /** Not clipped to the Region: an end that lies outside is an error, and so is an empty range. */
    public CompletableFuture<Void> deleteRange(KvContext ctx, String cfName, KeyRange range) {
        Cf cf = format.cf(ctx.request(), cfName);
        RawLimits.checkKey(range.start(), format.apiVersion());
        RawLimits.checkKey(range.end(), format.apiVersion());
        KeyRange stored = format.stored(range);
        if (range.isEmpty()) {
            throw RegionErrors.message("delete range: the end is not behind the start: " + range);
        }
        // Whoever decides on a key of this Region must not be overtaken by its deletion.
        LatchSet.Builder latches =
                LatchSet.builder().exclusiveRange(ctx.request().getRegionId());
        return write(ctx, latches, new WriteBatch().deleteRange(cf, stored.start(), stored.end()));
    }

    private CompletableFuture<Void> write(KvContext ctx, LatchSet.Builder latches, WriteBatch batch) {
        RawLimits.checkEntry(ctx, batch);
        if (batch.isEmpty()) {
            return CompletableFuture.completedFuture(null);
        }
        return scheduler.write(ctx, latches.build(), batch);
    }
}
