package io.rutile.cli.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.cli.check.HistoryFile;
import io.rutile.cli.check.HistoryHeader;
import io.rutile.cli.check.Outcome;
import io.rutile.cli.check.Step;
import io.rutile.cli.check.TxnRecord;
import io.rutile.cli.check.TxnRecord.Interval;
import io.rutile.protocol.TimeStamp;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class VerifyTxnCommandTest {

    @TempDir
    Path dir;

    @Test
    void aHistoryThatWasKeptIsJudgedAgain() throws Exception {
        assertThat(run("--history=" + bank("clean.jsonl", 4, 6))).isZero();
        assertThat(run("--history=" + bank("torn.jsonl", 4, 5))).isEqualTo(1);
    }

    @Test
    void whatIsNoHistoryIsOneSentence() throws IOException {
        Path file = Files.writeString(dir.resolve("notes.txt"), "hello\n");

        assertThatThrownBy(() -> run("--history=" + file))
                .hasMessageContaining("can't judge " + file)
                .hasMessageContaining("line 1 is no part of a history");
    }

    @ParameterizedTest
    @CsvSource({
        "--workload=chess, '--workload is chess; choose of bank, append, counter, all'",
        "--protocol=3pc, '--protocol is 3pc; choose of 2pc, async, 1pc, all'",
        "--minutes=0, 'lasting must be positive'",
        "--clients=65, 'clients must be 1 to 64: 65'"
    })
    void badOptionsStartNothing(String option, String sentence) {
        assertThatThrownBy(() -> run(option, "--data=" + dir)).hasMessageContaining(sentence);
        assertThat(dir).isEmptyDirectory();
    }

    @ParameterizedTest
    @CsvSource({
        "--faults=flood, '--faults is flood; choose of kill, pause, hand-over, depose, blackout, split, transfer, move, merge, all'",
        "--faults=split, 'splits alone come to an end'",
        "--nodes=2, '--nodes is 2, but a region has 3 replicas'",
        "--clients=0, 'clients must be 1 to 64: 0'"
    })
    void badOptionsOfRegionsStartNothing(String option, String sentence) {
        VerifyRegionsCommand command = new VerifyRegionsCommand();
        new CommandLine(command).parseArgs(option, "--data=" + dir);

        assertThatThrownBy(command::call).hasMessageContaining(sentence);
        assertThat(dir).isEmptyDirectory();
    }

    @Test
    void aDirectoryThatHoldsAClusterIsLeftAlone() throws IOException {
        Files.writeString(dir.resolve("cluster.properties"), "pd=1\nnodes=3\nbase-port=26000\napi-version=V1\n");

        assertThatThrownBy(() -> run("--data=" + dir)).hasMessageContaining("holds a cluster already");
    }

    /** As the launcher does it: {@code verify} alone wants a file, {@code verify txn} does not. */
    private static int run(String... options) throws Exception {
        CommandLine commandLine = new CommandLine(new VerifyCommand());
        String[] arguments = new String[options.length + 1];
        arguments[0] = "txn";
        System.arraycopy(options, 0, arguments, 1, options.length);
        CommandLine.ParseResult parsed = commandLine.parseArgs(arguments);
        VerifyTxnCommand command =
                parsed.subcommand().commandSpec().commandLine().getCommand();
        return command.call();
    }

    private Path bank(String name, long... balances) throws IOException {
        Path file = dir.resolve(name);
        HistoryHeader header =
                new HistoryHeader("bank", "async", 7, Map.of("accounts", (long) balances.length, "total", 10L));
        try (HistoryFile.Writer writer = HistoryFile.Writer.create(file, header)) {
            for (int id = 1; id <= 2; id++) {
                writer.write(new TxnRecord(
                        id,
                        0,
                        new Interval(10L * id, 10L * id + 1),
                        new TimeStamp(100L * id),
                        new TimeStamp(100L * id),
                        Outcome.OK,
                        List.of(Step.read("a", List.of(balances[0])), Step.read("b", List.of(balances[1]))),
                        ""));
            }
        }
        return file;
    }
}
