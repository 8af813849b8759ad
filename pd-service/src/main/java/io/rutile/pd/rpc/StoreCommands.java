package io.rutile.pd.rpc;

import static io.rutile.pd.rpc.PdCalls.now;

import com.google.protobuf.Message;
import io.grpc.Status;
import io.rutile.pd.cluster.StoreInfo;
import io.rutile.pd.cluster.StoreInfo.Liveness;
import io.rutile.pd.leader.LeaderTerm;
import io.rutile.pd.meta.MetaRecord;
import io.rutile.pd.meta.MetaStore;
import io.rutile.pd.schedule.placement.RuleBook;
import io.rutile.protocol.metapb.Cluster;
import io.rutile.protocol.metapb.Store;
import io.rutile.protocol.metapb.StoreState;
import io.rutile.protocol.pdpb.ErrorType;
import io.rutile.protocol.pdpb.GetAllStoresRequest;
import io.rutile.protocol.pdpb.GetAllStoresResponse;
import io.rutile.protocol.pdpb.GetClusterConfigResponse;
import io.rutile.protocol.pdpb.GetStoreRequest;
import io.rutile.protocol.pdpb.GetStoreResponse;
import io.rutile.protocol.pdpb.PutClusterConfigRequest;
import io.rutile.protocol.pdpb.PutClusterConfigResponse;
import io.rutile.protocol.pdpb.PutStoreRequest;
import io.rutile.protocol.pdpb.PutStoreResponse;
import io.rutile.protocol.pdpb.StoreHeartbeatRequest;
import io.rutile.protocol.pdpb.StoreHeartbeatResponse;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Stores: joining, asking about them, and their heartbeats; and the one setting that clients may change. */
final class StoreCommands {

    private static final Logger log = LoggerFactory.getLogger(StoreCommands.class);

    private final MetaStore meta;

    StoreCommands(MetaStore meta) {
        this.meta = meta;
    }

    CompletableFuture<? extends Message.Builder> get(LeaderTerm term, GetStoreRequest request) {
        StoreInfo store = term.cluster().store(request.getStoreId());
        if (store == null) {
            throw PdError.storeNotFound(request.getStoreId());
        }
        return now(GetStoreResponse.newBuilder().setStore(described(store)).setStats(store.stats()));
    }

    CompletableFuture<? extends Message.Builder> all(LeaderTerm term, GetAllStoresRequest request) {
        GetAllStoresResponse.Builder response = GetAllStoresResponse.newBuilder();
        for (StoreInfo store : term.cluster().stores()) {
            if (!request.getExcludeTombstoneStores() || store.store().getState() != StoreState.Tombstone) {
                response.addStores(described(store));
            }
        }
        return now(response);
    }

    CompletableFuture<? extends Message.Builder> put(LeaderTerm term, PutStoreRequest request) {
        Store store = request.getStore();
        if (store.getId() == 0) {
            throw PdError.unknown("invalid put store " + store.getId() + ": the id must not be 0");
        }
        if (store.getAddress().isEmpty()) {
            throw PdError.unknown("invalid put store " + store.getId() + ": it has no address");
        }
        warnOfTwins(term, store);
        return term.propose(new MetaRecord.PutStore(store)).thenApply(outcome -> {
            PdHeaders.accepted(outcome);
            term.cluster().observeJoined(store.getId());
            return PutStoreResponse.newBuilder();
        });
    }

    /** A store that is up says another address: it has moved quickly, or somebody has started a copy of its directory. */
    private static void warnOfTwins(LeaderTerm term, Store store) {
        StoreInfo known = term.cluster().store(store.getId());
        if (known != null
                && known.liveness() == Liveness.UP
                && !known.store().getAddress().equals(store.getAddress())) {
            log.warn(
                    "store that was heard of a moment ago has another address; it must not run twice store={} before={} now={}",
                    store.getId(),
                    known.store().getAddress(),
                    store.getAddress());
        }
    }

    CompletableFuture<? extends Message.Builder> heartbeat(LeaderTerm term, StoreHeartbeatRequest request) {
        if (!request.hasStats()) {
            throw Status.UNKNOWN
                    .withDescription("invalid store heartbeat: it has no stats")
                    .asRuntimeException();
        }
        long storeId = request.getStats().getStoreId();
        Store store = meta.state().store(storeId);
        boolean forgotten = meta.state().forgottenStores().contains(storeId);
        if (store == null && !forgotten) {
            throw PdError.storeNotFound(storeId);
        }
        if (store == null || store.getState() == StoreState.Tombstone) {
            throw new PdError(ErrorType.STORE_TOMBSTONE, "store " + storeId + " was removed");
        }
        term.cluster().observe(request.getStats());
        return now(StoreHeartbeatResponse.newBuilder()
                .setClusterVersion(meta.state().clusterVersion().toString())
                .setState(store.getNodeState()));
    }

    CompletableFuture<? extends Message.Builder> config() {
        return now(GetClusterConfigResponse.newBuilder()
                .setCluster(Cluster.newBuilder()
                        .setId(meta.state().clusterId())
                        .setMaxPeerCount(meta.state().maxReplicas())));
    }

    CompletableFuture<? extends Message.Builder> putConfig(LeaderTerm term, PutClusterConfigRequest request) {
        if (RuleBook.of(meta.state().placement()).overridesSettings()) {
            throw PdError.unknown(
                    "placement rule pd/default was written or deleted: the rules say how many replicas there are");
        }
        int count = request.getCluster().getMaxPeerCount();
        return term.propose(new MetaRecord.SetMaxReplicas(count)).thenApply(outcome -> {
            PdHeaders.accepted(outcome);
            return PutClusterConfigResponse.newBuilder();
        });
    }

    private static Store described(StoreInfo store) {
        return store.store().toBuilder()
                .setLastHeartbeat(TimeUnit.MILLISECONDS.toNanos(store.lastHeartbeatMs()))
                .build();
    }
}
