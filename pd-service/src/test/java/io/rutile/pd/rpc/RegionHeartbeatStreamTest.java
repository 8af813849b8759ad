package io.rutile.pd.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import io.rutile.pd.cluster.LocalCluster;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.cluster.Regions;
import io.rutile.pd.meta.LocalMeta;
import io.rutile.pd.rpc.LocalPd.Answers;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.pdpb.ErrorType;
import io.rutile.protocol.pdpb.RegionHeartbeatRequest;
import io.rutile.protocol.pdpb.RegionHeartbeatResponse;
import io.rutile.protocol.pdpb.StoreHeartbeatRequest;
import io.rutile.protocol.pdpb.StoreStats;
import java.nio.file.Path;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RegionHeartbeatStreamTest {

    private static final long TOMBSTONE = 30;

    @TempDir
    Path directory;

    private LocalPd pd;
    private final Answers<RegionHeartbeatResponse> answers = new Answers<>();
    private StreamObserver<RegionHeartbeatRequest> stream;

    @BeforeEach
    void start() {
        pd = new LocalPd(
                LocalMeta.withStores(directory, List.of(LocalCluster.tombstone(TOMBSTONE))), DoorOptions.DEFAULTS);
        stream = pd.asyncStub().regionHeartbeat(answers);
    }

    @AfterEach
    void stop() {
        pd.close();
    }

    @Test
    void d25HeartbeatWithoutLeaderEndsTheStream() {
        pd.bootstrapped();

        stream.onNext(heartbeat(Regions.region(5, "", "", 1).leader(0)));

        assertThat(Status.fromThrowable(answers.end()).getCode()).isEqualTo(Status.Code.UNKNOWN);
        assertThat(answers.end()).hasMessageContaining("invalid store ID 0, not found");
    }

    @Test
    void d25OtherFaultsAreSaidAndTheStreamStays() {
        pd.bootstrapped();
        Regions region = Regions.region(5, "", "", 1).epoch(3, 3);
        stream.onNext(heartbeat(region));

        stream.onNext(heartbeat(region).toBuilder()
                .setRegion(Region.getDefaultInstance())
                .build());
        assertThat(answers.next().getHeader().getError().getType()).isEqualTo(ErrorType.UNKNOWN);
        stream.onNext(heartbeat(region).toBuilder()
                .setRegion(region.info().region().toBuilder().clearPeers())
                .build());
        assertThat(answers.next().getHeader().getError().getType()).isEqualTo(ErrorType.UNKNOWN);
        stream.onNext(heartbeat(region.epoch(2, 3)));
        RegionHeartbeatResponse stale = answers.next();
        assertThat(stale.getHeader().getError().getType()).isEqualTo(ErrorType.UNKNOWN);
        assertThat(stale.getHeader().getError().getMessage()).contains("region 5 is stale");

        stream.onNext(heartbeat(region.epoch(3, 4)));
        Awaitility.await().atMost(LocalPd.PATIENCE).until(() -> versionOf(5) == 4);
        assertThat(answers.isOpen()).isTrue();
    }

    @Test
    void d17StaleHeartbeatChangesNothingD1() {
        pd.bootstrapped();
        stream.onNext(heartbeat(Regions.region(5, "", "", 1).epoch(3, 3)));

        stream.onNext(heartbeat(Regions.region(5, "", "m", 1).epoch(3, 2)));

        answers.next();
        assertThat(pd.term().cluster().region(5))
                .map(RegionInfo::epoch)
                .map(e -> e.getVersion())
                .contains(3L);
        assertThat(pd.metrics.counter("kv.pd.cluster.heartbeats.rejected").count())
                .isEqualTo(1);
    }

    @Test
    void heartbeatBeforeBootstrapGetsOneAnswerAndAnOrderlyEnd() {
        stream.onNext(heartbeat(Regions.region(5, "", "", 1)));

        assertThat(answers.next().getHeader().getError().getType()).isEqualTo(ErrorType.NOT_BOOTSTRAPPED);
        assertThat(answers.end()).isNull();
    }

    @Test
    void wrongClusterEndsTheStream() {
        pd.bootstrapped();

        stream.onNext(heartbeat(Regions.region(5, "", "", 1)).toBuilder()
                .setHeader(pd.wrongHeader())
                .build());

        assertThat(Status.fromThrowable(answers.end()).getCode()).isEqualTo(Status.Code.FAILED_PRECONDITION);
    }

    @Test
    void tombstoneIsIgnoredWithoutAnAnswer() {
        pd.bootstrapped();

        stream.onNext(heartbeat(Regions.region(5, "", "", TOMBSTONE)));
        stream.onNext(heartbeat(Regions.region(6, "", "", 1).epoch(1, 2)));

        Awaitility.await().atMost(LocalPd.PATIENCE).until(() -> versionOf(6) == 2);
        assertThat(pd.term().cluster().region(5)).isEmpty();
        assertThat(answers.unread()).isZero();
    }

    @Test
    void newStoreGetsAReplicaOfTheFirstRegion() {
        pd.bootstrapped();
        Regions first = Regions.region(2, "", "", 1);
        stream.onNext(heartbeat(first));

        pd.put(LocalCluster.store(7));
        up(1, 7);
        stream.onNext(heartbeat(first));

        RegionHeartbeatResponse order = answers.next();
        assertThat(order.getRegionId()).isEqualTo(2);
        assertThat(order.getChangePeer().getPeer().getStoreId()).isEqualTo(7);
        assertThat(order.getHeader().getClusterId()).isEqualTo(pd.header().getClusterId());
    }

    @Test
    void patrolReachesARegionThatHasNothingToSay() {
        pd.bootstrapped();
        Peer leader = Regions.peer(2, 1);
        stream.onNext(heartbeat(Regions.region(2, "", "", 1)));
        Awaitility.await()
                .atMost(LocalPd.PATIENCE)
                .until(() -> pd.term()
                        .cluster()
                        .region(2)
                        .filter(region -> region.isLeader(leader))
                        .isPresent());

        pd.put(LocalCluster.store(7));

        assertThat(answers.next().getChangePeer().getPeer().getStoreId()).isEqualTo(7);
    }

    @Test
    void streamsEndWhenLeadershipDoes() {
        pd.bootstrapped();
        stream.onNext(heartbeat(Regions.region(2, "", "", 1)));
        Awaitility.await()
                .atMost(LocalPd.PATIENCE)
                .until(() -> pd.term().cluster().regionCount() == 1);
        stream.onNext(heartbeat(Regions.region(2, "", "", 1).epoch(0, 0)));
        answers.next();

        pd.follow(2);

        assertThat(Status.fromThrowable(answers.end()).getCode()).isEqualTo(Status.Code.UNAVAILABLE);
    }

    @Test
    void newerStreamOfAStoreTakesThePlaceOfTheOlder() {
        pd.bootstrapped();
        stream.onNext(heartbeat(Regions.region(2, "", "", 1).epoch(2, 2)));
        stream.onNext(heartbeat(Regions.region(2, "", "", 1)));
        answers.next();

        Answers<RegionHeartbeatResponse> newer = new Answers<>();
        pd.asyncStub()
                .regionHeartbeat(newer)
                .onNext(heartbeat(Regions.region(2, "", "", 1).epoch(2, 2)));

        assertThat(Status.fromThrowable(answers.end()).getCode()).isEqualTo(Status.Code.UNAVAILABLE);
        pd.put(LocalCluster.store(7));
        assertThat(newer.next().hasChangePeer()).isTrue();
    }

    private long versionOf(long region) {
        return pd.term()
                .cluster()
                .region(region)
                .map(r -> r.epoch().getVersion())
                .orElse(0L);
    }

    private void up(long... stores) {
        for (long store : stores) {
            pd.stub()
                    .storeHeartbeat(StoreHeartbeatRequest.newBuilder()
                            .setHeader(pd.header())
                            .setStats(StoreStats.newBuilder().setStoreId(store))
                            .build());
        }
    }

    private RegionHeartbeatRequest heartbeat(Regions region) {
        RegionInfo info = region.info();
        RegionHeartbeatRequest.Builder heartbeat = RegionHeartbeatRequest.newBuilder()
                .setHeader(pd.header())
                .setRegion(info.region())
                .setTerm(info.term());
        Peer leader = info.leader();
        return (leader == null ? heartbeat : heartbeat.setLeader(leader)).build();
    }
}
