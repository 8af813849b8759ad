package io.rutile.cli.verify;

import io.rutile.cli.fault.Fault;
import io.rutile.cli.workload.RawAppends;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.ToLongFunction;

/** What became of Regions, as a Markdown table for each figure's name and the figure. */
public final class RegionTable {

    private RegionTable() {}

    public static String markdown(RegionResult result) {
        StringBuilder text = new StringBuilder("| | |\n|---|---|\n");
        row(text, "faults", ResultTable.faults(result.faults()));
        for (Fault ordered : List.of(Fault.TRANSFER, Fault.MOVE, Fault.MERGE)) {
            row(
                    text,
                    ordered.label() + ": ordered, seen finished",
                    result.faults().getOrDefault(ordered, 0) + ", "
                            + result.finished().getOrDefault(ordered, 0));
        }
        row(text, "leader changes seen", result.leaderChanges());
        row(
                text,
                "raw writes: acknowledged, unknown",
                sum(result, RawAppends.Report::acknowledged) + ", " + sum(result, RawAppends.Report::unknown));
        row(
                text,
                "raw reads meanwhile: answered, failed",
                sum(result, RawAppends.Report::reads) + ", " + sum(result, RawAppends.Report::failedReads));
        row(text, "longest time without success while nodes ran", seconds(longestStall(result)));
        row(
                text,
                "such times with a failed call",
                result.raw().stream().mapToLong(RawResult::failedStalls).sum());
        row(
                text,
                "raw writes lost, wrong",
                sum(result, RawAppends.Report::lost) + ", " + sum(result, RawAppends.Report::wrong));
        row(
                text,
                "anomalies of transactions",
                result.histories().stream()
                        .mapToLong(history -> history.judgement().anomalies())
                        .sum());
        row(
                text,
                "regions in the end, compared and the same",
                result.check().regions().size() + ", "
                        + result.check().regions().stream()
                                .filter(region -> region.isClean())
                                .count());
        row(text, "found by rutile check", result.check().findings().size());
        row(text, "trouble", result.troubles().isEmpty() ? "none" : String.join("; ", result.troubles()));
        return text.toString();
    }

    private static Duration longestStall(RegionResult result) {
        return result.raw().stream()
                .map(RawResult::longestStall)
                .max(Comparator.naturalOrder())
                .orElse(Duration.ZERO);
    }

    private static String seconds(Duration stall) {
        return stall.isZero() ? "under 1 s" : String.format(Locale.ROOT, "%.1f s", stall.toMillis() / 1e3);
    }

    private static long sum(RegionResult result, ToLongFunction<RawAppends.Report> figure) {
        return result.raw().stream().map(RawResult::report).mapToLong(figure).sum();
    }

    private static void row(StringBuilder text, String name, Object figure) {
        text.append("| ").append(name).append(" | ").append(figure).append(" |\n");
    }
}
