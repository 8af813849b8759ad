package io.rutile.cli.check;

import java.util.List;
import java.util.Map;

/**
 * What a checker found.
 *
 * @param checked how many observations could have shown an anomaly: zero proves nothing, and is an anomaly itself
 * @param counts how many anomalies of each kind; only kinds that were found
 * @param examples the first few of each kind
 */
public record Verdict(long checked, Map<Anomaly.Kind, Long> counts, List<Anomaly> examples) {

    public Verdict {
        counts = Map.copyOf(counts);
        examples = List.copyOf(examples);
    }

    public boolean isClean() {
        return counts.isEmpty();
    }

    public long anomalies() {
        return counts.values().stream().mapToLong(Long::longValue).sum();
    }

    public boolean has(Anomaly.Kind kind) {
        return counts.containsKey(kind);
    }
}
