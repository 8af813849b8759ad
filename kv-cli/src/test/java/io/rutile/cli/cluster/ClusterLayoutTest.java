package io.rutile.cli.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClusterLayoutTest {

    @TempDir
    Path dir;

    @Test
    void wellKnownPortsUnlessABasePortIsGiven() {
        ClusterLayout standard = ClusterLayout.standard(dir);

        assertThat(standard.services().stream().map(ServiceSpec::name))
                .containsExactly("pd-1", "node-1", "node-2", "node-3", "gateway");
        assertThat(standard.pdEndpoints()).containsExactly("127.0.0.1:2379");
        assertThat(standard.gatewayUrl()).isEqualTo("http://127.0.0.1:8080");
        assertThat(ports(standard))
                .containsExactly(
                        2379, 2380, 2381, 20160, 20260, 20360, 20161, 20261, 20361, 20162, 20262, 20362, 8080, 8081,
                        8082);
    }

    @Test
    void everyPortFollowsFromTheBasePort() {
        ClusterLayout layout = new ClusterLayout(dir, 3, 2, 30_000, ApiVersion.V1TTL);

        assertThat(layout.pdEndpoints()).containsExactly("127.0.0.1:30000", "127.0.0.1:30010", "127.0.0.1:30020");
        assertThat(ports(layout))
                .containsExactly(
                        30000, 30001, 30002, 30010, 30011, 30012, 30020, 30021, 30022, 30100, 30200, 30300, 30101,
                        30201, 30301, 30400, 30401, 30402);
        assertThat(layout.services().get(1).settings())
                .contains(
                        "--rutile.pd.initial-cluster=pd-1=127.0.0.1:30001,pd-2=127.0.0.1:30011,pd-3=127.0.0.1:30021",
                        "--rutile.pd.name=pd-2");
        assertThat(layout.services().get(3).settings()).contains("--rutile.node.api-version=V1TTL");
    }

    @Test
    void noTwoProcessesShareAPortInTheLargestCluster() {
        assertThat(ports(new ClusterLayout(dir, 7, ClusterLayout.NODES_MAX, null, ApiVersion.V1)))
                .doesNotHaveDuplicates();
        assertThat(ports(new ClusterLayout(dir, 7, ClusterLayout.NODES_MAX, 1, ApiVersion.V1)))
                .doesNotHaveDuplicates();
    }

    @Test
    void refusesWhatCannotBe() {
        assertThatThrownBy(() -> new ClusterLayout(dir, 2, 3, null, ApiVersion.V1))
                .hasMessageContaining("--pd is 2");
        assertThatThrownBy(() -> new ClusterLayout(dir, 1, 0, null, ApiVersion.V1))
                .hasMessageContaining("--nodes is 0");
        assertThatThrownBy(() -> new ClusterLayout(dir, 1, 65, null, ApiVersion.V1))
                .hasMessageContaining("--nodes is 65");
        assertThatThrownBy(() -> new ClusterLayout(dir, 1, 3, 65_134, ApiVersion.V1))
                .hasMessageContaining("--base-port");
        assertThatThrownBy(() -> new ClusterLayout(dir, 1, 3, 0, ApiVersion.V1)).hasMessageContaining("--base-port");
        assertThat(ports(new ClusterLayout(dir, 7, 64, 65_133, ApiVersion.V1))).allMatch(port -> port < 65_536);
    }

    @Test
    void isRememberedByItsDirectory() throws IOException {
        assertThat(ClusterLayout.read(dir)).isEmpty();
        ClusterLayout layout = new ClusterLayout(dir, 3, 5, 30_000, ApiVersion.V1TTL);

        layout.write();

        assertThat(ClusterLayout.read(dir)).hasValue(layout);
        ClusterLayout split = layout.withNodeProperties(Map.of("rutile.node.split.size", "2MB"));
        split.write();
        assertThat(ClusterLayout.read(dir)).hasValue(split);
        ClusterLayout.standard(dir).write();
        assertThat(ClusterLayout.read(dir)).hasValue(ClusterLayout.standard(dir));
    }

    @Test
    void everyNodeAndNobodyElseGetsTheNodesProperties() {
        ClusterLayout layout = ClusterLayout.standard(dir)
                .withNodeProperties(Map.of("rutile.node.split.size", "2MB", "rutile.node.split.interval", "1s"));

        assertThat(layout.services())
                .allSatisfy(service -> assertThat(service.settings().contains("--rutile.node.split.size=2MB")
                                && service.settings().contains("--rutile.node.split.interval=1s"))
                        .as(service.name())
                        .isEqualTo(service.role() == Role.NODE));
    }

    /** Said once: Spring would read two as a list. */
    @Test
    void nodesShareAMachineUnlessSomebodySaysWhatTheyMayTake() {
        ClusterLayout shared = ClusterLayout.standard(dir);
        ClusterLayout chosen = shared.withNodeProperties(Map.of("rutile.node.cache-size", "1GB"));

        assertThat(shared.services().get(1).settings())
                .filteredOn(setting -> setting.contains("cache-size"))
                .containsExactly("--rutile.node.cache-size=384MB");
        assertThat(chosen.services().get(1).settings())
                .filteredOn(setting -> setting.contains("cache-size"))
                .containsExactly("--rutile.node.cache-size=1GB");
    }

    @Test
    void aNodesPropertyIsChangedOrForgotten() {
        ClusterLayout layout = ClusterLayout.standard(dir)
                .withNodeProperties(Map.of("rutile.node.split.size", "2MB", "rutile.node.split.keys", "9000"))
                .withNodeProperties(Map.of("rutile.node.split.size", "4MB", "rutile.node.split.keys", ""));

        assertThat(layout.nodeProperties()).isEqualTo(Map.of("rutile.node.split.size", "4MB"));
    }

    @Test
    void refusesPropertiesThatCannotBe() {
        ClusterLayout standard = ClusterLayout.standard(dir);

        assertThatThrownBy(() -> standard.withNodeProperties(Map.of("rutile.node.data-dir", "/tmp"))
                        .services())
                .isInstanceOf(ClusterException.class)
                .hasMessageContaining("--node-property rutile.node.data-dir follows from the layout");
        assertThatThrownBy(() -> standard.withNodeProperties(Map.of("-Dx y", "1")))
                .isInstanceOf(ClusterException.class)
                .hasMessageContaining("is no name of a property");
    }

    @Test
    void aSpoiledMemoryIsOneSentence() throws IOException {
        Files.writeString(dir.resolve("cluster.properties"), "pd=many");

        assertThatThrownBy(() -> ClusterLayout.read(dir))
                .isInstanceOf(ClusterException.class)
                .hasMessageContaining("does not describe a cluster");
    }

    private static List<Integer> ports(ClusterLayout layout) {
        return layout.services().stream()
                .flatMap(service -> service.ports().values().stream())
                .toList();
    }
}
