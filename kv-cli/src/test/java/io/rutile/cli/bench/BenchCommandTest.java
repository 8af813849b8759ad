package io.rutile.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.cli.cluster.ClusterException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** What needs no cluster: options that can't be, and floors. */
class BenchCommandTest {

    @TempDir
    Path dir;

    private record Ended(int code, String sentence) {}

    private Ended run(String... arguments) {
        List<String> sentences = new ArrayList<>();
        CommandLine commandLine = new CommandLine(new BenchCommand());
        commandLine.setCaseInsensitiveEnumValuesAllowed(true);
        commandLine.setParameterExceptionHandler((failure, args) -> {
            sentences.add(String.valueOf(failure.getMessage()));
            return 2;
        });
        commandLine.setExecutionExceptionHandler((failure, line, parsed) -> {
            if (!(failure instanceof ClusterException)) {
                throw failure;
            }
            sentences.add(String.valueOf(failure.getMessage()));
            return 1;
        });
        int code = commandLine.execute(arguments);
        return new Ended(code, String.join("; ", sentences));
    }

    private void assertRefused(String sentence, String... arguments) {
        Ended ended = run(arguments);
        assertThat(ended.code()).isNotZero();
        assertThat(ended.sentence()).contains(sentence);
    }

    @Test
    void optionsThatCannotBeAreOneSentence() {
        assertRefused("there is no subject oracle; choose of floor, grpc, txn", "--subjects", "oracle");
        assertRefused("there is no operation fly; choose of get, put", "--ops", "fly");
        assertRefused("must begin with grpc", "--subjects", "rest,grpc");
        assertRefused("clients must be 1 to 10000, not 0", "--clients", "0", "--subjects", "rocksdb");
        assertRefused("the rate must be", "--rate", "-5");
        assertRefused("--repeats must be 1 to 100, not 0", "--repeats", "0");
        assertRefused("--duration must be at least 0.1", "--duration", "0");
        assertRefused("keys must be 1 to", "--keys", "0");
        assertRefused("at least 1 byte", "--value-size", "0");
        assertRefused("each a multiple of the one before it, not [4, 6]", "--regions", "4,6");
        assertRefused("each a multiple of the one before it, not [0]", "--regions", "0");
        assertRefused("none is measured", "--regions", "4", "--subjects", "rocksdb");
        assertRefused("--etcd is missing", "--etcd-pids", "1");
        assertRefused("expected one of", "--distribution", "normal");
        assertRefused("either a cluster is started or --endpoint names one", "--start", "--endpoint", "127.0.0.1:1");
        assertRefused("there is no local cluster in", "--data", dir.toString(), "--subjects", "grpc");
        assertRefused("--etcd names the etcd", "--data", dir.toString(), "--subjects", "etcd");
        assertRefused(
                "etcd takes no keys: UNAVAILABLE",
                "--data",
                dir.toString(),
                "--subjects",
                "etcd",
                "--etcd",
                "127.0.0.1:1");
        assertRefused(
                "none of these subjects can do any", "--data", dir.toString(), "--subjects", "rocksdb", "--ops", "tso");
        assertRefused("there is no bar speed; choose of raw-get", "bars", "--only", "speed");
        assertRefused("there is no bar raw-put-etcd", "bars", "--only", "raw-put-etcd");
        assertRefused(
                "can't read",
                "compare",
                dir.resolve("a").toString(),
                dir.resolve("b").toString());
        assertRefused("must not be negative", "compare", "a", "b", "--threshold", "-1");
        assertRefused("--minutes must be more than 0", "overload", "--minutes", "0");
        assertRefused("--clients must be 1 to 100000", "overload", "--clients", "0");
        assertRefused("--deadline must be 0.1 to 600", "overload", "--deadline", "0");
        assertRefused("--heap must be 128 to", "overload", "--heap", "12");
        assertRefused("--regions must be 1 to 1000", "soak", "--regions", "0");
        assertRefused("--percent must be 1 to 100", "soak", "--percent", "0");
        assertRefused("keys must be 1 to", "soak", "--keys", "0");
    }

    @Test
    void aFloorNeedsNoClusterAndLeavesNothing() throws Exception {
        Path json = dir.resolve("report.json");
        Path data = dir.resolve("data");

        Ended ended = run(
                "--data",
                data.toString(),
                "--subjects",
                "rocksdb",
                "--ops",
                "ycsb-f",
                "--clients",
                "2",
                "--rate",
                "200",
                "--keys",
                "300",
                "--value-size",
                "64",
                "--duration",
                "0.5",
                "--warm-up",
                "0",
                "--json",
                json.toString());

        assertThat(ended).isEqualTo(new Ended(0, ""));
        assertThat(data).isEmptyDirectory();
        BenchReport report = BenchReport.read(json);
        assertThat(report.settings()).containsEntry("keys", "300").containsEntry("repeats", "1");
        assertThat(report.cells()).singleElement().satisfies(cell -> {
            assertThat(cell.id())
                    .isEqualTo(new Cell.Id(
                            "YCSB F: 50 % read, 50 % read-modify-write", "RocksDB alone, fsync", 2, 200, 0, 64));
            assertThat(cell.errors()).isEmpty();
            assertThat(cell.runs().get(0).operations()).isEqualTo(100);
        });
        assertThat(run("compare", json.toString(), json.toString()).code()).isZero();
    }

    @Test
    void aComparisonThatFindsSomethingWorseSaysSoByItsExitCode() throws Exception {
        Path before = Files.createFile(dir.resolve("a.json"));
        Path after = Files.createFile(dir.resolve("b.json"));
        Cells.report(Cells.cell("gRPC", "get", 100, 100, 100)).write(before);
        Cells.report(Cells.cell("gRPC", "get", 50, 50, 50)).write(after);

        assertThat(run("compare", before.toString(), after.toString()).code()).isEqualTo(1);
        assertThat(run("compare", after.toString(), before.toString()).code()).isZero();
        assertThat(run("compare", before.toString(), after.toString(), "--threshold", "60")
                        .code())
                .isZero();
    }
}
