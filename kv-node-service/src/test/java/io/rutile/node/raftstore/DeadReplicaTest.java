package io.rutile.node.raftstore;

import static io.rutile.node.raftstore.RaftStores.PATIENCE;
import static io.rutile.node.raftstore.RaftStores.normal;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.node.raftstore.RaftStores.Node;
import io.rutile.protocol.RegionException;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.storage.engine.EngineException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** R1, R8, R9: a replica that can't apply an entry serves nothing, and goes on with that very entry or gives way to a new one. */
class DeadReplicaTest {

    private static final Region REGION = RegionMergeTest.region(5, "", "", 3, 3, 1, 2, 3);

    @TempDir
    Path dir;

    private RaftStores stores;

    @BeforeEach
    void open() {
        stores = new RaftStores(dir);
    }

    @AfterEach
    void close() {
        stores.close();
    }

    private void threeNodes() {
        for (long id = 1; id <= 3; id++) {
            stores.node(id).with(normal(REGION, id));
        }
        stores.nodes.forEach(Node::start);
    }

    private static EngineException full() {
        return new EngineException(EngineException.Kind.NO_SPACE, "no space is left on the disk", null);
    }

    private static Error refusal(CompletableFuture<?> call) {
        CompletionException failure = catchThrowableOfType(CompletionException.class, call::join);
        assertThat(failure).isNotNull();
        assertThat(failure.getCause()).isInstanceOf(RegionException.class);
        return ((RegionException) failure.getCause()).error();
    }

    private Node followerOf(Node leader) {
        return stores.nodes.stream().filter(node -> node != leader).findFirst().orElseThrow();
    }

    private void awaitEverywhere(String key, String value) {
        for (Node node : stores.nodes) {
            await().atMost(PATIENCE).until(() -> value.equals(node.value(key)));
        }
    }

    private static double gauge(Node node) {
        return node.metrics.get("kv.raftstore.replicas.dead").gauge().value();
    }

    @Test
    void aReplicaWhoseDiskWasFullGoesOnWithTheEntryThatItCouldNotApply() {
        threeNodes();
        stores.write(REGION, "a", "1");
        awaitEverywhere("a", "1");
        Node leader = stores.leaderOf(REGION);
        Node victim = followerOf(leader);

        victim.diskFails = full();
        stores.write(REGION, "b", "2");

        await().atMost(PATIENCE).until(() -> victim.store().deadRegions().equals(List.of(5L)));
        stores.write(REGION, "c", "3");
        assertThat(refusal(victim.read(REGION)).hasRegionNotFound()).isTrue();
        assertThat(refusal(victim.put(REGION, "x", "y")).hasRegionNotFound()).isTrue();
        assertThat(gauge(victim)).isEqualTo(1);
        assertThat(victim.store().report(5).orElseThrow().failure()).contains("no space");
        // What PD is told by the leader: pending at once, down if it lasts.
        await().atMost(PATIENCE)
                .until(() -> leader.peer(REGION).reachable().stream().noneMatch(peer -> peer.storeId() == victim.id));
        // Looked at again and again, and left alone as long as the disk takes nothing.
        double deaths = victim.count("kv.raftstore.replica.failures");
        assertThat(deaths).isEqualTo(1);
        assertThat(victim.value("b")).isNull();

        victim.diskFails = null;

        awaitEverywhere("b", "2");
        awaitEverywhere("c", "3");
        await().atMost(PATIENCE).until(() -> victim.store().deadRegions().isEmpty());
        assertThat(victim.count("kv.raftstore.replica.restarts")).isEqualTo(1);
        Peer alive =
                Peer.newBuilder().setId(50 + victim.id).setStoreId(victim.id).build();
        await().atMost(PATIENCE).ignoreExceptions().until(() -> {
            if (!victim.leads(REGION)) {
                stores.leaderOf(REGION).peer(REGION).transferLeader(alive).join();
            }
            return victim.leads(REGION);
        });
        stores.write(REGION, "d", "4");
        awaitEverywhere("d", "4");
        assertThat(victim.count("kv.raftstore.replica.failures")).isEqualTo(1);
    }

    @Test
    void aDeadLeaderIsReplacedAtOnceAndComesBackAsAFollower() {
        threeNodes();
        stores.write(REGION, "a", "1");
        Node victim = stores.leaderOf(REGION);

        victim.diskFails = full();
        // Durable on a majority, and not applied here: nobody knows yet.
        Error lost = refusal(victim.put(REGION, "b", "2"));

        assertThat(lost.hasUndeterminedResult() || lost.hasStaleCommand() || lost.hasRegionNotFound())
                .as(lost.toString())
                .isTrue();
        await().atMost(PATIENCE).until(() -> !victim.store().deadRegions().isEmpty());
        Node next = stores.leaderOf(REGION);
        assertThat(next).isNotSameAs(victim);
        stores.write(REGION, "c", "3");
        victim.diskFails = null;

        awaitEverywhere("a", "1");
        awaitEverywhere("b", "2");
        awaitEverywhere("c", "3");
        assertThat(victim.count("kv.raftstore.replica.restarts")).isEqualTo(1);
    }

    /** R3: what would fail again is not tried again; PD has it replaced, by a new incarnation on the same store, too. */
    @Test
    void aReplicaThatDiedOfABugGivesWayToANewOne() {
        threeNodes();
        stores.write(REGION, "a", "1");
        Node leader = stores.leaderOf(REGION);
        Node victim = followerOf(leader);
        victim.diskFails = new IllegalStateException("bug");
        stores.write(REGION, "b", "2");
        await().atMost(PATIENCE).until(() -> !victim.store().deadRegions().isEmpty());
        victim.diskFails = null;
        RegionPeer dead = victim.store().replicas().iterator().next();
        Peer before =
                Peer.newBuilder().setId(50 + victim.id).setStoreId(victim.id).build();

        change(new PeerChange(PeerChange.Kind.REMOVE, before));
        Region without = stores.leaderOf(REGION).state(REGION).region();
        await().atMost(PATIENCE).until(() -> !dead.leaderless().isZero());
        victim.store().retireIfExpelled(dead, without);
        await().atMost(PATIENCE).until(() -> victim.store().replicas().isEmpty());
        assertThat(victim.store().deadRegions()).isEmpty();
        assertThat(victim.value("a")).isNull();

        change(new PeerChange(
                PeerChange.Kind.ADD_VOTER, before.toBuilder().setId(500).build()));
        stores.write(REGION, "c", "3");
        awaitEverywhere("a", "1");
        awaitEverywhere("b", "2");
        awaitEverywhere("c", "3");
        assertThat(victim.count("kv.raftstore.replica.restarts")).isZero();
        assertThat(victim.state(REGION).peerId()).isEqualTo(500);
    }

    private void change(PeerChange change) {
        await().atMost(PATIENCE).ignoreExceptions().until(() -> {
            boolean there = stores.leaderOf(REGION).state(REGION).region().getPeersList().stream()
                    .anyMatch(peer -> peer.getId() == change.peer().getId());
            if (there == (change.kind() == PeerChange.Kind.REMOVE)) {
                stores.leaderOf(REGION).peer(REGION).changePeer(change).join();
                return false;
            }
            return stores.leaderOf(REGION).peer(REGION).raftMembers().voters().stream()
                            .anyMatch(peer -> peer.peerId() == change.peer().getId())
                    != (change.kind() == PeerChange.Kind.REMOVE);
        });
    }

    /** A disk that stays full is not asked every second for ever, and one that works again is looked at soon. */
    @Test
    void r10_attemptsComeMoreAndMoreSeldomWhileTheyAreInVain() {
        stores.node(1)
                .with(normal(RegionMergeTest.region(5, "", "", 3, 3, 1), 1))
                .start();
        RegionPeer peer = stores.nodes.get(0).peer(REGION);
        AtomicLong clock = new AtomicLong();
        DeadReplicas dead = new DeadReplicas(clock::get, new SimpleMeterRegistry());
        dead.died(peer, full());

        int attempts = 0;
        for (int second = 0; second < 600; second++) {
            clock.addAndGet(Duration.ofSeconds(1).toNanos());
            attempts += dead.due().size();
        }

        // After 1, 2, 4, 8, 16, 32 seconds, and then every minute.
        assertThat(attempts).isBetween(13, 16);

        dead.forget(peer);
        clock.addAndGet(DeadReplicas.PAUSE_MAX.toNanos());
        assertThat(dead.due()).isEmpty();
        dead.died(peer, full());
        clock.addAndGet(DeadReplicas.PAUSE_MIN.toNanos());
        assertThat(dead.due()).containsExactly(peer);
        clock.addAndGet(DeadReplicas.PAUSE_MAX.toNanos());
        dead.died(peer, new IllegalStateException("bug"));
        assertThat(dead.due()).isEmpty();
        dead.died(peer, new EngineException(EngineException.Kind.CORRUPTION, "the data is damaged", null));
        assertThat(dead.due()).isEmpty();
    }
}
