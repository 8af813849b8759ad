package io.rutile.node.gc;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.RegionEpoch;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.KvSnapshot;
import io.rutile.storage.engine.ReplicatedKv;
import io.rutile.storage.engine.RocksEngine;
import io.rutile.storage.engine.WriteBatch;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/** Some Regions over one engine, without Raft. */
final class EngineKv implements ReplicatedKv {

    private final RocksEngine engine;
    private final Map<Long, Region> regions = new TreeMap<>();
    private final Set<Long> away = ConcurrentHashMap.newKeySet();

    EngineKv(RocksEngine engine) {
        this.engine = engine;
    }

    /** Before anybody asks. */
    void region(long id, ByteKey start, ByteKey end) {
        regions.put(
                id,
                Region.newBuilder()
                        .setId(id)
                        .setStartKey(start.toByteString())
                        .setEndKey(end.toByteString())
                        .setRegionEpoch(RegionEpoch.newBuilder().setVersion(1))
                        .build());
    }

    /** From now on another store leads it, or this one again. */
    void leads(long id, boolean here) {
        if (here) {
            away.remove(id);
        } else {
            away.add(id);
        }
    }

    Context context(long id) {
        return Context.newBuilder()
                .setRegionId(id)
                .setRegionEpoch(region(id).getRegionEpoch())
                .build();
    }

    private Region region(long id) {
        return Objects.requireNonNull(regions.get(id));
    }

    private Region led(KvContext ctx) {
        long id = ctx.request().getRegionId();
        if (away.contains(id)) {
            throw RegionErrors.notLeader(id, null);
        }
        return region(id);
    }

    @Override
    public CompletableFuture<KvSnapshot> snapshot(KvContext ctx) {
        try {
            Region region = led(ctx);
            return CompletableFuture.completedFuture(engine.snapshot().within(region, 1, true));
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    @Override
    public CompletableFuture<Void> write(KvContext ctx, WriteBatch batch) {
        Region region = led(ctx);
        KeyRange range = new KeyRange(ByteKey.of(region.getStartKey()), ByteKey.of(region.getEndKey()));
        if (batch.firstKeyOutside(range) != null) {
            return CompletableFuture.failedFuture(new IllegalArgumentException("a key outside the region"));
        }
        engine.write(batch, false);
        return CompletableFuture.completedFuture(null);
    }
}
