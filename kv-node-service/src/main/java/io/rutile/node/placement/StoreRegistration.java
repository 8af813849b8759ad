package io.rutile.node.placement;

import io.rutile.client.pd.PdClient;
import io.rutile.client.pd.PdException;
import io.rutile.client.pd.RegionLocation;
import io.rutile.node.raftstore.RaftStore;
import io.rutile.node.raftstore.RegionStateStore;
import io.rutile.node.raftstore.StoreIdentity;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.RegionEpoch;
import io.rutile.protocol.metapb.Store;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How a store becomes a member of a cluster: it is given an id, and either founds the cluster with the first Region or joins it.
 * May be interrupted at any point and begun again.
 *
 * <p>Runs on the starting thread and blocks it; every question to PD has PD's own deadline.
 */
final class StoreRegistration {

    private static final Logger log = LoggerFactory.getLogger(StoreRegistration.class);

    /** Longer than any single call to PD takes. */
    private static final long ANSWER_SECONDS_MAX = 60;

    private final PdClient pd;
    private final RegionStateStore states;

    StoreRegistration(PdClient pd, RegionStateStore states) {
        this.pd = pd;
        this.states = states;
    }

    /**
     * Who this store is: as its data says, or a new id from PD.
     *
     * @throws IllegalStateException with one sentence if the data belongs to another cluster
     * @throws PdException if PD gives no id
     */
    StoreIdentity identify() {
        Optional<StoreIdentity> known = states.identity();
        if (known.isPresent()) {
            if (known.get().clusterId() != pd.clusterId()) {
                throw new IllegalStateException("the data directory belongs to cluster "
                        + Long.toUnsignedString(known.get().clusterId()) + ", but PD serves cluster "
                        + Long.toUnsignedString(pd.clusterId()));
            }
            return known.get();
        }
        StoreIdentity fresh = new StoreIdentity(pd.clusterId(), await(pd.allocateIds(1)));
        states.putIdentity(fresh);
        log.info(
                "store has an identity storeId={} clusterId={}",
                fresh.storeId(),
                Long.toUnsignedString(fresh.clusterId()));
        return fresh;
    }

    /**
     * Founds the cluster if nobody has, else joins it. On return PD knows this store.
     *
     * @throws PdException if PD refuses the store
     */
    void register(Store self, RaftStore store) {
        Optional<Region> offered = states.firstRegion();
        if (offered.isPresent() || !await(pd.isBootstrapped())) {
            found(self, store, offered.orElseGet(() -> offer(self)));
        }
        await(pd.putStore(self));
        log.info("store is registered storeId={} address={}", self.getId(), self.getAddress());
    }

    /** Written down before PD is asked: after a crash the same offer is made again. */
    private Region offer(Store self) {
        long last = await(pd.allocateIds(2));
        Region region = Region.newBuilder()
                .setId(last - 1)
                .setRegionEpoch(RegionEpoch.newBuilder().setConfVer(1).setVersion(1))
                .addPeers(Peer.newBuilder().setId(last).setStoreId(self.getId()))
                .build();
        states.putFirstRegion(region);
        return region;
    }

    private void found(Store self, RaftStore store, Region region) {
        boolean ours = true;
        try {
            await(pd.bootstrap(self, region));
        } catch (PdException e) {
            if (e.kind() != PdException.Kind.ALREADY_BOOTSTRAPPED) {
                throw e;
            }
            // Another store was first, or we were and died before we could note it.
            ours = await(pd.regionByKey(ByteKey.EMPTY))
                    .map(RegionLocation::region)
                    .filter(first -> first.getId() == region.getId())
                    .isPresent();
        }
        if (ours) {
            store.bootstrap(region);
            log.info("cluster is founded region={}", region.getId());
        }
        states.deleteFirstRegion();
    }

    private static <T> T await(CompletableFuture<T> answer) {
        try {
            return answer.get(ANSWER_SECONDS_MAX, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException known) {
                throw known;
            }
            throw new CompletionException(e.getCause());
        } catch (TimeoutException e) {
            throw new PdException(PdException.Kind.UNAVAILABLE, "PD gave no answer in " + ANSWER_SECONDS_MAX + " s");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PdException(PdException.Kind.UNAVAILABLE, "interrupted while PD was asked");
        }
    }
}
