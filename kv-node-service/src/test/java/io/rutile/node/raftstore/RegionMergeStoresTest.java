package io.rutile.node.raftstore;

import static io.rutile.node.raftstore.RaftStores.context;
import static io.rutile.node.raftstore.RaftStores.key;
import static io.rutile.node.raftstore.RaftStores.normal;
import static io.rutile.node.raftstore.RaftStores.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.rutile.node.raftstore.RaftStores.Node;
import io.rutile.protocol.RegionException;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import io.rutile.protocol.metapb.Region;
import io.rutile.raft.Replica;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.KvSnapshot;
import io.rutile.storage.engine.RocksEngine;
import io.rutile.storage.engine.RocksOptions;
import io.rutile.storage.engine.WriteBatch;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Merges between whole stores, from states that a test has written down: also those that only a crash leaves behind. */
class RegionMergeStoresTest {

    private static final Duration PATIENCE = RaftStores.PATIENCE;
    private static final long PREPARED_AT = RaftStore.FIRST_INDEX;
    private static final Region LEFT = RegionMergeTest.region(5, "", "m", 3, 3, 1, 2, 3);
    private static final Region RIGHT = RegionMergeTest.region(6, "m", "", 3, 3, 1, 2, 3);
    private static final Region PREPARED = RegionMerge.prepared(LEFT);
    private static final Region MERGED = RegionMerge.merged(PREPARED, RIGHT);

    @TempDir
    Path dir;

    private RaftStores stores;
    private List<Node> nodes;

    @BeforeEach
    void open() {
        stores = new RaftStores(dir);
        nodes = stores.nodes;
    }

    @AfterEach
    void stop() {
        stores.close();
    }

    private static RegionState merging(long store, boolean calledOff) {
        return normal(PREPARED, store).with(new RegionMerge(RIGHT, PREPARED_AT, calledOff));
    }

    private void threeNodes(Function<Long, RegionState> left) {
        for (long id = 1; id <= 3; id++) {
            stores.node(id).with(left.apply(id), normal(RIGHT, id));
        }
    }

    private void awaitMerged() {
        await().atMost(PATIENCE).untilAsserted(() -> {
            for (Node node : nodes) {
                assertThat(node.state(RIGHT).region()).isEqualTo(MERGED);
                assertThat(node.state(LEFT).status()).isEqualTo(RegionState.Status.TOMBSTONE);
                assertThat(node.store().replicas()).hasSize(1);
            }
        });
    }

    @Test
    void aMergeGoesThroughFromTheOrderToTheEnd() {
        stores.mergePatience = PATIENCE;
        threeNodes(id -> normal(LEFT, id));
        nodes.forEach(Node::start);
        stores.write(LEFT, "a", "1");
        stores.write(RIGHT, "x", "2");

        await().atMost(PATIENCE).ignoreExceptions().until(() -> {
            for (Node node : nodes) {
                if (node.leads(LEFT)) {
                    node.peer(LEFT).merge(RIGHT).join();
                }
            }
            return nodes.get(0).state(LEFT).isMerging()
                    || nodes.get(0).state(LEFT).isMerged();
        });
        await().atMost(PATIENCE).untilAsserted(() -> {
            for (Node node : nodes) {
                assertThat(node.state(RIGHT).region().getStartKey()).isEmpty();
                assertThat(node.state(LEFT).status()).isEqualTo(RegionState.Status.TOMBSTONE);
            }
        });

        stores.write(RIGHT, "b", "3");
        for (Node node : nodes) {
            await().atMost(PATIENCE).until(() -> "3".equals(node.value("b")));
            assertThat(node.value("a")).isEqualTo("1");
            assertThat(node.value("x")).isEqualTo("2");
            assertThat(node.metrics.counter("kv.raftstore.replica.failures").count())
                    .isZero();
        }
    }

    /** What is left if every process dies between the prepare entry and the commit. */
    @Test
    void aPreparedMergeIsCommittedAfterEveryStoreHasCrashed() {
        stores.mergePatience = PATIENCE;
        threeNodes(id -> merging(id, false));
        nodes.forEach(node -> node.plant("a", "1"));

        nodes.forEach(Node::start);

        awaitMerged();
        for (Node node : nodes) {
            assertThat(node.value("a")).isEqualTo("1");
            assertThat(node.state(LEFT).isMerged()).isTrue();
        }
    }

    /** A replica that has not spoken may lack the source's last entries: its store could not take the range over. */
    @Test
    void r1_nothingIsCommittedBeforeEveryReplicaIsPrepared() {
        threeNodes(id -> merging(id, false));
        nodes.get(0).start();
        nodes.get(1).start();

        // The target decides against it when its patience is over, and the source goes on under its next version.
        await().atMost(PATIENCE).untilAsserted(() -> {
            assertThat(stores.leaderOf(RIGHT).state(RIGHT).region()).isEqualTo(RegionMerge.renewed(RIGHT));
            assertThat(stores.leaderOf(LEFT).state(LEFT).region()).isEqualTo(RegionMerge.renewed(PREPARED));
        });
        stores.write(LEFT, "a", "1");

        // The third, when it comes, has slept through all of it and agrees.
        nodes.get(2).start();
        await().atMost(PATIENCE).untilAsserted(() -> {
            assertThat(nodes.get(2).state(LEFT)).isEqualTo(normal(RegionMerge.renewed(PREPARED), 3));
            assertThat(nodes.get(2).value("a")).isEqualTo("1");
        });
    }

    @Test
    void aTargetThatGoesOnHasDecidedAgainstTheMerge() {
        threeNodes(id -> merging(id, false));
        // The third is away, so the merge waits; the target is split meanwhile.
        nodes.get(0).start();
        nodes.get(1).start();
        RegionPeer target = stores.leaderOf(RIGHT).peer(RIGHT);
        RegionSplit split = new RegionSplit(List.of(new RegionSplit.Piece(key("s"), 7, List.of(71L, 72L, 73L))));

        target.split(RIGHT, split).join();

        await().atMost(PATIENCE)
                .untilAsserted(
                        () -> assertThat(stores.leaderOf(LEFT).state(LEFT).region())
                                .isEqualTo(RegionMerge.renewed(PREPARED)));
        nodes.get(2).start();
        stores.write(LEFT, "a", "1");
        await().atMost(PATIENCE).untilAsserted(() -> {
            for (Node node : nodes) {
                assertThat(node.state(LEFT).isMerging()).isFalse();
                assertThat(node.value("a")).isEqualTo("1");
            }
        });
    }

    @Test
    void whoeverIsPreparedAfterTheTargetHasGoneOnIsCalledOff() {
        Region ahead = RegionMerge.renewed(RIGHT);
        for (long id = 1; id <= 3; id++) {
            stores.node(id).with(normal(LEFT, id), normal(ahead, id)).start();
        }
        RegionPeer source = stores.leaderOf(LEFT).peer(LEFT);

        // As it would come out of a log that this store applies late.
        source.group()
                .propose(new RaftCommand.PrepareMerge(LEFT.getRegionEpoch(), RIGHT).encode())
                .join();

        await().atMost(PATIENCE).untilAsserted(() -> {
            for (Node node : nodes) {
                assertThat(node.state(LEFT)).isEqualTo(normal(RegionMerge.renewed(PREPARED), node.id));
            }
        });
    }

    @Test
    void nothingIsReadOrWrittenWhileTheTargetDecides() {
        threeNodes(id -> merging(id, false));
        nodes.get(0).start();
        nodes.get(1).start();
        RegionPeer source = stores.leaderOf(LEFT).peer(LEFT);
        KvContext ctx = context(source);

        assertThatThrownBy(() -> write(source, "a", "1")).hasCauseInstanceOf(NotReadyException.class);
        assertThatThrownBy(
                        () -> source.snapshot(ctx).thenAccept(KvSnapshot::close).join())
                .hasCauseInstanceOf(NotReadyException.class);
        assertThatThrownBy(() -> source.split(
                                PREPARED,
                                new RegionSplit(List.of(new RegionSplit.Piece(key("c"), 7, List.of(71L, 72L, 73L)))))
                        .join())
                .satisfiesAnyOf(
                        e -> assertThat(e).hasCauseInstanceOf(NotReadyException.class),
                        e -> assertThat(e).hasCauseInstanceOf(RegionException.class));
        assertThatThrownBy(() -> source.changePeer(new PeerChange(
                                PeerChange.Kind.REMOVE,
                                Peer.newBuilder().setId(53).setStoreId(3).build()))
                        .join())
                .isInstanceOf(CompletionException.class);
        assertThat(nodes.get(0).value("a")).isNull();
    }

    /** R5: the crash comes when the target has the range and the source's log is still there. */
    @Test
    void aMergedRegionsLogIsDeletedAfterACrashAndItsDataStays() {
        for (long id = 1; id <= 3; id++) {
            Node node = stores.node(id).with(merging(id, false).with(RegionState.Status.MERGED), normal(MERGED, id));
            node.plant("a", "1");
            node.start();
        }

        awaitMerged();
        stores.write(RIGHT, "b", "2");
        for (Node node : nodes) {
            assertThat(node.value("a")).isEqualTo("1");
        }
    }

    /** Invariant of the commit: the source is here and prepared. If not, the replica stops rather than serve a hole. */
    @Test
    void r1_aCommitWithoutItsSourcePoisonsAndChangesNothing() {
        Region alone = RegionMergeTest.region(6, "m", "", 3, 3, 1);
        Region source = RegionMergeTest.region(5, "", "m", 4, 4, 1);
        Node node = stores.node(1)
                .with(
                        RegionState.normal(51, RegionMergeTest.region(5, "", "m", 3, 3, 1)),
                        RegionState.normal(61, alone))
                .start();
        RegionPeer target = stores.leaderOf(alone).peer(alone);

        assertThatThrownBy(() -> target.group()
                        .propose(new RaftCommand.CommitMerge(alone.getRegionEpoch(), 9, source).encode())
                        .join())
                .isInstanceOf(CompletionException.class);

        assertThat(node.state(alone).region()).isEqualTo(alone);
        assertThat(node.state(source).status()).isEqualTo(RegionState.Status.NORMAL);
        await().atMost(PATIENCE)
                .until(() ->
                        node.metrics.counter("kv.raftstore.replica.failures").count() == 1);
    }

    // ---- a store that slept

    /** An image of the target from behind the merge, as a leader would send it. */
    private Path imageOf(Region region, String key, String value) throws IOException {
        Path image = Files.createDirectories(dir.resolve("image"));
        try (RocksEngine other = RocksEngine.open(dir.resolve("other"), RocksOptions.withMemory(16 << 20))) {
            RegionStateStore states = new RegionStateStore(other);
            states.put(RegionState.normal(61, region), 50);
            other.write(new WriteBatch().put(Cf.RAW, key(key), value.getBytes(StandardCharsets.UTF_8)), true);
            ApplyStateMachine machine = new ApplyStateMachine(
                    region.getId(),
                    new Replica(1, 61),
                    other,
                    states,
                    new RegionImages(other, states, dir.resolve("other-images"), (replica, next, claim) -> {}),
                    new FreeRanges(),
                    NoLocks.applied(),
                    RegionState.normal(61, region));
            machine.writeImage(image);
            machine.close();
        }
        return image;
    }

    @Test
    void r6_anImageOfTheTargetWaitsUntilItIsKnownThatTheSourceWasMerged() throws IOException {
        Node sleeper = stores.node(3).with(merging(3, false), normal(RIGHT, 3));
        sleeper.plant("a", "old");
        sleeper.start();
        Path image = imageOf(MERGED, "b", "new");
        RegionPeer target = sleeper.peer(RIGHT);
        RegionPeer source = sleeper.peer(LEFT);

        assertThatThrownBy(() -> target.stateMachine().installImage(image)).hasMessageContaining("overlaps region 5");
        assertThat(sleeper.value("a")).isEqualTo("old");
        // The target's own log here may still hold the commit, and then needs the data: nothing is deleted yet.
        source.onDissolved();
        assertThat(sleeper.state(LEFT).status()).isEqualTo(RegionState.Status.NORMAL);

        target.stateMachine().installImage(image);

        assertThat(sleeper.state(RIGHT)).isEqualTo(normal(MERGED, 3));
        assertThat(sleeper.value("a")).as("the image is all there is").isNull();
        assertThat(sleeper.value("b")).isEqualTo("new");
        await().atMost(PATIENCE).until(() -> sleeper.state(LEFT).status() == RegionState.Status.TOMBSTONE);
        assertThat(sleeper.state(LEFT).isMerged()).isTrue();
    }

    /** The target was split since: its image covers a part of what the source had, and another Region has the rest. */
    @Test
    void r5_anImageOfAPartLeavesNothingOfTheRest() throws IOException {
        Node sleeper = stores.node(3).with(merging(3, false), normal(RIGHT, 3));
        sleeper.plant("a", "old");
        sleeper.plant("k", "old");
        sleeper.start();
        Region rest = MERGED.toBuilder()
                .setStartKey(key("g").toByteString())
                .setRegionEpoch(RegionMerge.renewed(MERGED).getRegionEpoch())
                .build();
        sleeper.peer(LEFT).onDissolved();

        sleeper.peer(RIGHT).stateMachine().installImage(imageOf(rest, "k", "new"));

        assertThat(sleeper.value("a")).isNull();
        assertThat(sleeper.value("k")).isEqualTo("new");
    }

    /** R3, R5: whoever was let go before the merge and never told learns of it from any store that knows. */
    @Test
    void aReplicaThatSleptThroughTheEndOfItsRegionIsToldAndGoes() {
        for (long id = 1; id <= 2; id++) {
            stores.node(id)
                    .with(merging(id, false).with(RegionState.Status.TOMBSTONE), normal(MERGED, id))
                    .start();
        }
        Node sleeper = stores.node(3).with(normal(LEFT, 3));
        sleeper.plant("a", "old");
        sleeper.start();

        await().atMost(PATIENCE).until(() -> sleeper.state(LEFT).status() == RegionState.Status.TOMBSTONE);
        await().atMost(PATIENCE).until(() -> sleeper.value("a") == null);
        assertThat(sleeper.state(LEFT).isMerged()).as("only who saw it says so").isFalse();
    }

    /** A tombstone of one replica says nothing about the Region. */
    @Test
    void aReplicaThatOnlyLostItsNeighboursStays() {
        for (long id = 1; id <= 2; id++) {
            stores.node(id)
                    .with(normal(LEFT, id).with(RegionState.Status.TOMBSTONE))
                    .start();
        }
        Node sleeper = stores.node(3).with(normal(LEFT, 3)).start();

        await().atMost(PATIENCE).until(() -> asked(nodes.get(0)) + asked(nodes.get(1)) > 4);

        assertThat(sleeper.state(LEFT).status()).isEqualTo(RegionState.Status.NORMAL);
    }

    private static double asked(Node node) {
        return node.metrics.counter("kv.raft.unknown.replicas").count();
    }

    /**
     * R3: of a replica that still waited for its first image only log and vote outlive a restart. A newer one of the same Region takes
     * their place, and an older one never comes back.
     */
    @Test
    void r3_aNewReplicaReplacesOneThatNeverGotItsImage() {
        Region region = RegionMergeTest.region(5, "", "m", 3, 3, 1).toBuilder()
                .addPeers(Peer.newBuilder().setId(52).setStoreId(2).setRole(PeerRole.Learner))
                .build();
        Node leads = stores.node(1).with(RegionState.normal(51, region)).start();
        // Another Region in the way keeps the image out.
        Node waits = stores.node(2).with(RegionState.normal(72, RegionMergeTest.region(7, "", "z", 9, 9, 2)));
        waits.start();
        await().atMost(PATIENCE).until(() -> peerOf(waits) == 52);
        waits.stop();
        RegionPeer leader = stores.leaderOf(region).peer(region);
        leader.changePeer(new PeerChange(PeerChange.Kind.REMOVE, region.getPeers(1)))
                .join();
        Peer next = Peer.newBuilder().setId(92).setStoreId(2).build();
        await().atMost(PATIENCE).ignoreExceptions().until(() -> {
            leader.changePeer(new PeerChange(PeerChange.Kind.ADD_LEARNER, next)).join();
            return true;
        });

        waits.start();

        await().atMost(PATIENCE)
                .until(() -> peerOf(waits) == 92 && waits.store().isReady());
        assertThat(leads.leads(region)).isTrue();
    }

    /**
     * Several may find out at once that a replica is to go: PD's answer, a leader's message, the Region's end. One that never got its image has
     * no range, and what has no border on either side is all that there is.
     */
    @Test
    void r5_aReplicaThatNeverGotItsImageTakesNothingWithItHoweverOftenItIsTakenDown() {
        Region region = RegionMergeTest.region(5, "", "m", 3, 3, 1).toBuilder()
                .addPeers(Peer.newBuilder().setId(52).setStoreId(2).setRole(PeerRole.Learner))
                .build();
        stores.node(1).with(RegionState.normal(51, region)).start();
        Node waits = stores.node(2).with(RegionState.normal(72, RegionMergeTest.region(7, "", "z", 9, 9, 2)));
        waits.plant("k", "of another region");
        waits.start();
        for (int round = 0; round < 5; round++) {
            await().atMost(PATIENCE).until(() -> peerOf(waits) >= 52);
            RegionPeer empty = waits.store().replicas().stream()
                    .filter(peer -> peer.regionId() == 5)
                    .findFirst()
                    .orElseThrow();

            for (int times = 0; times < 8; times++) {
                waits.store().retire(empty);
            }

            await().atMost(PATIENCE)
                    .until(() -> waits.store().replicas().stream().noneMatch(peer -> peer == empty));
            assertThat(waits.value("k")).isEqualTo("of another region");
            // A new incarnation, for the next round.
            Peer next = Peer.newBuilder().setId(60 + round).setStoreId(2).build();
            RegionPeer leader = stores.leaderOf(region).peer(region);
            await().atMost(PATIENCE).ignoreExceptions().until(() -> {
                Peer gone = leader.region().getPeersList().stream()
                        .filter(peer -> peer.getStoreId() == 2)
                        .findFirst()
                        .orElse(null);
                if (gone != null) {
                    leader.changePeer(new PeerChange(PeerChange.Kind.REMOVE, gone))
                            .join();
                }
                leader.changePeer(new PeerChange(PeerChange.Kind.ADD_LEARNER, next))
                        .join();
                return true;
            });
            await().atMost(PATIENCE).until(() -> peerOf(waits) == next.getId());
        }
        waits.stop();
        waits.start();
        assertThat(waits.value("k")).isEqualTo("of another region");
    }

    private static long peerOf(Node node) {
        return node.store().replicas().stream()
                .filter(peer -> peer.regionId() == 5)
                .mapToLong(RegionPeer::peerId)
                .findFirst()
                .orElse(0);
    }
}
