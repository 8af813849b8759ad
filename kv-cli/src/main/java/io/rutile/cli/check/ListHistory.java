package io.rutile.cli.check;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A history of lists, key by key: who appended what, who read what, and the order of a list's versions, which its longest read shows.
 *
 * <p>A transaction of unknown outcome counts as committed once a committed one has seen an element of it.
 */
final class ListHistory {

    /** What a transaction saw of a list, without its own appends. */
    record Seen(TxnRecord reader, List<Long> elements) {}

    /** One list. */
    static final class ListKey {

        private final String key;
        private final Map<Long, TxnRecord> writers = new HashMap<>();
        private final Map<Long, Long> lastElements = new HashMap<>();
        private final List<Seen> reads = new ArrayList<>();
        private List<Long> order = List.of();

        private ListKey(String key) {
            this.key = key;
        }

        String key() {
            return key;
        }

        /** By element, whatever became of them. */
        Map<Long, TxnRecord> writers() {
            return writers;
        }

        /** Null if nobody appended it. */
        @Nullable TxnRecord writerOf(long element) {
            return writers.get(element);
        }

        boolean isAppendedBy(TxnRecord txn) {
            return lastElements.containsKey(txn.id());
        }

        /** True if its transaction appended nothing to this list after it. */
        boolean isLastOfItsWriter(long element) {
            TxnRecord writer = writers.get(element);
            return writer != null && Long.valueOf(element).equals(lastElements.get(writer.id()));
        }

        /** Of committed transactions. */
        List<Seen> reads() {
            return reads;
        }

        /** The longest read: the order in which its elements came to be. */
        List<Long> order() {
            return order;
        }
    }

    private final Map<String, ListKey> keys = new TreeMap<>();
    private final List<TxnRecord> committed = new ArrayList<>();

    /**
     * Reads it.
     *
     * @param findings told of transactions whose own steps contradict each other
     * @throws IllegalArgumentException if an element is appended twice to a list
     */
    static ListHistory of(List<TxnRecord> history, Findings findings) {
        ListHistory lists = new ListHistory();
        List<Map<String, List<Long>>> snapshots = new ArrayList<>();
        for (TxnRecord txn : history) {
            lists.takeAppends(txn);
            snapshots.add(ListReads.of(txn, findings));
        }
        for (int i = 0; i < history.size(); i++) {
            if (history.get(i).is(Outcome.OK)) {
                lists.takeCommitted(history.get(i), snapshots.get(i));
            }
        }
        lists.findOrders();
        for (int i = 0; i < history.size(); i++) {
            if (history.get(i).is(Outcome.UNKNOWN) && lists.isSeen(history.get(i))) {
                lists.takeCommitted(history.get(i), snapshots.get(i));
            }
        }
        lists.findOrders();
        return lists;
    }

    Iterable<ListKey> keys() {
        return keys.values();
    }

    List<TxnRecord> committed() {
        return committed;
    }

    private ListKey key(String name) {
        return keys.computeIfAbsent(name, ListKey::new);
    }

    private void takeAppends(TxnRecord txn) {
        for (Step step : txn.steps()) {
            if (step.kind() == Step.Kind.APPEND) {
                ListKey list = key(step.key());
                TxnRecord other = list.writers.put(step.value(), txn);
                if (other != null) {
                    throw new IllegalArgumentException("element " + step.value() + " of " + step.key()
                            + " is appended by " + other.name() + " and by " + txn.name());
                }
                list.lastElements.put(txn.id(), step.value());
            }
        }
    }

    private void takeCommitted(TxnRecord txn, Map<String, List<Long>> snapshot) {
        committed.add(txn);
        snapshot.forEach((key, elements) -> key(key).reads.add(new Seen(txn, elements)));
    }

    private void findOrders() {
        for (ListKey list : keys.values()) {
            for (Seen seen : list.reads) {
                if (seen.elements().size() > list.order.size()) {
                    list.order = seen.elements();
                }
            }
        }
    }

    /** A read that is no prefix of the order may still show it, so all reads are asked. */
    private boolean isSeen(TxnRecord txn) {
        return txn.steps().stream()
                .filter(step -> step.kind() == Step.Kind.APPEND)
                .anyMatch(step -> key(step.key()).reads.stream()
                        .anyMatch(seen -> seen.elements().contains(step.value())));
    }
}
