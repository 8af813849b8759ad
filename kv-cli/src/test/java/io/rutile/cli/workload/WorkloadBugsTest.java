package io.rutile.cli.workload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.rutile.cli.check.Anomaly.Kind;
import io.rutile.cli.check.HistoryFile;
import io.rutile.cli.check.Outcome;
import io.rutile.cli.check.RealTimeChecker;
import io.rutile.cli.check.Verdict;
import io.rutile.cli.workload.ModelStore.Bug;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Each checker proves itself: it catches each seeded bug through its own workload, and finds nothing where there is none (P4, P6). */
class WorkloadBugsTest {

    private static final long SEED = Long.getLong("seed", System.nanoTime());
    private static final int CLIENTS = 4;
    private static final int TRANSACTIONS = 1_500;

    /** A bug needs two clients in the wrong order; a busy machine may not give them to every round. */
    private static final int ROUNDS_MAX = 20;

    enum Kept {
        BANK(Set.of(Kind.WRONG_SUM)),
        APPEND(Set.of(Kind.G_SINGLE)),
        COUNTER(Set.of(Kind.LOST_UPDATE));

        private final Set<Kind> shownBy;

        Kept(Set<Kind> shownBy) {
            this.shownBy = shownBy;
        }

        Workload workload() {
            return switch (this) {
                case BANK -> new BankWorkload("model/");
                case APPEND -> new ListAppendWorkload("model/");
                case COUNTER -> new PessimisticCounterWorkload("model/");
            };
        }
    }

    @TempDir
    Path dir;

    static Stream<Arguments> everyWorkloadWithEveryBug() {
        return Stream.of(Kept.values())
                .flatMap(workload ->
                        Stream.of(Bug.values()).filter(bug -> bug != Bug.NONE).map(bug -> Arguments.of(workload, bug)));
    }

    @ParameterizedTest
    @MethodSource("everyWorkloadWithEveryBug")
    void aSeededBugIsCaught(Kept kept, Bug bug) throws Exception {
        for (int round = 0; round < ROUNDS_MAX; round++) {
            Verdict verdict = judge(run(kept, bug, SEED + round));
            if (kept.shownBy.stream().anyMatch(verdict::has)) {
                return;
            }
        }
        assertThat(kept.shownBy)
                .as(kept + " did not show " + bug + ", seed " + SEED)
                .isNull();
    }

    @ParameterizedTest
    @EnumSource(Kept.class)
    void aStoreWithoutBugsIsClean(Kept kept) throws Exception {
        HistoryFile.Content history = run(kept, Bug.NONE, SEED);

        Verdict verdict = judge(history);
        Verdict realTime = new RealTimeChecker().check(history.transactions());

        assertThat(verdict.isClean()).as("seed " + SEED + ": " + verdict).isTrue();
        assertThat(realTime.isClean()).as("seed " + SEED + ": " + realTime).isTrue();
        assertThat(verdict.checked()).isPositive();
        assertThat(history.transactions())
                .filteredOn(txn -> txn.outcome() == Outcome.OK)
                .hasSizeGreaterThan(1_000);
    }

    private static Verdict judge(HistoryFile.Content history) {
        return history.header().checker().check(history.transactions());
    }

    private HistoryFile.Content run(Kept kept, Bug bug, long seed) throws Exception {
        Path file = dir.resolve(kept + "-" + bug + ".jsonl");
        try (WorkloadRun run =
                WorkloadRun.start(kept.workload(), new ModelStore(bug), "2pc", CLIENTS, Duration.ZERO, seed, file)) {
            await().atMost(Duration.ofSeconds(30))
                    .pollInterval(Duration.ofMillis(5))
                    .until(() -> run.isBroken() || run.tally().of(Outcome.OK) >= TRANSACTIONS);
            run.finish();
        }
        HistoryFile.Content content = HistoryFile.read(file);
        assertThat(List.copyOf(content.transactions())).isNotEmpty();
        return content;
    }
}
