package io.rutile.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.rutile.cli.bench.load.Workload;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class BarTest {

    private static final Bar.Ref GET = new Bar.Ref(SubjectName.GRPC, Workload.GET, 1);
    private static final Bar.Ref ECHO = new Bar.Ref(SubjectName.ECHO, Workload.GET, 1);
    private static final Bar RATIO = new Bar("raw-get", "raw get", Bar.Measure.THROUGHPUT, GET, ECHO, 1, 0.6);

    private static BarResult judge(Bar bar, Map<Bar.Ref, Cell> cells) {
        return bar.judge(ref -> Optional.ofNullable(cells.get(ref)));
    }

    @Test
    void aRatioIsOfMediansAndItsSpreadOfRepeats() {
        BarResult result = judge(
                RATIO,
                Map.of(
                        GET, Cells.cell("gRPC", "get", 60, 66, 80),
                        ECHO, Cells.cell("gRPC echo", "get", 100, 120, 90)));

        assertThat(result.figure()).isEqualTo(66);
        assertThat(result.floor()).isEqualTo(100);
        assertThat(result.ratio()).isCloseTo(0.66, within(1e-9));
        assertThat(result.ratioMin()).isCloseTo(0.55, within(1e-9));
        assertThat(result.ratioMax()).isCloseTo(80 / 90.0, within(1e-9));
        assertThat(result.bar()).isEqualTo("≥ 0.60");
        assertThat(result.met()).isTrue();
    }

    @Test
    void aRatioBelowTheBarIsNotMet() {
        BarResult result = judge(
                RATIO,
                Map.of(
                        GET,
                        Cells.cell("gRPC", "get", 59, 59, 59),
                        ECHO,
                        Cells.cell("gRPC echo", "get", 100, 100, 100)));

        assertThat(result.met()).isFalse();
        assertThat(result.why()).isNull();
    }

    @Test
    void aCellWithErrorsMeetsNothing() {
        BarResult result = judge(
                RATIO, Map.of(GET, Cells.failed("gRPC", "get"), ECHO, Cells.cell("gRPC echo", "get", 100, 100, 100)));

        assertThat(result.ratio()).isEqualTo(1);
        assertThat(result.met()).isFalse();
        assertThat(result.why()).isEqualTo("errors in gRPC, get");
    }

    /** A process that was not warm, or a machine that was busy: no bar is met by that. */
    @Test
    void aFloorThatIsSlowerThanWhatStandsOnItProvesNothing() {
        BarResult result = judge(
                RATIO,
                Map.of(
                        GET,
                        Cells.cell("gRPC", "get", 120, 120, 120),
                        ECHO,
                        Cells.cell("gRPC echo", "get", 100, 100, 100)));

        assertThat(result.ratio()).isEqualTo(1.2);
        assertThat(result.met()).isFalse();
        assertThat(result.why()).startsWith("the floor is slower");
    }

    @Test
    void processorTimeIsOfAKey() {
        Bar bar = Bar.ALL.stream()
                .filter(each -> each.name().equals("txn-2pc"))
                .findFirst()
                .orElseThrow();
        Bar.Ref put = new Bar.Ref(SubjectName.GRPC, Workload.PUT, 1);
        Cell transactions = new Cell(
                new Cell.Id("transaction", "gRPC", 64, 0, 1, 1_024), List.of(Cells.figures(100, 0.799, Map.of())));
        Cell puts = new Cell(new Cell.Id("put", "gRPC", 64, 0, 1, 1_024), List.of(Cells.figures(100, 0.099, Map.of())));

        BarResult result = judge(bar, Map.of(bar.figure(), transactions, put, puts));

        assertThat(result.figure()).isCloseTo(0.1, within(1e-9));
        assertThat(result.ratio()).isCloseTo(1, within(1e-9));
        assertThat(result.bar()).isEqualTo("≤ 1.60");
        assertThat(result.met()).isTrue();
    }

    @Test
    void aBoundWithoutAFloorIsOnTheFigure() {
        Bar bar = Bar.ALL.stream()
                .filter(each -> each.name().equals("tso-p99"))
                .findFirst()
                .orElseThrow();

        BarResult result = judge(bar, Map.of(bar.figure(), Cells.cell("gRPC", "timestamp", 10, 10, 10)));

        assertThat(result.figure()).isEqualTo(3);
        assertThat(result.ratio()).isNull();
        assertThat(result.bar()).isEqualTo("≤ 3.00 ms");
        assertThat(result.met()).isTrue();
    }

    @Test
    void whatWasNotMeasuredIsNotMet() {
        assertThat(judge(RATIO, Map.of()).met()).isFalse();
        assertThat(judge(RATIO, Map.of()).why()).isEqualTo("not measured");
    }

    @Test
    void everyBarHasANameOfItsOwn() {
        assertThat(Bar.ALL.stream().map(Bar::name).collect(Collectors.toSet())).hasSameSizeAs(Bar.ALL);
    }
}
