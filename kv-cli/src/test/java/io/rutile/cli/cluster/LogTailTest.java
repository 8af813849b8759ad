package io.rutile.cli.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LogTailTest {

    @TempDir
    Path dir;

    @Test
    void anAnalysedStartUpFailureSpeaksFirst() {
        assertThat(LogTail.pick(List.of(
                        "2026-01-31T12:00:00.000Z ERROR 17 --- [main] o.s.b.d.LoggingFailureAnalysisReporter :",
                        "",
                        "***************************",
                        "APPLICATION FAILED TO START",
                        "***************************",
                        "",
                        "Description:",
                        "",
                        "the data directory /d/node-1 is in use by process 12",
                        "",
                        "Action:",
                        "",
                        "Stop the other process.")))
                .isEqualTo("the data directory /d/node-1 is in use by process 12");
    }

    @Test
    void theRootCauseOfTheLastErrorIsNext() {
        assertThat(LogTail.pick(List.of(
                        "2026-01-31T12:00:00.000Z ERROR 17 --- [main] i.r.n.KvNode : an earlier error",
                        "Caused by: java.io.IOException: of the earlier error",
                        "2026-01-31T12:00:01.000Z ERROR 17 --- [main] o.s.boot.SpringApplication : Application run failed",
                        "java.lang.IllegalStateException: outer",
                        "\tat io.rutile.node.KvNode.start(KvNode.java:1)",
                        "Caused by: io.rutile.node.NodeStartException: outer cause",
                        "\t... 12 more",
                        "Caused by: org.rocksdb.RocksDBException: No space left on device",
                        "\tat org.rocksdb.RocksDB.open(Native Method)")))
                .isEqualTo("No space left on device");
    }

    @Test
    void anErrorWithoutCauseAndAPlainLastLine() {
        assertThat(LogTail.pick(List.of(
                        "2026-01-31T12:00:00.000Z ERROR 17 --- [main] i.r.n.KvNode : disk=full path=/d",
                        "2026-01-31T12:00:00.001Z  INFO 17 --- [main] i.r.n.KvNode : stopped")))
                .isEqualTo("disk=full path=/d");
        assertThat(LogTail.pick(List.of("Error occurred during initialization of VM", "Too small maximum heap", "")))
                .isEqualTo("Too small maximum heap");
        assertThat(LogTail.pick(List.of())).isEqualTo("it said nothing");
    }

    @Test
    void readsOnlyWhatThisIncarnationSaid() throws IOException {
        Path log = dir.resolve("node-1.log");
        Files.writeString(log, "the last life\n");
        long offset = Files.size(log);
        assertThat(LogTail.lastSentence(log, offset)).isEqualTo("it said nothing");

        Files.writeString(log, "the last life\nthis life\n");

        assertThat(LogTail.lastSentence(log, offset)).isEqualTo("this life");
        assertThat(LogTail.lastSentence(dir.resolve("missing"), 0)).contains("can't be read");
    }
}
