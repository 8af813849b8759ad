package io.rutile.cli.check;

import io.rutile.cli.check.Anomaly.Kind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What one transaction saw of each list before it appended to it: its snapshot. Walks through its steps once and reports where they
 * contradict each other: a list shows what was read before and, behind it, what the transaction itself appended since.
 */
final class ListReads {

    private final TxnRecord txn;
    private final Findings findings;
    /** Of each list that was read, in order of the first reads. */
    private final Map<String, List<Long>> snapshot = new LinkedHashMap<>();

    private final Map<String, List<Long>> expected = new HashMap<>();
    private final Map<String, List<Long>> own = new HashMap<>();

    private ListReads(TxnRecord txn, Findings findings) {
        this.txn = txn;
        this.findings = findings;
    }

    static Map<String, List<Long>> of(TxnRecord txn, Findings findings) {
        ListReads reads = new ListReads(txn, findings);
        txn.steps().forEach(reads::walk);
        return reads.snapshot;
    }

    private void walk(Step step) {
        switch (step.kind()) {
            case APPEND -> append(step.key(), step.value());
            case READ -> read(step);
            case WRITE ->
                throw new IllegalArgumentException(
                        txn.name() + " writes " + step.key() + ", but lists are appended to");
        }
    }

    private void append(String key, long element) {
        own.computeIfAbsent(key, k -> new ArrayList<>()).add(element);
        List<Long> known = expected.get(key);
        if (known != null) {
            known.add(element);
        }
    }

    private void read(Step step) {
        List<Long> seen = step.values();
        List<Long> known = expected.get(step.key());
        List<Long> mine = own.getOrDefault(step.key(), List.of());
        if (known != null) {
            if (!known.equals(seen)) {
                findings.add(
                        Kind.INTERNAL,
                        txn.name() + " read " + step + " where its own steps make it " + Step.text(known),
                        txn);
            }
            return;
        }
        int others = seen.size() - mine.size();
        if (others < 0 || !seen.subList(others, seen.size()).equals(mine)) {
            findings.add(
                    Kind.INTERNAL,
                    txn.name() + " read " + step + " without its own " + Step.text(mine) + " behind",
                    txn);
            others = seen.size();
        }
        snapshot.put(step.key(), List.copyOf(seen.subList(0, others)));
        expected.put(step.key(), new ArrayList<>(seen));
    }
}
