package io.rutile.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.gson.JsonObject;
import io.rutile.cli.cluster.ApiVersion;
import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.cluster.ClusterLayout;
import io.rutile.cli.cluster.ServiceProcess;
import io.rutile.cli.fault.RegionSplits;
import io.rutile.cli.placement.PdHttp;
import io.rutile.cli.placement.RegionView;
import io.rutile.cli.placement.StoreView;
import io.rutile.client.RutileClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What becomes of a store in the course of its life, as real processes under load: it is emptied for good; it moves to another address
 * with its data; it loses its disk. No call fails in the first two, no acknowledged write is lost in any (R3, R8).
 *
 * <p>Takes a minute or more, so it is run by hand: {@code ./mvnw verify -pl kv-cli -Dit.test=StoreLifeRun} after a full build.
 * docs/operations/placement.md has what it has shown.
 */
@Tag("cluster")
class StoreLifeRun {

    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final long SEED = Long.getLong("seed", System.nanoTime());
    private static final String PREFIX = "store-life/";
    private static final int WRITES = 200;

    @TempDir
    Path scratch;

    private TestHouse house;
    private RutileClient client;
    private PdHttp pd;

    @BeforeEach
    void up() throws Exception {
        System.err.println("seed " + SEED);
        ClusterLayout layout =
                new ClusterLayout(scratch.resolve("data"), 1, 4, TestHouse.freeBasePort(), ApiVersion.V1);
        house = TestHouse.start(layout);
        client = house.client();
        pd = new PdHttp(layout.pdEndpoints(), Duration.ofSeconds(10));
        RegionSplits splits = new RegionSplits(client.pd());
        for (int i = 1; i < 4; i++) {
            assertThat(splits.split(PREFIX + i)).isTrue();
        }
        awaitWhole();
    }

    @AfterEach
    void down() {
        if (client != null) {
            client.close();
        }
        if (house != null) {
            house.close();
        }
    }

    private List<RegionView> regions() {
        return RegionView.list(pd.object("/regions"));
    }

    private List<StoreView> stores() {
        return StoreView.list(pd.object("/stores?state=Up&state=Offline&state=Tombstone"));
    }

    private StoreView storeAt(ServiceProcess node) {
        int port = node.spec().port("grpc");
        return stores().stream()
                .filter(store -> store.address().endsWith(":" + port)
                        && !store.state().equals("Tombstone")
                        && !store.state().equals("Offline"))
                .findFirst()
                .orElseThrow(() -> new ClusterException("no store at port " + port + " in " + stores()));
    }

    private StoreView store(long id) {
        return stores().stream().filter(store -> store.id() == id).findFirst().orElseThrow();
    }

    private ServiceProcess node(int number) {
        return house.cluster().process("node-" + number);
    }

    /** Every Region has three replicas, a leader and no trouble. */
    private void awaitWhole() {
        await().atMost(PATIENCE)
                .ignoreExceptions()
                .until(() -> regions().stream()
                        .allMatch(region ->
                                region.stores().size() == 3 && region.troubles().isEmpty()));
    }

    private void awaitGone(long storeId) {
        await().atMost(PATIENCE)
                .ignoreExceptions()
                .until(() -> store(storeId).state().equals("Tombstone")
                        && regions().stream()
                                .noneMatch(region -> region.stores().contains(storeId)));
    }

    private static void awaitMore(WriteLoad load) {
        int soFar = load.acknowledgedCount();
        await().atMost(PATIENCE).until(() -> load.acknowledgedCount() >= soFar + WRITES);
    }

    private static void delete(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    @Test
    void aStoreIsEmptiedAnotherMovesAndAThirdLosesItsDisk() throws Exception {
        Path data = house.cluster().layout().dataDir();
        WriteLoad load = new WriteLoad(client.raw(), PREFIX, 2, SEED).start();
        try (load) {
            awaitMore(load);

            // Emptied: leaders and replicas leave, and nobody notices.
            StoreView drained = storeAt(node(4));
            CommandRun drain = CommandRun.run(
                    scratch,
                    "drain",
                    Long.toString(drained.id()),
                    "--within",
                    "120",
                    "--target",
                    String.join(",", house.cluster().layout().pdEndpoints()));
            assertThat(drain.exitCode()).isZero();
            assertThat(drain.out().get(0)).contains("is empty and out of the cluster");
            awaitGone(drained.id());
            awaitWhole();
            assertThat(house.cluster().stop(List.of(node(4)), line -> {})).isEmpty();
            awaitMore(load);
            assertThat(load.failures()).as("while a store was emptied").isEmpty();

            // Moved: the same data under another address, which PD and clients have to learn.
            StoreView before = storeAt(node(2));
            assertThat(house.cluster().stop(List.of(node(2)), line -> {})).isEmpty();
            delete(data.resolve("node-4"));
            Files.move(data.resolve("node-2"), data.resolve("node-4"));
            house.cluster().start("node-4");
            house.cluster().awaitReady("node-4", PATIENCE);
            assertThat(storeAt(node(4)).id()).isEqualTo(before.id());
            awaitWhole();
            RegionView region = regions().get(0);
            JsonObject order = new JsonObject();
            order.addProperty("name", "transfer-leader");
            order.addProperty("region_id", region.id());
            order.addProperty("to_store_id", before.id());
            if (region.leaderStore() != before.id()) {
                pd.post("/operators", order);
            }
            await().atMost(PATIENCE)
                    .ignoreExceptions()
                    .until(() -> regions().stream().anyMatch(led -> led.leaderStore() == before.id()));
            awaitMore(load);
            assertThat(load.failures()).as("while a store moved").isEmpty();

            // Without its disk: a new store at an address that PD has to be told is free.
            ServiceProcess wiped = node(3);
            StoreView lost = storeAt(wiped);
            wiped.kill();
            delete(data.resolve("node-3"));
            house.cluster().start("node-3");
            assertThatThrownBy(() -> house.cluster().awaitReady("node-3", PATIENCE))
                    .isInstanceOf(ClusterException.class)
                    .hasMessageContaining("duplicated store address")
                    .hasMessageContaining("store " + lost.id());
            pd.delete("/store/" + lost.id() + "?force=true");
            house.cluster().start("node-3");
            house.cluster().awaitReady("node-3", PATIENCE);
            assertThat(storeAt(wiped).id()).isNotEqualTo(lost.id());
            awaitGone(lost.id());
            awaitWhole();
            awaitMore(load);
        }

        assertThat(load.lost())
                .as("acknowledged writes lost, failures: %s", load.failures())
                .isEmpty();
        assertThat(regions().stream()
                        .flatMap(region -> region.stores().stream())
                        .distinct())
                .hasSize(3);
    }
}
