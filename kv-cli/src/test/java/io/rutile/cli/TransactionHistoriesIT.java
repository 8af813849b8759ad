package io.rutile.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.cli.check.Outcome;
import io.rutile.cli.verify.Judgement;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * P3 to P6, T1: bank transfers, appends to lists and counters under pessimistic locks, on a cluster whose processes are killed and frozen, whose leaders
 * move and whose Regions split: no anomaly. A few seconds, with a way to commit that is drawn from the seed; {@code rutile verify txn} runs for
 * longer, and with all of them.
 */
@Tag("cluster")
class TransactionHistoriesIT {

    private static final long SEED = Long.getLong("seed", System.nanoTime());

    private static final List<String> PROTOCOLS = List.of("2pc", "async", "1pc");
    private static final String PROTOCOL = PROTOCOLS.get(Math.floorMod(SEED, PROTOCOLS.size()));

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
                "--protocol=" + PROTOCOL,
                "--minutes=0.2",
                "--pd=1",
                "--seed=" + SEED,
                "--base-port=" + TestHouse.freeBasePort(),
                "--data=" + data);
        assertThat(run.exitCode()).as(String.join("\n", run.err())).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"bank", "append", "counter"})
    void holds(String workload) throws Exception {
        String row = row(workload);
        Judgement judgement = Judgement.of(histories.resolve(workload + "-" + PROTOCOL + ".jsonl"));

        assertThat(row)
                .endsWith("| 0 |")
                .containsPattern("[0-9]+ (kill|pause|hand over|depose|blackout)")
                .containsPattern("[0-9]+ split");
        assertThat(judgement.isClean()).isTrue();
        assertThat(judgement.outcomes().get(Outcome.OK)).isGreaterThan(COMMITTED_MIN);
        assertThat(committedThatWay(row)).as(row).isPositive();
    }

    private static String row(String workload) throws Exception {
        return run.out().stream()
                .filter(line -> line.startsWith("| " + workload + " | " + PROTOCOL + " |"))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no row of " + workload + " with " + PROTOCOL));
    }

    private static long committedThatWay(String row) {
        String[] ways = row.split("\\|")[COMMITS].split("/");
        return Long.parseLong(ways[PROTOCOLS.indexOf(PROTOCOL)].strip());
    }
}
