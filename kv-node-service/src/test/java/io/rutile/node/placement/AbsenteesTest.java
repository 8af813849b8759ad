package io.rutile.node.placement;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.pdpb.PeerStats;
import io.rutile.raft.Replica;
import io.rutile.raft.Replicas;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Voters on stores 1, 2 and 3, of which 1 leads, and a newcomer on store 4. */
class AbsenteesTest {

    private static final Replica ONE = new Replica(1, 11);
    private static final Replica TWO = new Replica(2, 12);
    private static final Replica THREE = new Replica(3, 13);
    private static final Replica FOUR = new Replica(4, 14);
    private static final Replicas BEFORE = new Replicas(Set.of(ONE, TWO, THREE), Set.of(FOUR));

    private final Absentees absentees = new Absentees();

    private static Peer peer(Replica replica, PeerRole role) {
        return Peer.newBuilder()
                .setStoreId(replica.storeId())
                .setId(replica.peerId())
                .setRole(role)
                .build();
    }

    private static Region region(PeerRole newcomer) {
        return Region.newBuilder()
                .addPeers(peer(ONE, PeerRole.Voter))
                .addPeers(peer(TWO, PeerRole.Voter))
                .addPeers(peer(THREE, PeerRole.Voter))
                .addPeers(peer(FOUR, newcomer))
                .build();
    }

    private static Absentees.Known known(Replicas members, Set<Replica> reachable, Set<Replica> caughtUp) {
        return new Absentees.Known(ONE, members, reachable, caughtUp);
    }

    /** PD would give it a vote: then the death of one more store is enough to stop the Region. */
    @Test
    void d2_aLearnerThatWaitsForItsImageIsPendingThoughItAnswers() {
        Absentees.Known waiting = known(BEFORE, Set.of(ONE, TWO, THREE, FOUR), Set.of(ONE, TWO, THREE));
        assertThat(Absentees.pending(region(PeerRole.Learner), waiting)).containsExactly(peer(FOUR, PeerRole.Learner));

        Absentees.Known here = known(BEFORE, Set.of(ONE, TWO, THREE, FOUR), Set.of(ONE, TWO, THREE, FOUR));
        assertThat(Absentees.pending(region(PeerRole.Learner), here)).isEmpty();
    }

    /** PD would take it away again as dead, just when its image is there. */
    @Test
    void whoAnswersIsNotDownHoweverLongItsImageTakes() {
        Absentees.Known waiting = known(BEFORE, Set.of(TWO, THREE, FOUR), Set.of(TWO, THREE));
        for (long now = 1_000; now < 1_200; now += 10) {
            // Promoted in the Region; Raft waits for the image first.
            assertThat(Absentees.pending(region(PeerRole.Voter), waiting)).containsExactly(peer(FOUR, PeerRole.Voter));
            assertThat(absentees.down(region(PeerRole.Voter), waiting, now)).isEmpty();
        }
    }

    @Test
    void whoIsSilentIsPendingAtOnceAndDownAfterTenSeconds() {
        Set<Replica> all = Set.of(ONE, TWO, THREE, FOUR);
        assertThat(absentees.down(region(PeerRole.Learner), known(BEFORE, all, all), 1_000))
                .isEmpty();
        Absentees.Known without = known(BEFORE, Set.of(ONE, TWO, FOUR), all);
        assertThat(Absentees.pending(region(PeerRole.Learner), without)).containsExactly(peer(THREE, PeerRole.Voter));
        assertThat(absentees.down(region(PeerRole.Learner), without, 1_009)).isEmpty();
        assertThat(absentees.down(region(PeerRole.Learner), without, 1_010))
                .containsExactly(PeerStats.newBuilder()
                        .setPeer(peer(THREE, PeerRole.Voter))
                        .setDownSeconds(10)
                        .build());
        absentees.forget();
        assertThat(absentees.down(region(PeerRole.Learner), without, 1_011))
                .as("a new leader has yet to find out")
                .isEmpty();
        assertThat(absentees.down(region(PeerRole.Learner), without, 1_021)).hasSize(1);
    }

    /** Not even that a leader has no record of itself makes it pending. */
    @Test
    void aLeaderNeedsNoAnswerOfItsOwn() {
        Absentees.Known alone = known(BEFORE, Set.of(), Set.of());
        assertThat(Absentees.pending(region(PeerRole.Learner), alone))
                .extracting(Peer::getStoreId)
                .containsExactly(2L, 3L, 4L);
        assertThat(absentees.down(region(PeerRole.Learner), alone, 1_000)).isEmpty();
        assertThat(absentees.down(region(PeerRole.Learner), alone, 1_100)).hasSize(3);
    }
}
