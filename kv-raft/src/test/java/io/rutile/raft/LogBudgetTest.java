package io.rutile.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.raft.TestStores.Store;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LogBudgetTest {

    private static final int GROUPS = 6;
    private static final long BYTES_MAX = 200_000;

    @TempDir
    Path dir;

    /** A log of so many bytes that notes when it is to be cut. */
    private record FakeLog(long logBytes, List<Long> cut) implements LogBudget.Log {

        @Override
        public void compactionDue() {
            cut.add(logBytes);
        }
    }

    private static List<Long> cutOf(long bytesMax, long... sizes) {
        List<Long> cut = new ArrayList<>();
        List<FakeLog> logs = new ArrayList<>();
        for (long size : sizes) {
            logs.add(new FakeLog(size, cut));
        }
        SimpleMeterRegistry meters = new SimpleMeterRegistry();
        new LogBudget(bytesMax, meters).look(logs);
        assertThat(meters.get("kv.raft.log.kept").gauge().value())
                .isEqualTo(logs.stream().mapToLong(FakeLog::logBytes).sum());
        return cut;
    }

    @Test
    void nothingIsCutWithinTheBound() {
        assertThat(cutOf(100, 50, 20, 30)).isEmpty();
    }

    @Test
    void theLongestAreCutUntilAQuarterIsFree() {
        assertThat(cutOf(100, 10, 60, 25, 30)).containsExactly(60L);
        assertThat(cutOf(100, 30, 31, 32, 33)).containsExactly(33L, 32L);
    }

    @Test
    void groupsThatWroteALittleAndThenNothingKeepNoLogForEver() {
        try (TestStores stores = new TestStores(dir, options -> options.withStoreLogBytesMax(BYTES_MAX))) {
            for (long id = 1; id <= 3; id++) {
                stores.open(id);
            }
            for (long group = 1; group <= GROUPS; group++) {
                stores.startEverywhere(group, TestStores.members(1, 2, 3));
                for (int i = 0; i < 20; i++) {
                    stores.proposeAnyhow(group, "word-" + i + "-" + "x".repeat(4_000));
                }
            }
            for (long id = 1; id <= 3; id++) {
                Store store = stores.store(id);
                await("logs of store " + id).atMost(TestStores.PATIENCE).until(() -> {
                    store.server.boundLogs();
                    return store.meters.get("kv.raft.log.kept").gauge().value() <= BYTES_MAX;
                });
                assertThat(store.meters.get("kv.raft.compactions").counter().count())
                        .isPositive();
            }

            // What was cut is in the state, of everybody and after a restart too.
            Store restarted = stores.store(1);
            restarted.stop();
            restarted.reopen();
            for (long group = 1; group <= GROUPS; group++) {
                restarted.start(group, new Replica(1, 101), TestStores.BEGIN);
                stores.proposeAnyhow(group, "after");
            }
            for (long group = 1; group <= GROUPS; group++) {
                for (long id = 1; id <= 3; id++) {
                    CounterMachine machine = stores.store(id).machine(group);
                    await().atMost(TestStores.PATIENCE).until(() -> machine.count("after") >= 1);
                    assertThat(machine.count("word-7-" + "x".repeat(4_000))).isGreaterThanOrEqualTo(1);
                }
            }
        }
    }
}
