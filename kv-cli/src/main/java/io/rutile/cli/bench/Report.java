package io.rutile.cli.bench;

import io.rutile.cli.bench.load.Figures;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A report as Markdown, for people. */
final class Report {

    private static final String HEAD = """
            | operation | regions | clients | subject | ops/s | min–max | p50 ms | p99 ms | p99.9 ms | server CPU s/1,000 | client CPU s/1,000 | errors |
            |---|---:|---:|---|---:|---:|---:|---:|---:|---:|---:|---|
            """;

    private static final String BARS_HEAD = """
            | path | figure | floor | ratio | min–max | bar | met |
            |---|---:|---:|---:|---:|---:|---|
            """;

    private Report() {}

    /** Medians of all cells, what they have against them, and the bars. */
    static String markdown(BenchReport report) {
        StringBuilder text = new StringBuilder(HEAD);
        report.cells().forEach(cell -> text.append(row(cell)));
        report.cells().forEach(cell -> text.append(firstErrors(cell)));
        List<BarResult> bars = report.bars();
        if (bars != null) {
            text.append('\n').append(BARS_HEAD);
            bars.forEach(bar -> text.append(row(bar)));
        }
        report.remarks().forEach(remark -> text.append('\n').append(remark).append('\n'));
        return text.toString();
    }

    private static String row(Cell cell) {
        Cell.Id id = cell.id();
        return String.format(
                Locale.ROOT,
                "| %s | %s | %d%s | %s | %,.0f | %,.0f–%,.0f | %.3f | %.3f | %.3f | %s | %s | %s |%n",
                id.operation(),
                id.regions() == 0 ? "–" : Integer.toString(id.regions()),
                id.clients(),
                id.rate() == 0 ? "" : String.format(Locale.ROOT, ", %,.0f/s", id.rate()),
                id.subject(),
                cell.median(Figures::operationsPerSecond),
                cell.min(Figures::operationsPerSecond),
                cell.max(Figures::operationsPerSecond),
                cell.median(Figures::p50Ms),
                cell.median(Figures::p99Ms),
                cell.median(Figures::p999Ms),
                cell.lacksServerCpu() ? "–" : serverCpu(cell),
                String.format(Locale.ROOT, "%.3f", cell.median(Figures::clientCpu)),
                errors(cell));
    }

    /** The sum, and by kind of process where there are several. */
    private static String serverCpu(Cell cell) {
        String sum = String.format(Locale.ROOT, "%.3f", cell.median(Figures::serverCpuTotal));
        Map<String, Double> kinds = new TreeMap<>();
        cell.runs()
                .forEach(run -> run.serverCpu()
                        .keySet()
                        .forEach(kind -> kinds.put(
                                kind, cell.median(each -> each.serverCpu().getOrDefault(kind, 0.0)))));
        return kinds.size() < 2
                ? sum
                : sum + " ("
                        + kinds.entrySet().stream()
                                .map(kind -> String.format(Locale.ROOT, "%s %.3f", kind.getKey(), kind.getValue()))
                                .collect(Collectors.joining(", "))
                        + ")";
    }

    private static String errors(Cell cell) {
        return cell.hasErrors()
                ? "**"
                        + cell.errors().entrySet().stream()
                                .map(kind -> kind.getValue() + " " + kind.getKey())
                                .collect(Collectors.joining(", "))
                        + "**"
                : "0";
    }

    private static String firstErrors(Cell cell) {
        Map<String, String> first = new TreeMap<>();
        cell.runs().forEach(run -> run.firstErrors().forEach(first::putIfAbsent));
        return first.entrySet().stream()
                .map(kind -> String.format(
                        Locale.ROOT,
                        "%nfirst %s of %s, %s, %d clients: %s%n",
                        kind.getKey(),
                        cell.id().subject(),
                        cell.id().operation(),
                        cell.id().clients(),
                        kind.getValue()))
                .collect(Collectors.joining());
    }

    private static String row(BarResult bar) {
        return String.format(
                Locale.ROOT,
                "| %s | %s | %s | %s | %s | %s | %s |%n",
                bar.path(),
                withUnit(bar.figure(), bar.unit()),
                bar.floor() == null ? "–" : withUnit(bar.floor(), bar.unit()),
                number(bar.ratio()),
                bar.ratioMin() == null || bar.ratioMax() == null
                        ? "–"
                        : number(bar.ratioMin()) + "–" + number(bar.ratioMax()),
                bar.bar(),
                (bar.met() ? "yes" : "**no**") + (bar.why() == null ? "" : ": " + bar.why()));
    }

    private static String number(@Nullable Double ratio) {
        return ratio == null ? "–" : String.format(Locale.ROOT, "%.2f", ratio);
    }

    private static String withUnit(double figure, String unit) {
        return String.format(Locale.ROOT, figure >= 100 ? "%,.0f %s" : "%.3f %s", figure, unit);
    }
}
