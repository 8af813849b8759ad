package io.rutile.cli.verify;

import io.rutile.cli.check.Outcome;
import io.rutile.cli.fault.Fault;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Results as one Markdown table. */
public final class ResultTable {

    private ResultTable() {}

    public static String markdown(List<Result> results) {
        StringBuilder text = new StringBuilder(
                "| workload | protocol | ok | failed | unknown | committed 2pc / async / 1pc | faults | leader changes | checked | anomalies |\n"
                        + "|---|---|---:|---:|---:|---:|---|---:|---:|---|\n");
        results.forEach(result -> text.append(row(result)));
        return text.toString();
    }

    private static String row(Result result) {
        Judgement judgement = result.judgement();
        return String.format(
                Locale.ROOT,
                "| %s | %s | %d | %d | %d | %s | %s | %d | %d | %s |%n",
                judgement.header().workload(),
                judgement.header().protocol(),
                judgement.outcomes().get(Outcome.OK),
                judgement.outcomes().get(Outcome.FAILED),
                judgement.outcomes().get(Outcome.UNKNOWN),
                Stream.of("two_phase", "async", "one_phase")
                        .map(way -> String.valueOf(result.commits().getOrDefault(way, 0L)))
                        .collect(Collectors.joining(" / ")),
                faults(result.faults()),
                result.leaderChanges(),
                judgement.isolation().checked(),
                anomalies(result));
    }

    static String faults(Map<Fault, Integer> faults) {
        if (faults.isEmpty()) {
            return "none";
        }
        return Stream.of(Fault.values())
                .filter(faults::containsKey)
                .map(fault -> faults.get(fault) + " " + fault.label())
                .collect(Collectors.joining(", "));
    }

    private static String anomalies(Result result) {
        String found = result.judgement().counts().entrySet().stream()
                .map(entry -> entry.getValue() + " " + entry.getKey())
                .sorted()
                .collect(Collectors.joining(", "));
        String troubles = String.join("; ", result.troubles());
        if (found.isEmpty() && troubles.isEmpty()) {
            return "0";
        }
        return Stream.of(found, troubles).filter(part -> !part.isEmpty()).collect(Collectors.joining("; "));
    }
}
