package io.rutile.cli.check;

import io.rutile.cli.check.Anomaly.Kind;
import java.util.Comparator;
import java.util.List;

/**
 * A transaction reads a snapshot no older than every commit that was acknowledged before it began (T1 and, with async and one-phase
 * commit, a commit timestamp that is not below the present). Holds for any workload.
 */
public final class RealTimeChecker implements Checker {

    @Override
    public Verdict check(List<TxnRecord> history) {
        Findings findings = new Findings();
        List<TxnRecord> committed = history.stream()
                .filter(txn -> txn.is(Outcome.OK))
                .sorted(Comparator.comparingLong(txn -> txn.time().endedNanos()))
                .toList();
        List<TxnRecord> begun = history.stream()
                .filter(txn -> txn.startTs().value() != 0)
                .sorted(Comparator.comparingLong(txn -> txn.time().begunNanos()))
                .toList();
        TxnRecord newest = null;
        int next = 0;
        for (TxnRecord txn : begun) {
            while (next < committed.size() && committed.get(next).time().isBefore(txn.time())) {
                TxnRecord ended = committed.get(next++);
                if (newest == null || ended.commitTs().compareTo(newest.commitTs()) > 0) {
                    newest = ended;
                }
            }
            if (newest != null) {
                findings.checked(1);
                if (newest.commitTs().compareTo(txn.startTs()) > 0) {
                    findings.add(
                            Kind.REAL_TIME,
                            txn.name() + " began after " + newest.name()
                                    + " was acknowledged, but reads an older moment",
                            newest,
                            txn);
                }
            }
        }
        return findings.verdict("transaction that began after another was committed");
    }
}
