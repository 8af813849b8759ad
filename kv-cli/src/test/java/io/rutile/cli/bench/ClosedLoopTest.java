package io.rutile.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClosedLoopTest {

    private static final KeySpace KEYS = new KeySpace(500, 64, 7);

    @Test
    void measuresTheFloorAndReportsIt(@TempDir Path dir) throws Exception {
        ClosedLoop loop = new ClosedLoop(Duration.ZERO, Duration.ofMillis(200));
        try (RocksSubject floor = new RocksSubject(dir)) {
            floor.load(KEYS);
            for (Workload workload : Workload.values()) {
                Measurement measured = loop.measure(floor, workload, KEYS, 2);

                assertThat(measured.errors()).as(measured.firstError()).isZero();
                assertThat(measured.operationsPerSecond()).isPositive();
                assertThat(measured.latencyMs(50)).isPositive().isLessThanOrEqualTo(measured.latencyMs(99.9));
                assertThat(Report.markdown(List.of(measured)))
                        .contains("| " + workload.label() + " | 2 | RocksDB alone |");
                assertThat(Report.json(KEYS, List.of(measured))).contains("\"valueBytes\": 64", "\"p999Ms\"");
            }
        }
    }

    @Test
    void countsEveryErrorAndTimesNone() throws Exception {
        AtomicInteger calls = new AtomicInteger();
        Subject failing = new Subject() {
            @Override
            public String name() {
                return "failing";
            }

            @Override
            public void load(KeySpace keys) {}

            @Override
            public void get(String key) {
                calls.incrementAndGet();
                throw new IllegalStateException("as told");
            }

            @Override
            public void put(String key, byte[] value) {}

            @Override
            public void scan(String start, int limit) {}

            @Override
            public Duration cpu() {
                return Duration.ZERO;
            }

            @Override
            public void close() {}
        };

        Measurement measured =
                new ClosedLoop(Duration.ZERO, Duration.ofMillis(50)).measure(failing, Workload.GET, KEYS, 1);

        assertThat(measured.errors()).isPositive().isLessThanOrEqualTo(calls.get());
        assertThat(measured.firstError()).isEqualTo("as told");
        assertThat(measured.latencies().getTotalCount()).isZero();
        assertThat(measured.cpuMicrosPerOperation()).isNaN();
        assertThat(Report.markdown(List.of(measured))).contains("first error of failing", "as told");
    }

    @Test
    void aMissIsAnErrorAndNotAFastRead(@TempDir Path dir) throws Exception {
        try (RocksSubject empty = new RocksSubject(dir)) {
            Measurement measured =
                    new ClosedLoop(Duration.ZERO, Duration.ofMillis(50)).measure(empty, Workload.GET, KEYS, 1);

            assertThat(measured.latencies().getTotalCount()).isZero();
            assertThat(measured.firstError()).contains("not there");
        }
    }
}
