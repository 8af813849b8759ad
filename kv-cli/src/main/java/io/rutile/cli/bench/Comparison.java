package io.rutile.cli.bench;

import io.rutile.cli.bench.load.Figures;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.ToDoubleFunction;

/**
 * Two reports, cell by cell. A difference is one only if all repeats of one report lie on one side of all repeats of the other: with five
 * repeats each that happens once in 126 times by chance, with three once in ten, with fewer it says nothing.
 *
 * @param rows cells of both
 * @param differences what else differs between them: settings, machines, cells of one only
 */
record Comparison(List<Row> rows, List<String> differences) {

    /** Fewer repeats of either give no verdict. */
    static final int RUNS_MIN = 3;

    /** What can be said about a difference. */
    enum Verdict {
        BETTER("better"),
        WORSE("worse"),
        SAME("no difference shown"),
        FEW("too few repeats"),
        ERRORS("errors");

        private final String words;

        Verdict(String words) {
            this.words = words;
        }

        String words() {
            return words;
        }
    }

    /**
     * One figure of one cell.
     *
     * @param before median of the first report
     * @param after median of the second
     */
    record Row(Cell.Id id, String figure, double before, double after, Verdict verdict) {

        /** In parts of the first. */
        double change() {
            return before == 0 ? 0 : after / before - 1;
        }
    }

    private record Figure(String name, boolean moreIsBetter, ToDoubleFunction<Figures> of) {}

    private static final List<Figure> FIGURES = List.of(
            new Figure("ops/s", true, Figures::operationsPerSecond),
            new Figure("p99 ms", false, Figures::p99Ms),
            new Figure("server CPU s/1,000", false, Figures::serverCpuTotal));

    /** @param thresholdPercent a smaller change of the median is none, however clear it is */
    static Comparison of(BenchReport before, BenchReport after, double thresholdPercent) {
        Map<Cell.Id, Cell> first = byId(before);
        Map<Cell.Id, Cell> second = byId(after);
        List<Row> rows = new ArrayList<>();
        List<String> differences = new ArrayList<>();
        differ("machine differs", before.machine(), after.machine(), differences);
        differ("settings differ", before.settings(), after.settings(), differences);
        first.forEach((id, cell) -> {
            Cell other = second.get(id);
            if (other == null) {
                differences.add("only in the first: " + words(id));
                return;
            }
            for (Figure figure : FIGURES) {
                if (cell.max(figure.of()) > 0 || other.max(figure.of()) > 0) {
                    rows.add(row(cell, other, figure, thresholdPercent));
                }
            }
        });
        second.keySet().stream()
                .filter(id -> !first.containsKey(id))
                .forEach(id -> differences.add("only in the second: " + words(id)));
        return new Comparison(List.copyOf(rows), List.copyOf(differences));
    }

    private static Map<Cell.Id, Cell> byId(BenchReport report) {
        Map<Cell.Id, Cell> cells = new LinkedHashMap<>();
        report.cells().forEach(cell -> cells.put(cell.id(), cell));
        return cells;
    }

    private static void differ(
            String what, Map<String, String> before, Map<String, String> after, List<String> differences) {
        TreeSet<String> names = new TreeSet<>(before.keySet());
        names.addAll(after.keySet());
        for (String name : names) {
            String was = before.getOrDefault(name, "–");
            String is = after.getOrDefault(name, "–");
            if (!was.equals(is)) {
                differences.add(what + ": " + name + " " + was + " and " + is);
            }
        }
    }

    private static Row row(Cell before, Cell after, Figure figure, double thresholdPercent) {
        double was = before.median(figure.of());
        double is = after.median(figure.of());
        return new Row(before.id(), figure.name(), was, is, verdict(before, after, figure, thresholdPercent));
    }

    private static Verdict verdict(Cell before, Cell after, Figure figure, double thresholdPercent) {
        if (before.hasErrors() || after.hasErrors()) {
            return Verdict.ERRORS;
        }
        if (Math.min(before.runs().size(), after.runs().size()) < RUNS_MIN) {
            return Verdict.FEW;
        }
        boolean more = after.min(figure.of()) > before.max(figure.of());
        boolean less = after.max(figure.of()) < before.min(figure.of());
        double was = before.median(figure.of());
        double percent = was == 0 ? Double.POSITIVE_INFINITY : 100 * Math.abs(after.median(figure.of()) / was - 1);
        if (!(more || less) || percent < thresholdPercent) {
            return Verdict.SAME;
        }
        return more == figure.moreIsBetter() ? Verdict.BETTER : Verdict.WORSE;
    }

    boolean isWorse() {
        return rows.stream().anyMatch(row -> row.verdict() == Verdict.WORSE || row.verdict() == Verdict.ERRORS);
    }

    /** A Markdown table, and what else differs below it. */
    String markdown() {
        StringBuilder text = new StringBuilder("""
                | operation | regions | clients | subject | figure | before | after | change | verdict |
                |---|---:|---:|---|---|---:|---:|---:|---|
                """);
        for (Row row : rows) {
            text.append(String.format(
                    Locale.ROOT,
                    "| %s | %s | %d%s | %s | %s | %s | %s | %+.1f %% | %s |%n",
                    row.id().operation(),
                    row.id().regions() == 0 ? "–" : Integer.toString(row.id().regions()),
                    row.id().clients(),
                    row.id().rate() == 0
                            ? ""
                            : String.format(Locale.ROOT, ", %,.0f/s", row.id().rate()),
                    row.id().subject(),
                    row.figure(),
                    number(row.before()),
                    number(row.after()),
                    100 * row.change(),
                    row.verdict().words()));
        }
        differences.forEach(each -> text.append('\n').append(each).append('\n'));
        return text.toString();
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, value >= 100 ? "%,.0f" : "%.3f", value);
    }

    private static String words(Cell.Id id) {
        return id.operation() + ", " + id.subject() + ", " + id.clients() + " clients"
                + (id.regions() == 0 ? "" : ", " + id.regions() + " regions");
    }
}
