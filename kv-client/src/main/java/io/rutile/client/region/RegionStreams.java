package io.rutile.client.region;

import io.grpc.ManagedChannel;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.metapb.Peer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * For those who keep a stream to a Region's leader open instead of asking it once: where the leader is, and what to make of what a store
 * says about that. They share what all calls of this client know, and tell it what they learn. Threads: any; nothing blocks.
 */
public final class RegionStreams {

    private final RegionLocator locator;
    private final RegionCache cache;
    private final StoreChannels stores;
    private final StoreHealth health;

    RegionStreams(RegionLocator locator, RegionCache cache, StoreChannels stores, StoreHealth health) {
        this.locator = locator;
        this.cache = cache;
        this.stores = stores;
        this.health = health;
    }

    /** The Region at a border key, as far as is known. Fails with {@link io.rutile.client.KvClientException}. */
    public CompletableFuture<CachedRegion> locate(ByteKey border, Backoff backoff) {
        return locator.locate(Anchor.at(border), backoff);
    }

    /**
     * Whom to ask.
     *
     * @param attempt how often somebody was asked before, one after the other: where nobody knows who leads, everybody has a turn
     */
    public @Nullable Peer choose(CachedRegion region, int attempt) {
        Peer leader = region.leader();
        if (leader != null && health.isWell(leader.getStoreId())) {
            return leader;
        }
        List<Peer> candidates = region.candidates();
        return candidates.isEmpty() ? null : candidates.get(Math.floorMod(attempt, candidates.size()));
    }

    /** A channel to the store. Fails with {@link io.rutile.client.pd.PdException}. */
    public CompletableFuture<ManagedChannel> channel(long storeId) {
        return stores.connection(storeId).thenApply(StoreChannels.StoreConnection::channel);
    }

    /** The peer serves: it leads. */
    public void serves(CachedRegion region, Peer peer) {
        health.answered(peer.getStoreId());
        if (!peer.equals(region.leader())) {
            cache.switchLeader(region, peer);
        }
    }

    /** The store could not be reached, or its stream broke. */
    public void unreachable(CachedRegion region, Peer peer) {
        health.refused(peer.getStoreId());
        stores.recheck(peer.getStoreId());
        cache.refresh(Anchor.at(region.range().start()));
    }

    /** What a peer said about its Region. */
    public void refused(CachedRegion region, Peer peer, Error error) {
        if (error.hasNotLeader()) {
            Peer leader = error.getNotLeader().getLeader();
            if (leader.getStoreId() == 0) {
                cache.switchLeader(region, null);
                cache.refresh(Anchor.at(region.range().start()));
            } else if (region.hasPeer(leader)) {
                cache.switchLeader(region, leader);
            } else {
                cache.invalidate(region);
            }
        } else if (error.hasEpochNotMatch() && error.getEpochNotMatch().getCurrentRegionsCount() > 0) {
            cache.replace(region, error.getEpochNotMatch().getCurrentRegionsList(), peer.getStoreId());
        } else {
            cache.invalidate(region);
        }
    }
}
