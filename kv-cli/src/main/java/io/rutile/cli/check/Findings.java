package io.rutile.cli.check;

import io.rutile.cli.check.Anomaly.Kind;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Collects anomalies: counts all of them and keeps the first few of each kind, because a broken store shows thousands. */
final class Findings {

    private static final int EXAMPLES_OF_A_KIND_MAX = 5;

    private final Map<Kind, Long> counts = new EnumMap<>(Kind.class);
    private final List<Anomaly> examples = new ArrayList<>();
    private long checked;

    void checked(long observations) {
        checked += observations;
    }

    void add(Kind kind, String sentence, TxnRecord... transactions) {
        add(kind, sentence, List.of(transactions));
    }

    void add(Kind kind, String sentence, List<TxnRecord> transactions) {
        if (counts.merge(kind, 1L, Long::sum) <= EXAMPLES_OF_A_KIND_MAX) {
            examples.add(new Anomaly(kind, sentence, transactions));
        }
    }

    /** @param what the observations that are needed, for the case that there were none */
    Verdict verdict(String what) {
        if (checked == 0) {
            add(Kind.NOTHING_CHECKED, "the history has no " + what);
        }
        return new Verdict(checked, counts, examples);
    }
}
