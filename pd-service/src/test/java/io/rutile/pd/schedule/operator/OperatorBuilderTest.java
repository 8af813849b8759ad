package io.rutile.pd.schedule.operator;

import static io.rutile.pd.cluster.Regions.peer;
import static io.rutile.pd.cluster.Regions.region;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.pd.cluster.LocalCluster;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.schedule.operator.Operator.Purpose;
import io.rutile.pd.schedule.operator.OperatorStep.AddLearner;
import io.rutile.pd.schedule.operator.OperatorStep.ChangePeers;
import io.rutile.pd.schedule.operator.OperatorStep.PromoteLearner;
import io.rutile.pd.schedule.operator.OperatorStep.RemovePeer;
import io.rutile.pd.schedule.operator.OperatorStep.TransferLeadership;
import io.rutile.protocol.eraftpb.ConfChangeType;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import io.rutile.protocol.pdpb.ChangePeer;
import io.rutile.protocol.pdpb.RegionHeartbeatResponse;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class OperatorBuilderTest {

    private static final Purpose PURPOSE = new Purpose("test", OperatorKind.ADMIN, "a test");

    @TempDir
    Path directory;

    /** What is wanted of a Region on stores 1, 2, 3, led by 1 → the steps. */
    static Stream<Arguments> table() {
        return Stream.of(
                row(
                        "the leader hands over to one that is there, then one joint change",
                        b -> b.addOn(4).remove(peer(1, 1)),
                        "add learner 4",
                        "transfer to 2",
                        "joint +4 -1"),
                row("a follower moves", b -> b.addOn(4).remove(peer(1, 3)), "add learner 4", "joint +4 -3"),
                row("one comes", b -> b.addOn(4), "add learner 4", "promote 4"),
                row("one goes", b -> b.remove(peer(1, 2)), "remove 2"),
                row("the leader goes", b -> b.remove(peer(1, 1)), "transfer to 2", "remove 1"),
                row("a learner comes to stay", b -> b.addLearnerOn(4), "add learner 4"),
                row(
                        "a learner in a follower's place",
                        b -> b.addLearnerOn(4).remove(peer(1, 2)),
                        "add learner 4",
                        "remove 2"),
                row(
                        "all of them move at once",
                        b -> b.addOn(4)
                                .addOn(5)
                                .addOn(6)
                                .remove(peer(1, 1))
                                .remove(peer(1, 2))
                                .remove(peer(1, 3)),
                        "add learner 4",
                        "add learner 5",
                        "add learner 6",
                        "joint +4 +5 +6 -2 -3",
                        "transfer to 4",
                        "remove 1"),
                row(
                        "a new one shall lead in the leader's place",
                        b -> b.addOn(4).remove(peer(1, 1)).leaderOn(4),
                        "add learner 4",
                        "promote 4",
                        "transfer to 4",
                        "remove 1"),
                row(
                        "another one shall lead, and the leader stays",
                        b -> b.addOn(4).remove(peer(1, 2)).leaderOn(3),
                        "add learner 4",
                        "joint +4 -2",
                        "transfer to 3"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("table")
    void ordersStepsD2(String name, UnaryOperator<OperatorBuilder> wish, List<String> expected) {
        LocalCluster cluster = new LocalCluster(directory);
        RegionInfo region = region(1, "", "", 1, 2, 3).info();

        Operator operator = wish.apply(new OperatorBuilder(region, PURPOSE))
                .build(cluster.ids(), 0)
                .join();

        assertThat(operator.steps()).extracting(OperatorBuilderTest::words).isEqualTo(expected);
    }

    @Test
    void onlyReplicaMovesInThreeStepsD2() {
        LocalCluster cluster = new LocalCluster(directory);

        Operator operator = new OperatorBuilder(region(1, "", "", 1).info(), PURPOSE)
                .addOn(4)
                .remove(peer(1, 1))
                .build(cluster.ids(), 0)
                .join();

        assertThat(operator.steps())
                .extracting(OperatorBuilderTest::words)
                .containsExactly("add learner 4", "promote 4", "transfer to 4", "remove 1");
    }

    @Test
    void influenceIsThatOfAllSteps() {
        LocalCluster cluster = new LocalCluster(directory);

        Operator operator = new OperatorBuilder(region(1, "", "", 1, 2, 3).info(), PURPOSE)
                .remove(peer(1, 1))
                .addOn(4)
                .build(cluster.ids(), 0)
                .join();

        assertThat(operator.influence())
                .containsExactly(
                        new StepInfluence(4, 1, 0),
                        new StepInfluence(1, 0, -1),
                        new StepInfluence(2, 0, 1),
                        new StepInfluence(1, -1, 0));
    }

    @Test
    void jointChangeMovesTheConfVerByWhatIsInItD1() {
        LocalCluster cluster = new LocalCluster(directory);
        Operator operator = new OperatorBuilder(
                        region(1, "", "", 1, 2, 3).epoch(5, 1).info(), PURPOSE)
                .addOn(4)
                .remove(peer(1, 3))
                .build(cluster.ids(), 0)
                .join();
        Peer learner = ((AddLearner) operator.steps().get(0)).peer();
        Peer voter = learner.toBuilder().setRole(PeerRole.Voter).build();
        operator.observe(region(1, "", "", 1, 2, 3).plus(learner).epoch(6, 1).info(), 1);

        RegionHeartbeatResponse.Builder order = RegionHeartbeatResponse.newBuilder();
        operator.currentStep().orElseThrow().command(order);
        assertThat(order.getChangePeerV2().getChangesList())
                .containsExactly(
                        ChangePeer.newBuilder()
                                .setPeer(voter)
                                .setChangeType(ConfChangeType.AddNode)
                                .build(),
                        ChangePeer.newBuilder()
                                .setPeer(peer(1, 3))
                                .setChangeType(ConfChangeType.RemoveNode)
                                .build());
        // Half of it is not all of it.
        assertThat(operator.observe(
                        region(1, "", "", 1, 2, 3).plus(voter).epoch(7, 1).info(), 2))
                .isEqualTo(Operator.Status.RUNNING);
        assertThat(operator.observe(
                        region(1, "", "", 1, 2).plus(learner).epoch(7, 1).info(), 2))
                .isEqualTo(Operator.Status.RUNNING);
        assertThat(operator.observe(
                        region(1, "", "", 1, 2).plus(voter).epoch(8, 1).info(), 3))
                .isEqualTo(Operator.Status.FINISHED);
    }

    @Test
    void oneChangeMoreThanPlannedIsSomebodyElsesD1() {
        LocalCluster cluster = new LocalCluster(directory);
        Operator operator = new OperatorBuilder(
                        region(1, "", "", 1, 2, 3).epoch(5, 1).info(), PURPOSE)
                .addOn(4)
                .remove(peer(1, 3))
                .build(cluster.ids(), 0)
                .join();
        Peer learner = ((AddLearner) operator.steps().get(0)).peer();

        operator.observe(region(1, "", "", 1, 2, 3).plus(learner).epoch(6, 1).info(), 1);

        assertThat(operator.observe(
                        region(1, "", "", 1, 2, 3).plus(learner).epoch(9, 1).info(), 2))
                .isEqualTo(Operator.Status.CANCELLED);
    }

    /** Planned while one replica was about to take another's place: by the time it would be commanded there is one fewer to spare. */
    @Test
    void whatWasPlannedForOtherMembersIsNotBegunD2() {
        LocalCluster cluster = new LocalCluster(directory);
        Operator operator = new OperatorBuilder(
                        region(1, "", "", 1, 2, 3, 4).epoch(5, 1).info(), PURPOSE)
                .remove(peer(1, 4))
                .build(cluster.ids(), 0)
                .join();

        assertThat(operator.observe(region(1, "", "", 1, 2, 4).epoch(6, 1).info(), 1))
                .isEqualTo(Operator.Status.CANCELLED);
    }

    private static Arguments row(String name, UnaryOperator<OperatorBuilder> wish, String... steps) {
        return Arguments.of(name, wish, List.of(steps));
    }

    private static String words(OperatorStep step) {
        if (step instanceof AddLearner add) {
            return "add learner " + add.peer().getStoreId();
        } else if (step instanceof PromoteLearner promote) {
            return "promote " + promote.peer().getStoreId();
        } else if (step instanceof RemovePeer remove) {
            return "remove " + remove.peer().getStoreId();
        } else if (step instanceof TransferLeadership transfer) {
            assertThat(transfer.to().getRole()).isEqualTo(PeerRole.Voter);
            return "transfer to " + transfer.to().getStoreId();
        }
        ChangePeers joint = (ChangePeers) step;
        StringBuilder words = new StringBuilder("joint");
        joint.promote().forEach(peer -> words.append(" +").append(peer.getStoreId()));
        joint.remove().forEach(peer -> words.append(" -").append(peer.getStoreId()));
        return words.toString();
    }

    @Test
    void stepsFinishOnlyByWhatAHeartbeatShowsD1() {
        LocalCluster cluster = new LocalCluster(directory);
        Operator operator = new OperatorBuilder(region(1, "", "", 1, 2, 3).info(), PURPOSE)
                .remove(peer(1, 1))
                .build(cluster.ids(), 0)
                .join();

        assertThat(operator.observe(region(1, "", "", 1, 2, 3).info(), 1)).isEqualTo(Operator.Status.RUNNING);
        assertThat(operator.currentStep()).contains(new TransferLeadership(peer(1, 2)));
        assertThat(operator.observe(region(1, "", "", 1, 2, 3).leader(2).info(), 2))
                .isEqualTo(Operator.Status.RUNNING);
        assertThat(operator.currentStep()).contains(new RemovePeer(peer(1, 1)));
        assertThat(operator.observe(region(1, "", "", 2, 3).epoch(2, 1).info(), 3))
                .isEqualTo(Operator.Status.FINISHED);
    }

    @Test
    void secondPeerOnAStoreIsRefused() {
        OperatorBuilder builder = new OperatorBuilder(region(1, "", "", 1, 2).info(), PURPOSE);

        assertThatThrownBy(() -> builder.addOn(2)).isInstanceOf(IllegalArgumentException.class);
    }
}
