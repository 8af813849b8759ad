package io.rutile.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.cli.bench.Comparison.Verdict;
import io.rutile.cli.bench.load.Figures;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ComparisonTest {

    private static Verdict verdict(Cell before, Cell after) {
        return Comparison.of(Cells.report(before), Cells.report(after), 3).rows().stream()
                .filter(row -> row.figure().equals("ops/s"))
                .findFirst()
                .orElseThrow()
                .verdict();
    }

    @Test
    void onlyRepeatsThatAllLieOnOneSideAreADifference() {
        Cell before = Cells.cell("gRPC", "get", 100, 110, 105);

        assertThat(verdict(before, Cells.cell("gRPC", "get", 120, 111, 118))).isEqualTo(Verdict.BETTER);
        assertThat(verdict(before, Cells.cell("gRPC", "get", 90, 99, 95))).isEqualTo(Verdict.WORSE);
        assertThat(verdict(before, Cells.cell("gRPC", "get", 200, 109, 300)))
                .as("one of them is no better than the best before")
                .isEqualTo(Verdict.SAME);
        assertThat(verdict(before, before)).isEqualTo(Verdict.SAME);
    }

    @Test
    void aClearButSmallChangeIsNone() {
        assertThat(verdict(Cells.cell("gRPC", "get", 100, 100, 100), Cells.cell("gRPC", "get", 102, 102, 102)))
                .isEqualTo(Verdict.SAME);
        assertThat(verdict(Cells.cell("gRPC", "get", 100, 100, 100), Cells.cell("gRPC", "get", 104, 104, 104)))
                .isEqualTo(Verdict.BETTER);
    }

    @Test
    void twoRepeatsSayNothing() {
        assertThat(verdict(Cells.cell("gRPC", "get", 100, 100, 100), Cells.cell("gRPC", "get", 500, 500)))
                .isEqualTo(Verdict.FEW);
    }

    @Test
    void aCellWithErrorsIsNeverBetter() {
        Comparison comparison = Comparison.of(
                Cells.report(Cells.cell("gRPC", "get", 10, 10, 10)), Cells.report(Cells.failed("gRPC", "get")), 3);

        assertThat(comparison.rows()).allMatch(row -> row.verdict() == Verdict.ERRORS);
        assertThat(comparison.isWorse()).isTrue();
    }

    @Test
    void lessProcessorTimeIsBetter() {
        Cell.Id id = new Cell.Id("get", "gRPC", 64, 0, 1, 1_024);
        Cell before = new Cell(id, List.of(cpu(0.06), cpu(0.061), cpu(0.062)));
        Cell after = new Cell(id, List.of(cpu(0.04), cpu(0.041), cpu(0.042)));

        assertThat(Comparison.of(Cells.report(before), Cells.report(after), 3).rows())
                .filteredOn(row -> row.figure().startsWith("server CPU"))
                .singleElement()
                .satisfies(row -> {
                    assertThat(row.verdict()).isEqualTo(Verdict.BETTER);
                    assertThat(row.change()).isBetween(-0.34, -0.31);
                });
        assertThat(Comparison.of(Cells.report(after), Cells.report(before), 3).isWorse())
                .isTrue();
    }

    private static Figures cpu(double node) {
        return Cells.figures(100, node, Map.of());
    }

    @Test
    void whatElseDiffersIsSaid() {
        BenchReport before = Cells.report(Cells.cell("gRPC", "get", 1, 1, 1), Cells.cell("gRPC", "put", 1, 1, 1));
        BenchReport other = Cells.report(Cells.cell("gRPC", "get", 1, 1, 1), Cells.cell("REST", "get", 1, 1, 1));
        BenchReport after = new BenchReport(
                other.format(),
                other.began(),
                Map.of("processors", "4"),
                Map.of("keys", "100", "seed", "2"),
                other.cells(),
                null,
                List.of());

        Comparison comparison = Comparison.of(before, after, 3);

        assertThat(comparison.differences())
                .containsExactly(
                        "machine differs: processors 2 and 4",
                        "settings differ: seed – and 2",
                        "only in the first: put, gRPC, 64 clients, 1 regions",
                        "only in the second: get, REST, 64 clients, 1 regions");
        assertThat(comparison.isWorse()).isFalse();
        assertThat(comparison.markdown())
                .contains("| get | 1 | 64 | gRPC | ops/s | 1.000 | 1.000 | +0.0 % | no difference shown |")
                .endsWith("only in the second: get, REST, 64 clients, 1 regions\n");
    }
}
