package io.rutile.pd.schedule.placement;

import static io.rutile.pd.cluster.Regions.peer;
import static io.rutile.pd.cluster.Regions.region;
import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.pd.cluster.LocalCluster;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.cluster.StoreInfo;
import io.rutile.pd.schedule.placement.LabelConstraint.Op;
import io.rutile.pd.schedule.placement.PlacementRule.Role;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RuleFitTest {

    private static final PlacementRule ANYWHERE = rule("any", Role.VOTER, 2);
    private static final PlacementRule IN_A = rule("in-a", Role.VOTER, 1, "a");

    @TempDir
    Path directory;

    private LocalCluster cluster;

    /** Stores 1 and 2 in zone a, 3 and 4 in zone b. */
    @BeforeEach
    void assemble() {
        cluster = new LocalCluster(directory);
        for (long id = 1; id <= 4; id++) {
            cluster.labelled(id, Map.of("zone", id <= 2 ? "a" : "b")).up(id);
        }
    }

    @Test
    void ruleThatAsksForLittleTakesNothingThatAnotherNeeds() {
        RegionInfo region = region(1, "", "", 1, 3, 4).info();

        RuleFit fit = fit(region, ANYWHERE, IN_A);

        assertThat(fit.unsatisfied()).isEmpty();
        assertThat(fit.peersOf(IN_A)).containsExactly(peer(1, 1));
    }

    @Test
    void whatIsMissingAndWhatIsTooManyIsNamed() {
        RegionInfo region = region(1, "", "", 3, 4, 1).info();

        assertThat(fit(region, IN_A).ruleOf(peer(1, 3))).isNull();
        assertThat(fit(region(1, "", "", 3, 4).info(), ANYWHERE, IN_A).unsatisfied())
                .containsExactly(IN_A);
    }

    @Test
    void leaderRuleLetsOnlyItsOwnLead() {
        PlacementRule leader = rule("leader", Role.LEADER, 1, "a");
        PlacementRule followers = rule("followers", Role.FOLLOWER, 2, "b");
        RegionInfo region = region(1, "", "", 3, 4, 1).info();

        RuleFit fit = fit(region, leader, followers);

        assertThat(fit.unsatisfied()).isEmpty();
        assertThat(fit.mayLead(peer(1, 3)))
                .as("it leads, but a follower's rule has it")
                .isFalse();
        assertThat(fit.mayLead(peer(1, 1))).isTrue();
    }

    @Test
    void voterIsNoLearner() {
        PlacementRule learner = rule("learner", Role.LEARNER, 1);
        Peer learning = peer(1, 4).toBuilder().setRole(PeerRole.Learner).build();

        assertThat(fit(region(1, "", "", 1, 3).info(), IN_A, learner).unsatisfied())
                .containsExactly(learner);
        RuleFit both = fit(region(1, "", "", 1).plus(learning).info(), IN_A, learner);
        assertThat(both.unsatisfied()).isEmpty();
        assertThat(both.ruleOf(learning)).isEqualTo(learner);
    }

    @Test
    void storeThatIsSetApartTakesOnlyWhatAsksForIt() {
        cluster.labelled(5, Map.of("$mode", "columns")).up(5);

        assertThat(ANYWHERE.objectionTo(store(5))).contains("set apart", "$mode=columns");
        assertThat(new LabelConstraint("$mode", Op.EXISTS, List.of()).isMetBy(store(5)))
                .isTrue();
        assertThat(IN_A.objectionTo(store(3))).isEqualTo("has the label zone=b, which is not in what is asked for: a");
    }

    private StoreInfo store(long id) {
        return Objects.requireNonNull(cluster.state().store(id));
    }

    private RuleFit fit(RegionInfo region, PlacementRule... rules) {
        return new RuleFit(region, List.of(rules), region.peers(), cluster.state()::store);
    }

    private static PlacementRule rule(String id, Role role, int count, String... zones) {
        List<LabelConstraint> constraints =
                zones.length == 0 ? List.of() : List.of(new LabelConstraint("zone", Op.IN, List.of(zones)));
        return new PlacementRule("g", id, 0, false, KeyRange.ALL, role, count, constraints, Locations.NONE);
    }
}
