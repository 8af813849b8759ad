package io.rutile.pd.schedule.operator;

import static io.rutile.pd.cluster.Regions.peer;
import static io.rutile.pd.cluster.Regions.region;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.pd.cluster.LocalCluster;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.schedule.operator.Operator.Purpose;
import io.rutile.pd.schedule.operator.OperatorStep.AddPeer;
import io.rutile.pd.schedule.operator.OperatorStep.RemovePeer;
import io.rutile.pd.schedule.operator.OperatorStep.TransferLeadership;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OperatorBuilderTest {

    private static final Purpose PURPOSE = new Purpose("test", OperatorKind.ADMIN, "a test");

    @TempDir
    Path directory;

    @Test
    void addsThenMovesTheLeaderThenRemovesD2() {
        LocalCluster cluster = new LocalCluster(directory);
        RegionInfo region = region(1, "", "", 1, 2, 3).info();

        Operator operator = new OperatorBuilder(region, PURPOSE)
                .remove(peer(1, 1))
                .addOn(4)
                .build(cluster.ids(), 0)
                .join();

        assertThat(operator.steps())
                .hasExactlyElementsOfTypes(AddPeer.class, TransferLeadership.class, RemovePeer.class);
        assertThat(operator.steps().get(1)).isEqualTo(new TransferLeadership(peer(1, 2)));
        assertThat(operator.influence())
                .containsExactly(
                        new StepInfluence(4, 1, 0),
                        new StepInfluence(1, 0, -1),
                        new StepInfluence(2, 0, 1),
                        new StepInfluence(1, -1, 0));
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
