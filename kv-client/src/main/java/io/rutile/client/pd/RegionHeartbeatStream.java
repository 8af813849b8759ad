package io.rutile.client.pd;

import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.rutile.client.pd.PdClient.RegionHeartbeats;
import io.rutile.client.rpc.BackoffCurve;
import io.rutile.client.rpc.ClientTimer;
import io.rutile.client.rpc.Endpoint;
import io.rutile.client.rpc.Futures;
import io.rutile.protocol.pdpb.PDGrpc;
import io.rutile.protocol.pdpb.RegionHeartbeatRequest;
import io.rutile.protocol.pdpb.RegionHeartbeatResponse;
import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A store's stream of Region heartbeats, always to the current leader of PD. While the leader is slower than the store, only the
 * newest heartbeat of each Region waits (R10).
 *
 * <p>Threads: any for {@link #send}; the state is guarded by this object. The listeners run on gRPC's executor, one at a time for
 * each connection.
 */
final class RegionHeartbeatStream implements RegionHeartbeats {

    private static final Logger LOG = LoggerFactory.getLogger(RegionHeartbeatStream.class);

    /** Regions whose heartbeat may wait for a slow leader. */
    static final int WAITING_MAX = 65_536;

    /** A stream that lived so long was a good one: the next failure counts as the first. */
    private static final Duration SETTLED_AFTER = Duration.ofSeconds(2);

    private static final BackoffCurve BACKOFF = new BackoffCurve(Duration.ofMillis(40), Duration.ofMillis(500));

    private final PdMembers members;
    private final ClientTimer timer;
    private final PdMetrics metrics;
    private final Consumer<RegionHeartbeatResponse> onResponse;
    private final Runnable onReconnect;
    private final Consumer<RegionHeartbeatStream> onClose;
    private final Runnable leaderListener = this::leaderChanged;

    private final Map<Long, RegionHeartbeatRequest> waiting = new LinkedHashMap<>();
    private @Nullable Connection connection;
    private int failures;
    private boolean closed;

    RegionHeartbeatStream(
            PdMembers members,
            ClientTimer timer,
            PdMetrics metrics,
            Consumer<RegionHeartbeatResponse> onResponse,
            Runnable onReconnect,
            Consumer<RegionHeartbeatStream> onClose) {
        this.members = members;
        this.timer = timer;
        this.metrics = metrics;
        this.onResponse = onResponse;
        this.onReconnect = onReconnect;
        this.onClose = onClose;
    }

    void open() {
        members.onLeaderChange(leaderListener);
        connect(null, true);
    }

    @Override
    public synchronized void send(RegionHeartbeatRequest heartbeat) {
        Connection open = connection;
        long regionId = heartbeat.getRegion().getId();
        if (open == null || !open.established || (waiting.size() >= WAITING_MAX && !waiting.containsKey(regionId))) {
            metrics.heartbeatDropped();
            return;
        }
        waiting.put(regionId, heartbeat);
        drain(open);
    }

    private void drain(Connection open) {
        Iterator<RegionHeartbeatRequest> next = waiting.values().iterator();
        while (open.isReady() && next.hasNext()) {
            open.write(next.next());
            next.remove();
        }
    }

    /**
     * @param avoid the member whose stream has just broken
     * @param waited whether that was long enough ago to try the same member again
     */
    private void connect(@Nullable Endpoint avoid, boolean waited) {
        PdLeader known = members.leader();
        if (known != null && !known.isAt(avoid)) {
            open(known);
            return;
        }
        Futures.whenDone(members.refresh(avoid), (leader, failure) -> {
            if (leader == null || (leader.isAt(avoid) && !waited)) {
                connectLater(avoid);
            } else {
                open(leader);
            }
        });
    }

    private void connectLater(@Nullable Endpoint avoid) {
        long delayNanos;
        synchronized (this) {
            if (closed) {
                return;
            }
            delayNanos = BACKOFF.delayNanos(++failures);
        }
        timer.after(delayNanos, () -> connect(avoid, true));
    }

    private synchronized void open(PdLeader leader) {
        if (closed || connection != null) {
            return;
        }
        connection = new Connection(leader.endpoint());
        PDGrpc.newStub(leader.channel()).regionHeartbeat(connection);
    }

    private void ready(Connection from) {
        boolean first;
        synchronized (this) {
            if (connection != from) {
                return;
            }
            first = !from.established;
            from.established = true;
            drain(from);
        }
        if (first) {
            metrics.heartbeatConnected();
            LOG.info("action=heartbeats_connected leader={}", from.leader);
            onReconnect.run();
        }
    }

    private void broken(Connection which, Status status) {
        boolean again;
        synchronized (this) {
            if (connection != which) {
                return;
            }
            connection = null;
            waiting.clear();
            if (System.nanoTime() - which.openedNanos > SETTLED_AFTER.toNanos()) {
                failures = 0;
            }
            again = failures++ > 0;
            if (closed) {
                return;
            }
        }
        LOG.info(
                "action=heartbeats_broken leader={} status={} reason={}",
                which.leader,
                status.getCode(),
                status.getDescription());
        if (status.getCode() == Status.Code.UNAVAILABLE && !PdErrors.saysNotLeader(status)) {
            members.suspect(which.leader);
        }
        if (again) {
            connectLater(which.leader);
        } else {
            connect(which.leader, false);
        }
    }

    private void leaderChanged() {
        PdLeader leader = members.leader();
        Connection open;
        synchronized (this) {
            open = connection;
        }
        if (open != null && leader != null && !leader.isAt(open.leader)) {
            broken(open, Status.ABORTED.withDescription("the PD leader moved to " + leader.endpoint()));
            open.cancel();
        }
    }

    @Override
    public void close() {
        members.removeListener(leaderListener);
        onClose.accept(this);
        Connection open;
        synchronized (this) {
            closed = true;
            open = connection;
            connection = null;
            waiting.clear();
        }
        if (open != null) {
            open.cancel();
        }
    }

    /** One open stream to one leader. */
    private final class Connection implements ClientResponseObserver<RegionHeartbeatRequest, RegionHeartbeatResponse> {

        private final Endpoint leader;
        private final long openedNanos = System.nanoTime();
        private @Nullable ClientCallStreamObserver<RegionHeartbeatRequest> requests;
        private boolean established;

        Connection(Endpoint leader) {
            this.leader = leader;
        }

        @Override
        public void beforeStart(ClientCallStreamObserver<RegionHeartbeatRequest> requestStream) {
            requests = requestStream;
            requestStream.setOnReadyHandler(() -> ready(this));
        }

        boolean isReady() {
            ClientCallStreamObserver<RegionHeartbeatRequest> out = requests;
            return out != null && out.isReady();
        }

        void write(RegionHeartbeatRequest heartbeat) {
            ClientCallStreamObserver<RegionHeartbeatRequest> out = requests;
            if (out != null) {
                out.onNext(heartbeat.toBuilder().setHeader(members.header()).build());
            }
        }

        void cancel() {
            ClientCallStreamObserver<RegionHeartbeatRequest> out = requests;
            if (out != null) {
                out.cancel("closed by this client", null);
            }
        }

        @Override
        public void onNext(RegionHeartbeatResponse response) {
            PdException refusal = PdErrors.refusal("RegionHeartbeat", response.getHeader());
            if (refusal == null) {
                onResponse.accept(response);
            } else {
                LOG.debug("action=heartbeat_refused region={} reason={}", response.getRegionId(), refusal.getMessage());
            }
        }

        @Override
        public void onError(Throwable failure) {
            broken(this, Status.fromThrowable(failure));
        }

        @Override
        public void onCompleted() {
            broken(this, Status.ABORTED.withDescription("PD ended the heartbeat stream"));
        }
    }
}
