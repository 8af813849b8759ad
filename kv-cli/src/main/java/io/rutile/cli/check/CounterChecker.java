package io.rutile.cli.check;

import io.rutile.cli.check.Anomaly.Kind;
import io.rutile.cli.check.TxnRecord.Interval;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Counters that are read under a lock and written one greater. In the end each has been incremented by every acknowledged
 * transaction, by none that failed, and by any of those whose outcome is unknown. Since every increment writes a value of its own, it
 * is also known which one is missing.
 */
public final class CounterChecker implements Checker {

    @Override
    public Verdict check(List<TxnRecord> history) {
        Findings findings = new Findings();
        Map<String, Counter> counters = new TreeMap<>();
        for (TxnRecord txn : history) {
            for (Step step : txn.steps()) {
                Counter counter = counters.computeIfAbsent(step.key(), Counter::new);
                if (step.kind() == Step.Kind.WRITE) {
                    counter.incremented(txn, step.value());
                } else if (txn.is(Outcome.OK) && txn.writesNothing()) {
                    counter.read(txn, step.values().isEmpty() ? 0 : step.value());
                }
            }
        }
        counters.values().forEach(counter -> counter.check(findings));
        return findings.verdict("counter that was read after its last increment");
    }

    /** What happened to one counter. */
    private static final class Counter {

        private final String key;
        private final Map<Long, List<TxnRecord>> acknowledged = new HashMap<>();
        private final Map<Long, List<TxnRecord>> unknown = new HashMap<>();
        private final List<Interval> increments = new ArrayList<>();
        private @Nullable TxnRecord lastReader;
        private long lastValue;

        Counter(String key) {
            this.key = key;
        }

        void incremented(TxnRecord txn, long value) {
            switch (txn.outcome()) {
                case OK ->
                    acknowledged.computeIfAbsent(value, v -> new ArrayList<>()).add(txn);
                case UNKNOWN ->
                    unknown.computeIfAbsent(value, v -> new ArrayList<>()).add(txn);
                case FAILED -> {}
            }
            increments.add(txn.time());
        }

        void read(TxnRecord txn, long value) {
            TxnRecord last = lastReader;
            if (last == null || last.time().endedNanos() < txn.time().endedNanos()) {
                lastReader = txn;
                lastValue = value;
            }
        }

        void check(Findings findings) {
            acknowledged.forEach((value, txns) -> {
                if (txns.size() > 1) {
                    findings.add(
                            Kind.LOST_UPDATE,
                            txns.size() + " increments of " + key + " wrote " + value + " each",
                            txns);
                }
            });
            TxnRecord reader = lastReader;
            if (reader != null && increments.stream().allMatch(time -> time.isBefore(reader.time()))) {
                findings.checked(1);
                checkSum(reader, findings);
                checkEveryValue(reader, findings);
            }
        }

        private void checkSum(TxnRecord reader, Findings findings) {
            long ok = acknowledged.values().stream().mapToLong(List::size).sum();
            long maybe = unknown.values().stream().mapToLong(List::size).sum();
            String sum = key + " holds " + lastValue + " after " + ok + " acknowledged increments and " + maybe
                    + " of unknown outcome";
            if (lastValue < ok) {
                findings.add(Kind.LOST_UPDATE, sum, reader);
            } else if (lastValue > ok + maybe) {
                findings.add(Kind.PHANTOM_UPDATE, sum, reader);
            }
        }

        /** Each value on the way to the last was written by exactly one; no acknowledged one lies beyond. */
        private void checkEveryValue(TxnRecord reader, Findings findings) {
            for (long value = 1; value <= lastValue; value++) {
                if (!acknowledged.containsKey(value) && !unknown.containsKey(value)) {
                    findings.add(Kind.PHANTOM_UPDATE, key + " went through " + value + ", which nobody wrote", reader);
                }
            }
            for (long value : new TreeSet<>(acknowledged.keySet())) {
                if (value > lastValue) {
                    findings.add(
                            Kind.LOST_UPDATE,
                            key + " was incremented to " + value + ", but ends at " + lastValue,
                            acknowledged.getOrDefault(value, List.of()));
                }
            }
        }
    }
}
