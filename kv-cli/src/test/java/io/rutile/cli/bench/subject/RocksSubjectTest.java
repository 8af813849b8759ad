package io.rutile.cli.bench.subject;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.cli.bench.load.BenchFailure;
import io.rutile.cli.bench.load.Dataset;
import io.rutile.cli.bench.load.Figures;
import io.rutile.cli.bench.load.KeySpace;
import io.rutile.cli.bench.load.Load;
import io.rutile.cli.bench.load.Workload;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RocksSubjectTest {

    private static final KeySpace KEYS = new KeySpace("r-", 500, 64, 7);

    @Test
    void everyWorkloadThatSuitsItRunsWithoutErrors(@TempDir Path dir) throws Exception {
        try (RocksSubject floor = new RocksSubject(dir, false)) {
            List<Workload> suitable = Arrays.stream(Workload.values())
                    .filter(workload -> floor.actions().containsAll(workload.actions()))
                    .toList();
            floor.load(KEYS, floor.actions());
            Dataset data = Dataset.loaded(KEYS);
            for (Workload workload : suitable) {
                Figures figures =
                        Figures.measure(floor, Load.closed(workload, 2), data, Duration.ZERO, Duration.ofMillis(50), 1);

                assertThat(figures.errors()).as(workload.label()).isEmpty();
                assertThat(figures.operations()).isPositive();
                assertThat(figures.p50Ms()).isPositive().isLessThanOrEqualTo(figures.p999Ms());
            }
            assertThat(suitable).contains(Workload.GET, Workload.TXN8, Workload.YCSB_A, Workload.YCSB_E);
        }
    }

    @Test
    void withFsyncItReadsToo(@TempDir Path dir) throws Exception {
        try (RocksSubject floor = new RocksSubject(dir, true)) {
            floor.load(KEYS, floor.actions());

            floor.read(KEYS.key(0));
            assertThat(floor.scan(KEYS.prefix(), 1_000)).isEqualTo(500);
            assertThatThrownBy(() -> floor.read("r-nothing")).isInstanceOf(BenchFailure.class);
        }
    }
}
