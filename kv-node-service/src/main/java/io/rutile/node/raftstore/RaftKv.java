package io.rutile.node.raftstore;

import io.rutile.protocol.RegionErrors;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.KvSnapshot;
import io.rutile.storage.engine.ReplicatedKv;
import io.rutile.storage.engine.WriteBatch;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/** The seam over Raft: finds the replica that a request names and lets it read or propose. Thread-safe, never blocks. */
final class RaftKv implements ReplicatedKv {

    private final long storeId;
    private final RegionMap regions;
    private final HoldAndRetry hold;

    RaftKv(long storeId, RegionMap regions, HoldAndRetry hold) {
        this.storeId = storeId;
        this.regions = regions;
        this.hold = hold;
    }

    @Override
    public CompletableFuture<KvSnapshot> snapshot(KvContext ctx) {
        return hold.call(ctx, () -> onReplica(ctx, peer -> peer.snapshot(ctx)));
    }

    @Override
    public CompletableFuture<Void> write(KvContext ctx, WriteBatch batch) {
        return hold.call(ctx, () -> onReplica(ctx, peer -> peer.write(ctx, batch)));
    }

    private <T> CompletableFuture<T> onReplica(KvContext ctx, Function<RegionPeer, CompletableFuture<T>> work) {
        try {
            if (ctx.isExpired()) {
                throw RegionErrors.deadlineExceeded();
            }
            return work.apply(RequestCheck.route(
                    ctx.request(), storeId, regions.route(ctx.request().getRegionId())));
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
    }
}
