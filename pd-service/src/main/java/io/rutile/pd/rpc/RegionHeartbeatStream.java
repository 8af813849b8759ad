package io.rutile.pd.rpc;

import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.Counter;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.leader.LeaderTerm;
import io.rutile.pd.meta.MetaStore;
import io.rutile.pd.schedule.HeartbeatStreams.CommandSink;
import io.rutile.protocol.metapb.Store;
import io.rutile.protocol.metapb.StoreState;
import io.rutile.protocol.pdpb.ErrorType;
import io.rutile.protocol.pdpb.RegionHeartbeatRequest;
import io.rutile.protocol.pdpb.RegionHeartbeatResponse;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One store's stream of Region heartbeats; the way back carries PD's commands. What is wrong with one Region is said on the
 * stream, which goes on; what is wrong with the caller ends it.
 */
final class RegionHeartbeatStream implements StreamObserver<RegionHeartbeatRequest>, CommandSink {

    private final PdCalls calls;
    private final MetaStore meta;
    private final ServerCallStreamObserver<RegionHeartbeatResponse> out;
    private final Counter rejected;
    /** Guarded by this, as is every call to {@code out}. */
    private boolean ended;

    private @Nullable LeaderTerm boundTerm;
    private long boundStore;

    RegionHeartbeatStream(
            PdCalls calls, MetaStore meta, ServerCallStreamObserver<RegionHeartbeatResponse> out, Counter rejected) {
        this.calls = calls;
        this.meta = meta;
        this.out = out;
        this.rejected = rejected;
        out.setOnCancelHandler(this::unbind);
    }

    @Override
    public void onNext(RegionHeartbeatRequest heartbeat) {
        try {
            take(heartbeat);
        } catch (RuntimeException e) {
            end(PdHeaders.status(e));
        }
    }

    private void take(RegionHeartbeatRequest heartbeat) {
        LeaderTerm term = calls.leader();
        calls.headers().checkCluster(heartbeat.getHeader());
        if (!calls.isBootstrapped()) {
            say(heartbeat.getRegion().getId(), ErrorType.NOT_BOOTSTRAPPED, "cluster is not bootstrapped");
            complete();
            return;
        }
        Store store = meta.state().store(heartbeat.getLeader().getStoreId());
        if (store == null) {
            throw Status.UNKNOWN
                    .withDescription(
                            PdError.storeNotFoundText(heartbeat.getLeader().getStoreId()))
                    .asRuntimeException();
        }
        if (store.getState() == StoreState.Tombstone) {
            return;
        }
        bind(term, store.getId());
        observe(term, heartbeat);
    }

    private void observe(LeaderTerm term, RegionHeartbeatRequest heartbeat) {
        long regionId = heartbeat.getRegion().getId();
        if (regionId == 0) {
            reject(regionId, "invalid request: the region has no id");
            return;
        }
        if (heartbeat.getRegion().getPeersCount() == 0) {
            reject(regionId, "invalid request: region " + regionId + " has no peers");
            return;
        }
        RegionInfo region = RegionInfo.of(heartbeat);
        Optional<String> refusal = term.cluster().observe(region);
        if (refusal.isPresent()) {
            reject(regionId, refusal.get());
            return;
        }
        term.coordinator().onHeartbeat(region);
    }

    private void reject(long regionId, String why) {
        rejected.increment();
        say(regionId, ErrorType.UNKNOWN, why);
    }

    private void say(long regionId, ErrorType type, String message) {
        offer(RegionHeartbeatResponse.newBuilder()
                .setHeader(calls.headers().error(type, message))
                .setRegionId(regionId)
                .build());
    }

    /** A store's new stream takes the place of its old one; a stream may serve a later term too. */
    private void bind(LeaderTerm term, long storeId) {
        synchronized (this) {
            if (boundTerm == term && boundStore == storeId) {
                return;
            }
        }
        unbind();
        synchronized (this) {
            boundTerm = term;
            boundStore = storeId;
        }
        term.streams().bind(storeId, this);
    }

    private void unbind() {
        LeaderTerm term;
        long storeId;
        synchronized (this) {
            term = boundTerm;
            storeId = boundStore;
            boundTerm = null;
        }
        if (term != null) {
            term.streams().unbind(storeId, this);
        }
    }

    @Override
    public synchronized boolean offer(RegionHeartbeatResponse response) {
        if (ended || out.isCancelled() || !out.isReady()) {
            return false;
        }
        out.onNext(response);
        return true;
    }

    /** The term is over, or the store has opened another stream. */
    @Override
    public void close() {
        end(Status.UNAVAILABLE.withDescription("not leader, or another stream took this one's place"));
    }

    private void end(Status status) {
        unbind();
        synchronized (this) {
            if (!ended) {
                ended = true;
                out.onError(status.asRuntimeException());
            }
        }
    }

    private void complete() {
        unbind();
        synchronized (this) {
            if (!ended) {
                ended = true;
                out.onCompleted();
            }
        }
    }

    @Override
    public void onError(Throwable failure) {
        unbind();
        synchronized (this) {
            ended = true;
        }
    }

    @Override
    public void onCompleted() {
        complete();
    }
}
