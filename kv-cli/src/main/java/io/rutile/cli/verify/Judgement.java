package io.rutile.cli.verify;

import io.rutile.cli.check.Anomaly;
import io.rutile.cli.check.HistoryFile;
import io.rutile.cli.check.HistoryHeader;
import io.rutile.cli.check.Outcome;
import io.rutile.cli.check.RealTimeChecker;
import io.rutile.cli.check.TxnRecord;
import io.rutile.cli.check.Verdict;
import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What a history on disk shows.
 *
 * @param outcomes how many transactions had which outcome
 * @param isolation of the workload's own checker
 * @param realTime of the checker for every workload
 */
public record Judgement(HistoryHeader header, Map<Outcome, Long> outcomes, Verdict isolation, Verdict realTime) {

    /**
     * Reads and judges a history.
     *
     * @throws IllegalArgumentException if the file holds none
     */
    public static Judgement of(Path file) throws IOException {
        HistoryFile.Content history = HistoryFile.read(file);
        List<TxnRecord> transactions = history.transactions();
        Map<Outcome, Long> outcomes = new EnumMap<>(Outcome.class);
        for (Outcome outcome : Outcome.values()) {
            outcomes.put(outcome, 0L);
        }
        transactions.forEach(txn -> outcomes.merge(txn.outcome(), 1L, Long::sum));
        return new Judgement(
                history.header(),
                outcomes,
                history.header().checker().check(transactions),
                new RealTimeChecker().check(transactions));
    }

    public boolean isClean() {
        return isolation.isClean() && realTime.isClean();
    }

    public long anomalies() {
        return isolation.anomalies() + realTime.anomalies();
    }

    /** By name; only what was found. */
    public Map<String, Long> counts() {
        Map<String, Long> counts = new LinkedHashMap<>();
        isolation.counts().forEach((kind, count) -> counts.merge(kind.label(), count, Long::sum));
        realTime.counts().forEach((kind, count) -> counts.merge(kind.label(), count, Long::sum));
        return counts;
    }

    public List<Anomaly> examples() {
        return Stream.concat(isolation.examples().stream(), realTime.examples().stream())
                .toList();
    }
}
