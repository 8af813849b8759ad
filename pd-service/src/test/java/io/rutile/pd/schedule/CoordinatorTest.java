package io.rutile.pd.schedule;

import static io.rutile.pd.cluster.Regions.peer;
import static io.rutile.pd.cluster.Regions.region;
import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.pd.cluster.LocalCluster;
import io.rutile.pd.cluster.Regions;
import io.rutile.pd.cluster.StoreInfo;
import io.rutile.pd.schedule.operator.Operator;
import io.rutile.pd.schedule.operator.OperatorLimits;
import io.rutile.pd.schedule.scheduler.SlowStoreMemory;
import io.rutile.protocol.eraftpb.ConfChangeType;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import io.rutile.protocol.pdpb.RegionHeartbeatResponse;
import io.rutile.protocol.pdpb.ResponseHeader;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CoordinatorTest {

    @TempDir
    Path directory;

    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final List<RegionHeartbeatResponse> sent = new ArrayList<>();
    private LocalCluster cluster;
    private OperatorController operators;
    private HeartbeatStreams streams;
    private Coordinator coordinator;

    @BeforeEach
    void assemble() {
        cluster = new LocalCluster(directory).up(1);
        operators = new OperatorController(() -> OperatorLimits.DEFAULTS.withAll(4), cluster::nanos, metrics);
        streams = new HeartbeatStreams(metrics);
        streams.bind(1, sink(sent));
        coordinator = new Coordinator(
                cluster.state(),
                operators,
                streams,
                cluster.ids(),
                ResponseHeader.newBuilder().setClusterId(7).build(),
                new Coordinator.Sources(cluster::nanos, InstantSource.system(), new SplittableRandom(1)),
                () -> ScheduleOptions.DEFAULTS,
                NO_MEMORY,
                metrics);
    }

    private static final SlowStoreMemory NO_MEMORY = new SlowStoreMemory() {
        @Override
        public long slowStore() {
            return 0;
        }

        @Override
        public void remember(long storeId) {}
    };

    @Test
    void firstRegionGetsItsThreeReplicasAsStoresArriveD1() {
        heartbeat(region(1, "", "", 1));
        assertThat(sent).isEmpty();

        cluster.up(2);
        heartbeat(region(1, "", "", 1));
        RegionHeartbeatResponse first = lastSent();
        assertThat(first.getChangePeer().getChangeType()).isEqualTo(ConfChangeType.AddLearnerNode);
        assertThat(first.getChangePeer().getPeer().getStoreId()).isEqualTo(2);
        assertThat(first.getHeader().getClusterId()).isEqualTo(7);
        assertThat(first.getRegionId()).isEqualTo(1);
        assertThat(first.getRegionEpoch().getConfVer()).isEqualTo(1);
        assertThat(first.getTargetPeer()).isEqualTo(peer(1, 1));

        // Until a heartbeat shows it, the same command again and no other.
        cluster.up(3);
        heartbeat(region(1, "", "", 1));
        assertThat(lastSent()).isEqualTo(first);

        // It has caught up, and is to vote.
        Peer learner = first.getChangePeer().getPeer();
        heartbeat(region(1, "", "", 1).plus(learner).epoch(2, 1));
        Peer second = lastSent().getChangePeer().getPeer();
        assertThat(lastSent().getChangePeer().getChangeType()).isEqualTo(ConfChangeType.AddNode);
        assertThat(second).isEqualTo(learner.toBuilder().setRole(PeerRole.Voter).build());

        heartbeat(region(1, "", "", 1).plus(second).epoch(3, 1));
        Peer third = lastSent().getChangePeer().getPeer();
        assertThat(third.getStoreId()).isEqualTo(3);
        assertThat(third.getId()).isNotEqualTo(second.getId());
        heartbeat(region(1, "", "", 1).plus(second).plus(third).epoch(4, 1));

        int before = sent.size();
        Peer thirdVoter = third.toBuilder().setRole(PeerRole.Voter).build();
        heartbeat(region(1, "", "", 1).plus(second).plus(thirdVoter).epoch(5, 1));
        assertThat(sent).hasSize(before);
        assertThat(operators.size()).isZero();
        assertThat(metrics.counter("kv.pd.schedule.operators", "event", "finished")
                        .count())
                .isEqualTo(2);
    }

    @Test
    void patrolNoticesANewStoreWithoutAHeartbeat() {
        heartbeat(region(1, "", "", 1));
        cluster.up(2);

        coordinator.patrol();

        assertThat(lastSent().getChangePeer().getPeer().getStoreId()).isEqualTo(2);
    }

    @Test
    void pendingPeerDoesNotCountAsAddedD1() {
        cluster.up(2);
        heartbeat(region(1, "", "", 1));
        Peer second = lastSent().getChangePeer().getPeer();

        heartbeat(region(1, "", "", 1).plus(second).epoch(2, 1).pending(2));

        assertThat(operators.size()).isEqualTo(1);
    }

    @Test
    void operatorOfAChangedRangeIsCancelled() {
        cluster.up(2);
        heartbeat(region(1, "", "", 1));
        Operator before = operators.operatorOf(1);

        heartbeat(region(1, "", "m", 1).epoch(1, 2));

        assertThat(metrics.counter("kv.pd.schedule.operators", "event", "cancelled")
                        .count())
                .isEqualTo(1);
        assertThat(operators.operatorOf(1)).isNotNull().isNotSameAs(before);
    }

    @Test
    void operatorIsCancelledWhenSomebodyElseChangesTheMembersD1() {
        cluster.up(2);
        heartbeat(region(1, "", "", 1));

        heartbeat(region(1, "", "", 1, 3).epoch(3, 1));

        assertThat(metrics.counter("kv.pd.schedule.operators", "event", "cancelled")
                        .count())
                .isEqualTo(1);
    }

    @Test
    void stepThatTakesTooLongIsGivenUp() {
        cluster.up(2);
        heartbeat(region(1, "", "", 1));

        cluster.pass(Duration.ofMinutes(11));
        operators.expire();

        assertThat(operators.size()).isZero();
        assertThat(metrics.counter("kv.pd.schedule.operators", "event", "timed_out")
                        .count())
                .isEqualTo(1);
    }

    @Test
    void operatorsAreBoundedR10() {
        cluster.up(2);
        for (int i = 0; i < 10; i++) {
            heartbeat(region(i + 1, String.valueOf((char) ('a' + i)), String.valueOf((char) ('b' + i)), 1));
        }

        assertThat(operators.size()).isEqualTo(4);
        assertThat(coordinator.explain(cluster.state().region(10).orElseThrow()).reason())
                .isEqualTo("too many operators are under way");
    }

    @Test
    void sayWhyNothingIsDone() {
        heartbeat(region(1, "", "", 1));
        Coordinator.Explanation blocked =
                coordinator.explain(cluster.state().region(1).orElseThrow());
        assertThat(blocked.healthy()).isFalse();
        assertThat(blocked.action()).isEqualTo("nothing");
        assertThat(blocked.reason()).contains("1 of 3 replicas", "store 1 has a replica");

        cluster.up(2);
        heartbeat(region(1, "", "", 1));
        Coordinator.Explanation running =
                coordinator.explain(cluster.state().region(1).orElseThrow());
        assertThat(running.action()).contains("add learner", "promote learner", "on store 2");
        assertThat(running.reason()).contains("1 of 3 replicas");
    }

    @Test
    void sayWhyAStoreGetsNothing() {
        cluster.up(2);
        heartbeat(region(1, "", "", 1).size(64));
        coordinator.evictions().evict(1, "a test", Duration.ofMinutes(1), "it is restarted");
        coordinator.tick();

        Coordinator.StoreExplanation first = coordinator.explain(store(1));
        assertThat(first.newReplicas()).isEqualTo("welcome");
        assertThat(first.newLeaders()).contains("must not lead", "it is restarted");
        assertThat(first.schedulers().get("evict-leader")).contains("it is restarted", "it leads 1");
        Coordinator.StoreExplanation second = coordinator.explain(store(2));
        assertThat(second.underWay().receiving()).isEqualTo(1);
        assertThat(second.addTokens()).isLessThan(15);

        cluster.pass(Duration.ofSeconds(21));
        assertThat(coordinator.explain(store(2)).newReplicas()).isEqualTo("has not been heard of lately");
    }

    @Test
    void scatterSaysWhyItCanNot() {
        cluster.up(2);
        heartbeat(region(1, "", "", 1));

        assertThat(coordinator.scatter(cluster.state().region(1).orElseThrow(), "g", false))
                .contains("another operator is under way");
    }

    private StoreInfo store(long id) {
        return Objects.requireNonNull(cluster.state().store(id));
    }

    @Test
    void commandGoesToTheStoreThatLeads() {
        List<RegionHeartbeatResponse> toStore2 = new ArrayList<>();
        cluster.up(2, 3);
        streams.bind(2, sink(toStore2));

        heartbeat(region(1, "", "", 1, 2).leader(2));

        assertThat(sent).isEmpty();
        assertThat(toStore2).hasSize(1);
    }

    @Test
    void commandWithoutAStreamIsDroppedAndCounted() {
        cluster.up(2);

        heartbeat(region(1, "", "", 2));

        assertThat(metrics.counter("kv.pd.schedule.commands.dropped").count()).isEqualTo(1);
        assertThat(operators.size()).isEqualTo(1);
    }

    private void heartbeat(Regions region) {
        coordinator.onHeartbeat(cluster.observe(region));
    }

    private RegionHeartbeatResponse lastSent() {
        assertThat(sent).isNotEmpty();
        return sent.get(sent.size() - 1);
    }

    private static HeartbeatStreams.CommandSink sink(List<RegionHeartbeatResponse> into) {
        return new HeartbeatStreams.CommandSink() {
            @Override
            public boolean offer(RegionHeartbeatResponse response) {
                return into.add(response);
            }

            @Override
            public void close() {}
        };
    }
}
