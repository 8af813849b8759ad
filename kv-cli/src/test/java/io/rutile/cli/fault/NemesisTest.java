package io.rutile.cli.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.rutile.cli.cluster.ApiVersion;
import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.cluster.ClusterLayout;
import io.rutile.cli.cluster.FakeHome;
import io.rutile.cli.cluster.JavaRuntime;
import io.rutile.cli.cluster.LocalCluster;
import io.rutile.cli.cluster.ProcessStatus;
import io.rutile.cli.cluster.RutileHome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Harm and healing, with services that do nothing. */
class NemesisTest {

    private static final Duration TIMEOUT = Duration.ofSeconds(60);

    private static final List<String> KEYS = List.of("a", "b", "c");

    private static final long SEED = Long.getLong("seed", 1);

    @TempDir
    static Path homeDir;

    private static RutileHome home;

    @TempDir
    Path dataDir;

    private final Queue<String> log = new ConcurrentLinkedQueue<>();
    private LocalCluster cluster;

    @BeforeAll
    static void packFakeServices() throws IOException {
        home = FakeHome.pack(homeDir);
    }

    @BeforeEach
    void startCluster() {
        ClusterLayout layout = new ClusterLayout(dataDir, 1, 2, FakeHome.freeBasePort(), ApiVersion.V1);
        cluster = new LocalCluster(layout, JavaRuntime.current(), home, List.of());
        cluster.start();
        cluster.processes().forEach(process -> cluster.awaitReady(process.name(), TIMEOUT));
    }

    @AfterEach
    void stopWhateverIsLeft() {
        cluster.kill();
    }

    /** What can't be had is the last of them. */
    private boolean split(String key) {
        return !key.equals("c");
    }

    private static Harm harm(List<String> keys) {
        return Harm.withoutOrders(keys, SEED);
    }

    @Test
    void doesHarmAndHealsAllOfIt() {
        Nemesis nemesis = Nemesis.start(
                cluster, () -> Optional.of("node-2"), this::split, RegionOrders.NONE, harm(KEYS), log::add);
        await().atMost(TIMEOUT).until(() -> log.stream().anyMatch(line -> line.contains("node-2 (leader)")));

        nemesis.close();

        assertThat(cluster.status()).allMatch(process -> process.state() == ProcessStatus.State.READY);
        assertThat(log).last().asString().contains("all processes serve");
        assertThat(nemesis.done()).isNotEmpty();
    }

    @ParameterizedTest
    @CsvSource({"a, '  split in front of a', 1", "c, '  no split in front of c', 0"})
    void aSplitIsCountedIfItCouldBeHad(String key, String said, int counted) {
        Nemesis nemesis =
                Nemesis.start(cluster, Optional::empty, this::split, RegionOrders.NONE, harm(List.of(key)), log::add);
        await().atMost(TIMEOUT).until(() -> !log.isEmpty());

        nemesis.close();

        assertThat(log.poll()).endsWith(said);
        assertThat(nemesis.done().getOrDefault(Fault.SPLIT, 0)).isEqualTo(counted);
    }

    /** Orders are given for the Region of a key and not waited for; those that PD does not take are not counted. */
    @Test
    void ordersThatAreTakenAreCounted() {
        Set<Fault> ordered = Set.of(Fault.TRANSFER, Fault.MOVE, Fault.MERGE);
        Nemesis nemesis = Nemesis.start(
                cluster,
                Optional::empty,
                this::split,
                (fault, key, draw) -> {
                    assertThat(KEYS).contains(key);
                    return fault != Fault.MERGE;
                },
                new Harm(ordered, KEYS, 0, SEED),
                log::add);
        await().atMost(TIMEOUT)
                .until(() -> log.stream().anyMatch(line -> line.contains("  transfer of the region of"))
                        && log.stream().anyMatch(line -> line.contains("  move of the region of"))
                        && log.stream().anyMatch(line -> line.contains("  no merge of the region of")));

        nemesis.close();

        assertThat(nemesis.done()).containsOnlyKeys(Fault.TRANSFER, Fault.MOVE);
        assertThat(nemesis.blackouts()).isEmpty();
    }

    @Test
    void closingInTheMiddleOfAFaultHealsItAtOnce() {
        Nemesis nemesis = Nemesis.start(cluster, Optional::empty, this::split, RegionOrders.NONE, harm(KEYS), log::add);
        await().atMost(TIMEOUT).until(() -> !nemesis.now().equals("calm"));

        nemesis.close();

        assertThat(cluster.status()).allMatch(process -> process.state() == ProcessStatus.State.READY);
    }

    @Test
    void aChangeOfLeaderIsSeen() {
        Queue<String> leaders = new ConcurrentLinkedQueue<>(List.of("node-1", "node-1", "node-2"));
        Nemesis nemesis = Nemesis.start(
                cluster,
                () -> Optional.ofNullable(leaders.poll()),
                this::split,
                RegionOrders.NONE,
                harm(KEYS),
                log::add);
        await().atMost(TIMEOUT).until(leaders::isEmpty);

        nemesis.close();

        assertThat(nemesis.leaderChanges()).isEqualTo(1);
    }

    @Test
    void aProcessThatDoesNotComeBackIsTold() throws IOException {
        Files.writeString(dataDir.resolve("node-1.fails"), "");
        cluster.process("node-1").kill();
        Nemesis nemesis = Nemesis.start(cluster, Optional::empty, this::split, RegionOrders.NONE, harm(KEYS), log::add);

        assertThatThrownBy(nemesis::close)
                .isInstanceOf(ClusterException.class)
                .hasMessageContaining("node-1 was told to fail");
    }

    @Test
    void abandonedItHealsNothing() {
        Nemesis nemesis = Nemesis.start(cluster, Optional::empty, this::split, RegionOrders.NONE, harm(KEYS), log::add);
        await().atMost(TIMEOUT).until(() -> !nemesis.now().equals("calm"));

        nemesis.abandon();

        assertThat(log).noneMatch(line -> line.contains("back") || line.contains("all processes serve"));
    }
}
