package io.rutile.cli.consistency;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RangeAuditTest {

    private static final RegionRange LEFT = new RegionRange(2, "", "6d", 3, 5, List.of(1L, 2L));
    private static final RegionRange RIGHT = new RegionRange(9, "6d", "", 3, 5, List.of(1L, 2L));

    private static Replica replica(long storeId, RegionRange region, boolean leader) {
        return new Replica(storeId, region.id(), region.id() * 10 + storeId, leader, region, null, false);
    }

    /** On stores 1, which leads, and 2. */
    private static List<Replica> replicas(RegionRange... regions) {
        List<Replica> replicas = new ArrayList<>();
        for (RegionRange region : regions) {
            replicas.add(replica(1, region, true));
            replicas.add(replica(2, region, false));
        }
        return replicas;
    }

    private static List<String> findings(List<Replica> replicas, RegionRange... known) {
        return RangeAudit.findings(new Survey(Map.of(1L, "a:1", 2L, "a:2"), replicas, List.of(known), List.of()));
    }

    @Test
    void aClusterInOrderHasNone() {
        assertThat(findings(replicas(RIGHT, LEFT), LEFT, RIGHT)).isEmpty();
    }

    @Test
    void r6_holesAreFound() {
        RegionRange late = new RegionRange(9, "6e", "", 3, 5, List.of(1L, 2L));
        RegionRange closed = new RegionRange(9, "6d", "7a", 3, 5, List.of(1L, 2L));

        assertThat(findings(replicas(LEFT, late), LEFT, late)).containsExactly("no region holds [6d, 6e)");
        assertThat(findings(replicas(LEFT, closed), LEFT, closed)).containsExactly("no region holds [7a, -)");
        assertThat(findings(replicas(RIGHT), RIGHT)).containsExactly("no region holds [-, 6d)");
        assertThat(findings(List.of())).containsExactly("no region holds [-, -)");
    }

    @Test
    void r6_overlapsAreFoundOnAStoreAndOverTheCluster() {
        RegionRange early = new RegionRange(9, "6c", "", 3, 5, List.of(1L, 2L));

        assertThat(findings(replicas(LEFT, early), LEFT, early))
                .hasSize(3)
                .anySatisfy(finding ->
                        assertThat(finding).startsWith("store 1: region 2").contains("overlaps region 9"))
                .anySatisfy(finding -> assertThat(finding).startsWith("store 2: region 2"))
                .anySatisfy(finding -> assertThat(finding).contains("begins before the one in front of it ends"));
    }

    @Test
    void anOverlapBehindAnOpenEndIsFound() {
        RegionRange all = new RegionRange(2, "", "", 3, 5, List.of(1L, 2L));

        assertThat(findings(replicas(all, RIGHT), all, RIGHT))
                .anySatisfy(finding -> assertThat(finding)
                        .startsWith("region 9")
                        .contains("begins before the one in front of it ends"));
    }

    @Test
    void oneLeaderAndAReplicaForEveryPeerAndForNobodyElse() {
        List<Replica> two = new ArrayList<>(replicas(LEFT, RIGHT));
        two.set(1, replica(2, LEFT, true));
        assertThat(findings(two, LEFT, RIGHT)).containsExactly("region 2: stores [1, 2] lead");

        List<Replica> none = new ArrayList<>(replicas(LEFT, RIGHT));
        none.set(0, replica(1, LEFT, false));
        assertThat(findings(none, LEFT, RIGHT)).containsExactly("region 2: nobody leads");

        List<Replica> more = new ArrayList<>(replicas(LEFT, RIGHT));
        more.add(replica(3, LEFT, false));
        assertThat(findings(more, LEFT, RIGHT))
                .singleElement()
                .asString()
                .startsWith("store 3: replica 23 of region 2");

        List<Replica> less = new ArrayList<>(replicas(LEFT, RIGHT));
        less.set(1, new Replica(2, 2, 22, false, null, null, false));
        assertThat(findings(less, LEFT, RIGHT))
                .singleElement()
                .asString()
                .startsWith("store 2: no replica of region 2");
    }

    @Test
    void thePlacementDriverHasToKnowTheSame() {
        RegionRange older = new RegionRange(9, "6d", "", 2, 5, List.of(1L, 2L));
        RegionRange gone = new RegionRange(11, "", "6d", 1, 1, List.of(1L));

        assertThat(findings(replicas(LEFT, RIGHT), LEFT, older))
                .singleElement()
                .asString()
                .startsWith("the Placement Driver takes region 9");
        assertThat(findings(replicas(LEFT, RIGHT), LEFT, RIGHT, gone))
                .singleElement()
                .asString()
                .contains("region 11")
                .contains("which no store has");
        assertThat(findings(replicas(LEFT, RIGHT), LEFT))
                .singleElement()
                .asString()
                .startsWith("the Placement Driver doesn't know region 9");
    }

    /** A follower that lags behind is no finding; the leader's word counts. */
    @Test
    void theLeaderIsBelieved() {
        RegionRange before = new RegionRange(2, "", "6d", 3, 4, List.of(1L));
        List<Replica> replicas = new ArrayList<>(replicas(LEFT, RIGHT));
        replicas.set(1, replica(2, before, false));

        assertThat(findings(replicas, LEFT, RIGHT)).isEmpty();
    }
}
