package io.rutile.node.deadlock;

import io.rutile.node.raftstore.RegionObserver;
import io.rutile.node.raftstore.RegionPeer;
import io.rutile.protocol.RegionException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Watches whether this store leads the Region without a start key. Safe from every thread; asking is cheap. */
public final class FirstRegion implements RegionObserver {

    /** The replica that led it when there was news last; whether it still does is asked anew each time. */
    private volatile @Nullable RegionPeer lastToLead;

    @Override
    public void onLeaderNews(RegionPeer peer) {
        if (isFirst(peer)) {
            lastToLead = peer;
        }
    }

    /** Empty if another store leads it, or nobody. */
    public Optional<FirstRegionLead> lead() {
        RegionPeer peer = lastToLead;
        if (peer == null || !isFirst(peer)) {
            return Optional.empty();
        }
        long term = peer.term();
        return peer.isLeader() ? Optional.of(new FirstRegionLead(peer.regionId(), term)) : Optional.empty();
    }

    private static boolean isFirst(RegionPeer peer) {
        try {
            return peer.region().getStartKey().isEmpty();
        } catch (RegionException gone) {
            return false;
        }
    }
}
