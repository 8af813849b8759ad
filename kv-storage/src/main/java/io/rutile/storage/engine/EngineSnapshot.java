package io.rutile.storage.engine;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.metapb.Region;
import org.jspecify.annotations.Nullable;
import org.rocksdb.ReadOptions;
import org.rocksdb.ReadTier;
import org.rocksdb.RocksDBException;
import org.rocksdb.Snapshot;

/**
 * One moment of a {@link RocksEngine}: of all of it, until {@link #within} narrows it to a Region.
 *
 * <p>The two steps are apart because a leader read takes the snapshot first and proves leadership afterwards (R7).
 */
public final class EngineSnapshot implements KvSnapshot {

    private final RocksEngine engine;
    private final Snapshot snapshot;
    private final ReadOptions pointReads;
    private @Nullable Region region;
    private KeyRange range = KeyRange.ALL;
    private long term;
    private boolean maxTsSynced;
    private ReadTier tier = ReadTier.READ_ALL_TIER;
    private boolean closed;

    /** The caller has entered {@code engine.uses()} for it. */
    EngineSnapshot(RocksEngine engine) {
        this.engine = engine;
        this.snapshot = engine.db().getSnapshot();
        this.pointReads = new ReadOptions().setSnapshot(snapshot);
    }

    /**
     * From here on it answers for that Region only.
     *
     * @param region as it is when leadership is proven
     * @param term of the leader that proved it
     * @param maxTsSynced see {@link #maxTsSynced}
     * @return this
     */
    public EngineSnapshot within(Region region, long term, boolean maxTsSynced) {
        this.region = region;
        this.range = new KeyRange(ByteKey.of(region.getStartKey()), ByteKey.of(region.getEndKey()));
        this.term = term;
        this.maxTsSynced = maxTsSynced;
        return this;
    }

    @Override
    public long term() {
        return term;
    }

    @Override
    public boolean maxTsSynced() {
        return maxTsSynced;
    }

    @Override
    public KeyRange range() {
        return range;
    }

    @Override
    public byte @Nullable [] get(Cf cf, ByteKey key) {
        requireOpen();
        if (!range.contains(key)) {
            throw RegionErrors.keyNotInRegion(
                    key.toByteString(), region == null ? Region.getDefaultInstance() : region);
        }
        try {
            return engine.db().get(engine.family(cf), pointReads, key.bytes());
        } catch (RocksDBException e) {
            throw RocksFailures.ofRead("read a key", e);
        }
    }

    @Override
    public void mayWaitForDisk(boolean may) {
        tier = may ? ReadTier.READ_ALL_TIER : ReadTier.BLOCK_CACHE_TIER;
        pointReads.setReadTier(tier);
    }

    @Override
    public KvCursor cursor(Cf cf, KeyRange bounds) {
        return cursor(cf, bounds, true);
    }

    @Override
    public KvCursor coldCursor(Cf cf, KeyRange bounds) {
        return cursor(cf, bounds, false);
    }

    private KvCursor cursor(Cf cf, KeyRange bounds, boolean fillCache) {
        requireOpen();
        KeyRange inside = EngineKeys.intersection(bounds, range);
        if (inside.isEmpty()) {
            return new EmptyCursor();
        }
        ReadOptions options =
                new ReadOptions().setSnapshot(snapshot).setFillCache(fillCache).setReadTier(tier);
        return new RocksCursor(engine.db(), engine.family(cf), options, inside, engine.uses());
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the snapshot is closed");
        }
    }

    RocksEngine engine() {
        return engine;
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        pointReads.close();
        engine.db().releaseSnapshot(snapshot);
        snapshot.close();
        engine.uses().exit();
    }
}
