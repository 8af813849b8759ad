package io.rutile.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.cli.check.Outcome;
import io.rutile.cli.verify.Judgement;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * P3 to P6, T1: bank transfers, appends to lists and counters under pessimistic locks, with each way to commit, on a cluster whose
 * processes are killed and frozen, whose leaders move and whose Regions split: no anomaly. A few seconds each; {@code rutile verify txn} runs for longer.
 */
@Tag("cluster")
class TransactionHistoriesIT {

    private static final long SEED = Long.getLong("seed", System.nanoTime());

    private static final long COMMITTED_MIN = 10;

    /** The column of the table, from the left, and the place in it. */
    private static final int COMMITS = 6;

    @TempDir
    static Path scratch;

    private static CommandRun run;
    private static Path histories;

    @BeforeAll
    static void verify() throws Exception {
        Path data = scratch.resolve("data");
        histories = data.resolve("histories");
        run = CommandRun.run(
                scratch,
                "verify",
                "txn",
                "--faults",
                "--minutes=0.1",
                "--pd=1",
                "--seed=" + SEED,
                "--base-port=" + TestHouse.freeBasePort(),
                "--data=" + data);
        assertThat(run.exitCode()).as(String.join("\n", run.err())).isZero();
    }

    static Stream<Arguments> everyWorkloadWithEveryProtocol() {
        return Stream.of("2pc", "async", "1pc")
                .flatMap(protocol ->
                        Stream.of("bank", "append", "counter").map(workload -> Arguments.of(workload, protocol)));
    }

    @ParameterizedTest
    @MethodSource("everyWorkloadWithEveryProtocol")
    void holds(String workload, String protocol) throws Exception {
        String row = row(workload, protocol);
        Judgement judgement = Judgement.of(histories.resolve(workload + "-" + protocol + ".jsonl"));

        assertThat(row)
                .endsWith("| 0 |")
                .containsPattern("[0-9]+ (kill|pause|hand over|depose|blackout)")
                .containsPattern("[0-9]+ split");
        assertThat(judgement.isClean()).isTrue();
        assertThat(judgement.outcomes().get(Outcome.OK)).isGreaterThan(COMMITTED_MIN);
        assertThat(committedThatWay(row, protocol)).as(row).isPositive();
    }

    private static String row(String workload, String protocol) throws Exception {
        return run.out().stream()
                .filter(line -> line.startsWith("| " + workload + " | " + protocol + " |"))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no row of " + workload + " with " + protocol));
    }

    private static long committedThatWay(String row, String protocol) {
        String[] ways = row.split("\\|")[COMMITS].split("/");
        return Long.parseLong(ways[List.of("2pc", "async", "1pc").indexOf(protocol)].strip());
    }
}
