package io.rutile.node.raftstore;

import static io.rutile.node.raftstore.RaftStores.PATIENCE;
import static io.rutile.node.raftstore.RaftStores.key;
import static io.rutile.node.raftstore.RaftStores.normal;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.rutile.node.raftstore.RaftStores.Node;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** R2: what is not in a Region's log, because it was split off with data or because the log was cut, comes with an image. */
class CutLogTest {

    private static final int LOG_ENTRIES_MAX = 20;
    private static final Region WHOLE = RegionMergeTest.region(5, "", "", 3, 3, 1);

    @TempDir
    Path dir;

    private static String name(int i) {
        return String.format(Locale.ROOT, "k%03d", i);
    }

    private static Region regionOf(Node node, String key) {
        return node.store().replicas().stream()
                .map(RegionPeer::region)
                .filter(region -> RaftStore.rangeOf(region).contains(key(key)))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void replicasThatJoinAfterSplitsAndCutLogsHoldEverything() {
        try (RaftStores stores = new RaftStores(dir, options -> options.withLogMax(LOG_ENTRIES_MAX, 1 << 20))) {
            Node first = stores.node(1).with(normal(WHOLE, 1)).start();
            Node second = stores.node(2).start();
            Node third = stores.node(3).start();
            await().atMost(PATIENCE).until(() -> first.leads(WHOLE));
            List<CompletableFuture<Void>> writes = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                writes.add(first.put(WHOLE, name(i), "v" + i));
            }
            writes.forEach(CompletableFuture::join);
            first.peer(WHOLE)
                    .split(
                            first.peer(WHOLE).region(),
                            new RegionSplit(List.of(
                                    new RegionSplit.Piece(key(name(33)), 6, List.of(61L)),
                                    new RegionSplit.Piece(key(name(66)), 7, List.of(71L)))))
                    .join();
            long splitAt = first.peer(WHOLE).group().appliedIndex();
            await().atMost(PATIENCE).until(() -> first.store().leaders().size() == 3);
            // Every third pair is as it was before the split: in the pieces' logs it never was, in the other it no
            // longer
            // is.
            for (int round = 0; round < 4; round++) {
                for (int i = 0; i < 100; i++) {
                    if (i % 3 != 0) {
                        writes.add(first.put(regionOf(first, name(i)), name(i), "w" + round + "-" + i));
                    }
                }
                writes.forEach(CompletableFuture::join);
            }
            for (RegionPeer peer : first.store().leaders()) {
                await().atMost(PATIENCE).until(() -> {
                    // Cut behind the split, and in every piece behind its first entry.
                    long from = peer.regionId() == 5 ? splitAt : RaftStore.FIRST_INDEX;
                    return peer.group().firstLogIndex() > from + 1;
                });
            }

            for (Node joining : List.of(second, third)) {
                for (RegionPeer peer : first.store().leaders()) {
                    Peer newcomer = Peer.newBuilder()
                            .setId(peer.regionId() * 10 + joining.id)
                            .setStoreId(joining.id)
                            .build();
                    await().atMost(PATIENCE).ignoreExceptions().until(() -> {
                        if (peer.region().getPeersList().stream()
                                .noneMatch(known -> known.getId() == newcomer.getId())) {
                            peer.changePeer(new PeerChange(PeerChange.Kind.ADD_VOTER, newcomer))
                                    .join();
                        }
                        return peer.raftMembers().voters().stream()
                                .anyMatch(voter -> voter.peerId() == newcomer.getId());
                    });
                }
            }
            first.stop();

            for (Node node : List.of(second, third)) {
                await().atMost(PATIENCE).untilAsserted(() -> {
                    for (int i = 0; i < 100; i++) {
                        assertThat(node.value(name(i))).isEqualTo(i % 3 == 0 ? "v" + i : "w3-" + i);
                    }
                });
            }
            for (RegionPeer peer : second.store().replicas()) {
                assertThat(peer.group().firstLogIndex()).isGreaterThan(RaftStore.FIRST_INDEX + 1);
                assertThat(second.metrics
                                .get("kv.raft.images.received")
                                .counter()
                                .count())
                        .isGreaterThanOrEqualTo(3);
                stores.write(
                        peer.region(),
                        peer.regionId() == 6 ? name(1) : peer.regionId() == 7 ? name(40) : name(90),
                        "x");
            }
        }
    }
}
