package io.rutile.cli.bench.stress;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiskWatchTest {

    @Test
    void dataAndTheRestAreToldApartOverAllNodes(@TempDir Path root) throws Exception {
        for (String node : List.of("node-1", "node-2")) {
            Files.createDirectories(root.resolve(node).resolve("db"));
            Files.write(root.resolve(node).resolve("db").resolve("a.sst"), new byte[1_000]);
            Files.createDirectories(root.resolve(node).resolve("raft"));
            Files.write(root.resolve(node).resolve("raft").resolve("b.log"), new byte[30]);
        }

        try (DiskWatch watch = DiskWatch.begin(
                List.of(root.resolve("node-1"), root.resolve("node-2"), root.resolve("none")), Duration.ofMillis(1))) {
            Awaitility.await().until(() -> watch.uses(0).size() > 1);

            assertThat(watch.uses(0)).allMatch(use -> use.dataBytes() == 2_000 && use.logBytes() == 60);
            assertThat(watch.uses(1e9)).isEmpty();
        }
    }
}
