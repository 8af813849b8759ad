package io.rutile.cli.check;

import io.rutile.protocol.TimeStamp;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Whether somebody who watched all the time was told what was committed: in order, each change once, none that was acknowledged left out,
 * and none that nobody can have written. Holds for any workload.
 */
public final class WatchChecker {

    /** More sentences tell no more. */
    private static final int FINDINGS_MAX = 10;

    /**
     * A change that the watcher was told of.
     *
     * @param commitTs unsigned
     */
    public record Seen(long commitTs, String key) {

        private boolean isBefore(Seen other) {
            int byTs = Long.compareUnsigned(commitTs, other.commitTs);
            return byTs != 0 ? byTs < 0 : key.compareTo(other.key) < 0;
        }
    }

    private WatchChecker() {}

    /**
     * Compares.
     *
     * @param history of everybody who wrote to what was watched, begun after the watcher
     * @param seen in the order in which it was told, with everything up to the end of the history
     * @return sentences; none if all is well
     */
    public static List<String> check(List<TxnRecord> history, List<Seen> seen) {
        List<String> findings = new ArrayList<>();
        Set<Seen> told = new HashSet<>();
        Seen last = null;
        for (Seen one : seen) {
            if (!told.add(one)) {
                add(findings, "the watcher was told twice of " + text(one));
            } else if (last != null && one.isBefore(last)) {
                add(findings, "the watcher was told of " + text(one) + " after " + text(last));
            }
            last = one;
        }
        Set<Seen> acknowledged = new HashSet<>();
        Set<String> doubtful = new HashSet<>();
        for (TxnRecord txn : history) {
            for (Step step : txn.steps()) {
                if (step.kind() == Step.Kind.READ) {
                    continue;
                }
                if (txn.is(Outcome.UNKNOWN)) {
                    doubtful.add(step.key());
                } else if (txn.is(Outcome.OK)) {
                    Seen due = new Seen(txn.commitTs().value(), step.key());
                    if (acknowledged.add(due) && !told.contains(due)) {
                        add(findings, "the watcher was not told of " + text(due) + ", which " + txn.name() + " wrote");
                    }
                }
            }
        }
        for (Seen one : told) {
            if (!acknowledged.contains(one) && !doubtful.contains(one.key())) {
                add(findings, "the watcher was told of " + text(one) + ", which nobody wrote");
            }
        }
        return List.copyOf(findings);
    }

    private static void add(List<String> findings, String sentence) {
        if (findings.size() < FINDINGS_MAX) {
            findings.add(sentence);
        }
    }

    private static String text(Seen one) {
        return one.key() + " at " + new TimeStamp(one.commitTs());
    }
}
