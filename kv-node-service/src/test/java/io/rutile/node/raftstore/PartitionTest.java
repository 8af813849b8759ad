package io.rutile.node.raftstore;

import static io.rutile.node.raftstore.RaftStores.PATIENCE;
import static io.rutile.node.raftstore.RaftStores.normal;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.rutile.node.raftstore.RaftStores.Node;
import io.rutile.protocol.RegionException;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.metapb.Region;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** R7, R8: a network that falls apart, and a Region that loses most of its replicas, as clients see it. */
class PartitionTest {

    /** Four looks in a timeout, two votes, and a busy machine: see docs/rooms/kv-raft.md. */
    private static final Duration ELECTED_AFTER_MAX = RaftStores.ELECTION_TIMEOUT.multipliedBy(20);

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

    private Region start(int count) {
        long[] ids = LongStream.rangeClosed(1, count).toArray();
        Region region = RegionMergeTest.region(5, "", "", 3, 3, ids);
        for (long id : ids) {
            stores.node(id).with(normal(region, id));
        }
        stores.nodes.forEach(Node::start);
        return region;
    }

    /** The region error of a call, null if it succeeded. */
    private static @Nullable Error error(CompletableFuture<?> call) {
        try {
            call.join();
            return null;
        } catch (CompletionException e) {
            assertThat(e.getCause()).as("typed").isInstanceOf(RegionException.class);
            return ((RegionException) e.getCause()).error();
        }
    }

    /** The leader and whoever is cut off with it, fewer than half. */
    @ParameterizedTest
    @ValueSource(ints = {3, 5})
    void r7_aLeaderAmongFewRefusesAndMostGoOn(int count) {
        Region region = start(count);
        for (int i = 0; i < 20; i++) {
            stores.write(region, "before" + i, "v" + i);
        }
        Node old = stores.leaderOf(region);
        Set<Long> few = new HashSet<>(Set.of(old.id));
        stores.nodes.stream()
                .filter(node -> node != old)
                .limit((count - 1) / 2 - 1)
                .forEach(node -> few.add(node.id));
        List<Node> most =
                stores.nodes.stream().filter(node -> !few.contains(node.id)).toList();

        long cutNanos = System.nanoTime();
        stores.network.cutOff(few);
        List<CompletableFuture<Void>> lost = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            lost.add(old.put(region, "lost" + i, "v" + i));
        }

        // Most go on. From the moment that somebody else may have written, the old one serves no read.
        await().atMost(PATIENCE)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(5))
                .until(() -> most.stream().anyMatch(node -> node.leads(region)));
        Duration elected = Duration.ofNanos(System.nanoTime() - cutNanos);
        assertThat(old.peer(region).group().holdsLease()).isFalse();
        Error read = error(old.read(region));
        assertThat(read).isNotNull();
        assertThat(read.hasNotLeader()).as(read.toString()).isTrue();
        assertThat(elected).isLessThan(ELECTED_AFTER_MAX);
        Node next = most.stream().filter(node -> node.leads(region)).findFirst().orElseThrow();
        for (int i = 0; i < 20; i++) {
            assertThat(error(next.put(region, "after" + i, "v" + i))).isNull();
        }
        // What was on its way is not known to have failed; what comes now is refused at once.
        for (CompletableFuture<Void> write : lost) {
            Error error = error(write);
            assertThat(error).isNotNull();
            assertThat(error.hasUndeterminedResult() || error.hasStaleCommand())
                    .as(error.toString())
                    .isTrue();
        }
        Error refused = error(old.put(region, "refused", "v"));
        assertThat(refused).isNotNull();
        assertThat(refused.hasNotLeader()).as(refused.toString()).isTrue();
        assertThat(refused.getNotLeader().hasLeader()).isFalse();

        stores.network.heal();

        stores.write(region, "healed", "v");
        for (Node node : stores.nodes) {
            await().atMost(PATIENCE).until(() -> "v".equals(node.value("healed")));
            for (int i = 0; i < 20; i++) {
                assertThat(node.value("before" + i)).isEqualTo("v" + i);
                assertThat(node.value("after" + i)).isEqualTo("v" + i);
            }
            for (int i = 0; i < 10; i++) {
                assertThat(node.value("lost" + i))
                        .as("never acknowledged, on store %d", node.id)
                        .isNull();
            }
            assertThat(node.value("refused")).isNull();
            assertThat(node.store().deadRegions()).isEmpty();
        }
    }

    @Test
    void r8_aRegionWithoutMostOfItsReplicasRefusesUntilOneComesBack() {
        Region region = start(3);
        for (int i = 0; i < 20; i++) {
            stores.write(region, "k" + i, "v" + i);
        }
        Node last = stores.leaderOf(region);
        List<Node> gone = stores.nodes.stream().filter(node -> node != last).toList();

        gone.forEach(Node::stop);

        await().atMost(PATIENCE).until(() -> !last.leads(region));
        Error write = error(last.put(region, "refused", "v"));
        Error read = error(last.read(region));
        for (Error error : new @Nullable Error[] {write, read}) {
            assertThat(error).isNotNull();
            assertThat(error.hasNotLeader()).as(error.toString()).isTrue();
            assertThat(error.getNotLeader().hasLeader()).isFalse();
            assertThat(error.getNotLeader().getRegionId()).isEqualTo(5);
        }
        // It waits, and is not dead: one more is enough.
        assertThat(last.store().deadRegions()).isEmpty();

        gone.get(0).start();

        stores.write(region, "again", "v");
        gone.get(1).start();
        for (Node node : stores.nodes) {
            await().atMost(PATIENCE).until(() -> "v".equals(node.value("again")));
            assertThat(LongStream.range(0, 20)
                            .mapToObj(i -> node.value("k" + i))
                            .collect(Collectors.toList()))
                    .isEqualTo(LongStream.range(0, 20).mapToObj(i -> "v" + i).toList());
            assertThat(node.value("refused")).isNull();
        }
    }
}
