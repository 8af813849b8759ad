package io.rutile.cli.check;

import io.rutile.cli.check.Dependency.Kind;
import io.rutile.cli.check.ListHistory.ListKey;
import io.rutile.cli.check.ListHistory.Seen;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Committed transactions and which of them must come before which others. */
final class DependencyGraph {

    /** In the place of a writer that is not known or not committed. */
    private static final int NONE = -1;

    private final List<TxnRecord> transactions;
    private final Map<Long, Integer> indexes = new HashMap<>();
    private final List<List<Dependency>> outgoing = new ArrayList<>();

    private DependencyGraph(List<TxnRecord> transactions) {
        this.transactions = transactions;
        for (TxnRecord txn : transactions) {
            indexes.put(txn.id(), outgoing.size());
            outgoing.add(new ArrayList<>());
        }
    }

    static DependencyGraph of(ListHistory lists) {
        DependencyGraph graph = new DependencyGraph(lists.committed());
        lists.keys().forEach(graph::add);
        return graph;
    }

    int size() {
        return transactions.size();
    }

    TxnRecord transaction(int index) {
        return transactions.get(index);
    }

    List<Dependency> outgoing(int index) {
        return outgoing.get(index);
    }

    private void add(ListKey list) {
        List<Integer> writers = new ArrayList<>();
        for (long element : list.order()) {
            TxnRecord writer = list.writerOf(element);
            writers.add(writer == null ? NONE : indexes.getOrDefault(writer.id(), NONE));
        }
        addWriteOrder(list, writers);
        for (Seen seen : list.reads()) {
            if (isPrefix(seen.elements(), list.order())) {
                addRead(list, writers, seen);
            }
        }
    }

    private void addWriteOrder(ListKey list, List<Integer> writers) {
        int before = NONE;
        for (int i = 0; i < writers.size(); i++) {
            int writer = writers.get(i);
            if (writer == NONE) {
                continue;
            }
            if (before != NONE && before != writer) {
                add(before, writer, Kind.WW, list, i);
            }
            before = writer;
        }
    }

    private void addRead(ListKey list, List<Integer> writers, Seen seen) {
        int reader = indexes.getOrDefault(seen.reader().id(), NONE);
        int length = seen.elements().size();
        for (int i = length - 1; i >= 0; i--) {
            int writer = writers.get(i);
            if (writer != NONE) {
                if (writer != reader) {
                    add(writer, reader, Kind.WR, list, length);
                }
                break;
            }
        }
        for (int i = length; i < writers.size(); i++) {
            int writer = writers.get(i);
            if (writer != NONE) {
                if (writer != reader) {
                    add(reader, writer, Kind.RW, list, length);
                }
                break;
            }
        }
        addUnread(list, reader, seen);
    }

    /** An acknowledged append that nobody ever saw comes after everything that was seen. */
    private void addUnread(ListKey list, int reader, Seen seen) {
        if (seen.elements().size() < list.order().size()) {
            return;
        }
        Set<Long> read = new HashSet<>(seen.elements());
        list.writers().forEach((element, txn) -> {
            int writer = indexes.getOrDefault(txn.id(), NONE);
            if (writer != NONE && writer != reader && !read.contains(element)) {
                add(reader, writer, Kind.RW, list, seen.elements().size());
            }
        });
    }

    private void add(int from, int to, Kind kind, ListKey list, int versionLength) {
        String seen = versionLength == 0
                ? "the empty list"
                : "element " + list.order().get(versionLength - 1);
        outgoing.get(from).add(new Dependency(from, to, kind, list.key(), seen));
    }

    static boolean isPrefix(List<Long> shorter, List<Long> longer) {
        return shorter.size() <= longer.size()
                && longer.subList(0, shorter.size()).equals(shorter);
    }
}
