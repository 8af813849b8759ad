package io.rutile.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.rutile.cli.cluster.ClusterException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportTest {

    @TempDir
    Path dir;

    @Test
    void theTableHasMediansSpreadAndErrors() {
        BenchReport report = new BenchReport(
                BenchReport.FORMAT,
                "2026-01-01T00:00:00Z",
                Cells.MACHINE,
                Cells.SETTINGS,
                List.of(Cells.cell("gRPC", "get", 3_000, 1_000, 2_500), Cells.failed("gRPC", "put")),
                List.of(
                        new BarResult(
                                "raw-get", "raw get", "ops/s", 2_500, 4_000.0, 0.625, 0.5, 0.7, "≥ 0.60", true, null),
                        new BarResult("tso-p99", "p99", "ms", 4.5, null, null, null, null, "≤ 3.00 ms", false, null)),
                List.of("a remark"));

        assertThat(Report.markdown(report).lines())
                .contains(
                        "| get | 1 | 64 | gRPC | 2,500 | 1,000–3,000 | 1.000 | 3.000 | 4.000 | 0.051 (node 0.050, pd 0.001) | 0.020 | 0 |",
                        "| put | 1 | 64 | gRPC | 100 | 100–100 | 1.000 | 3.000 | 4.000 | 0.051 (node 0.050, pd 0.001) | 0.020 | **3 BUSY** |",
                        "first BUSY of gRPC, put, 64 clients: too much",
                        "| raw get | 2,500 ops/s | 4,000 ops/s | 0.63 | 0.50–0.70 | ≥ 0.60 | yes |",
                        "| p99 | 4.500 ms | – | – | – | ≤ 3.00 ms | **no** |",
                        "a remark");
    }

    @Test
    void theJsonIsReadBackAsItWasWritten() {
        BenchReport report = Cells.report(Cells.cell("gRPC", "get", 1, 2), Cells.failed("gRPC", "put"));
        Path file = dir.resolve("report.json");

        report.write(file);

        assertThat(BenchReport.read(file)).isEqualTo(report);
    }

    @Test
    void theJsonHasTheNamesThatProgramsKnow() {
        JsonObject json = JsonParser.parseString(
                        Cells.report(Cells.cell("gRPC", "get", 1_000)).toJson())
                .getAsJsonObject();
        JsonObject cell = json.getAsJsonArray("cells").get(0).getAsJsonObject();
        JsonObject run = cell.getAsJsonArray("runs").get(0).getAsJsonObject();

        assertThat(json.get("format").getAsInt()).isEqualTo(2);
        assertThat(cell.getAsJsonObject("id").keySet())
                .containsExactly("operation", "subject", "clients", "rate", "regions", "valueBytes");
        assertThat(run.keySet())
                .contains("operationsPerSecond", "p50Ms", "p99Ms", "p999Ms", "serverCpu", "clientCpu", "errors");
        assertThat(run.getAsJsonObject("serverCpu").get("node").getAsDouble()).isEqualTo(0.05);
    }

    @Test
    void whatIsNoReportIsOneSentence() throws IOException {
        Path file = dir.resolve("other.json");

        assertThatThrownBy(() -> BenchReport.read(file))
                .isInstanceOf(ClusterException.class)
                .hasMessageContaining("can't read");
        for (String text : List.of("", "[]", "{}", "not JSON", "{\"cells\": [{\"id\": {}}]}")) {
            Files.writeString(file, text);
            assertThatThrownBy(() -> BenchReport.read(file))
                    .isInstanceOf(ClusterException.class)
                    .hasMessageContaining("no report of rutile bench");
        }
        Files.writeString(file, Cells.report().toJson().replace("\"format\": 2", "\"format\": 1"));
        assertThatThrownBy(() -> BenchReport.read(file)).hasMessageContaining("format 1; this rutile reads format 2");
    }

    @Test
    void theMedianOfAnEvenNumberLiesBetweenTheTwoInTheMiddle() {
        assertThat(Cell.medianOf(4, 1, 3, 2)).isEqualTo(2.5);
        assertThat(Cell.medianOf(5, 1, 3)).isEqualTo(3);
        assertThat(Cell.medianOf()).isZero();
    }
}
