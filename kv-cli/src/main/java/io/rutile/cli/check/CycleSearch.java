package io.rutile.cli.check;

import io.rutile.cli.check.Dependency.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Finds cycles that snapshot isolation excludes: those in which no anti-dependency (RW) follows another one. Write skew, two in a row,
 * is allowed.
 *
 * <p>A transaction is two states: reached by an anti-dependency, from where another one must not follow, or by anything else. The
 * forbidden cycles are the strongly connected components of these states, found in one pass in linear time; a correct store has none.
 * Only in a component are cycles looked for, the smallest of each class.
 */
final class CycleSearch {

    /** How many dependencies of a component are tried as the beginning of the smallest cycle. */
    private static final int BEGINNINGS_MAX = 500;

    /** No cycle is smaller. */
    private static final int SMALLEST = 2;

    private final DependencyGraph graph;

    CycleSearch(DependencyGraph graph) {
        this.graph = graph;
    }

    void report(Findings findings) {
        for (BitSet component : new Components().find()) {
            report(component, findings);
        }
    }

    private void report(BitSet component, Findings findings) {
        Optional<List<Dependency>> writes = smallest(component, Kind.WW, kind -> kind == Kind.WW);
        writes.ifPresent(cycle -> findings.add(Anomaly.Kind.G0, sentence(cycle), transactions(cycle)));
        Optional<List<Dependency>> reads = smallest(component, Kind.WR, kind -> kind != Kind.RW);
        reads.ifPresent(cycle -> findings.add(Anomaly.Kind.G1C, sentence(cycle), transactions(cycle)));
        Optional<List<Dependency>> single = smallest(component, Kind.RW, kind -> kind != Kind.RW);
        single.ifPresent(cycle -> findings.add(Anomaly.Kind.G_SINGLE, sentence(cycle), transactions(cycle)));
        if (writes.isEmpty() && reads.isEmpty() && single.isEmpty()) {
            smallest(component, Kind.RW, kind -> true)
                    .ifPresentOrElse(
                            cycle -> findings.add(Anomaly.Kind.G_NONADJACENT, sentence(cycle), transactions(cycle)),
                            () -> findings.add(
                                    Anomaly.Kind.G_NONADJACENT,
                                    "a cycle among " + component.cardinality() + " transactions, too large to show",
                                    List.of()));
        }
    }

    /** The smallest cycle that has a dependency of this kind, and otherwise only those that are allowed, no two RW in a row. */
    private Optional<List<Dependency>> smallest(BitSet component, Kind with, Predicate<Kind> allowed) {
        List<Dependency> best = null;
        int tried = 0;
        for (int from = component.nextSetBit(0); from >= 0; from = component.nextSetBit(from + 1)) {
            for (Dependency first : graph.outgoing(from)) {
                if (first.kind() != with || !component.get(first.to())) {
                    continue;
                }
                if (tried++ == BEGINNINGS_MAX) {
                    return Optional.ofNullable(best);
                }
                List<Dependency> cycle = shortestClosing(component, first, allowed);
                if (cycle != null && (best == null || cycle.size() < best.size())) {
                    best = cycle;
                }
                if (best != null && best.size() == SMALLEST) {
                    return Optional.of(best);
                }
            }
        }
        return Optional.ofNullable(best);
    }

    /** Breadth first from the end of a dependency back to its beginning. */
    private @Nullable List<Dependency> shortestClosing(BitSet component, Dependency first, Predicate<Kind> allowed) {
        Map<Integer, Reached> reached = new HashMap<>();
        int start = state(first);
        ArrayDeque<Integer> queue = new ArrayDeque<>(List.of(start));
        while (!queue.isEmpty()) {
            int state = queue.remove();
            for (Dependency next : graph.outgoing(state / 2)) {
                int to = state(next);
                if (!allowed.test(next.kind())
                        || !component.get(next.to())
                        || !mayFollow(state, next)
                        || to == start
                        || reached.putIfAbsent(to, new Reached(state, next)) != null) {
                    continue;
                }
                // The cycle closes here, unless the first would then be a second RW in a row.
                if (next.to() == first.from() && (first.kind() != Kind.RW || next.kind() != Kind.RW)) {
                    return path(first, start, to, reached);
                }
                queue.add(to);
            }
        }
        return null;
    }

    private record Reached(int from, Dependency by) {}

    private static List<Dependency> path(Dependency first, int start, int end, Map<Integer, Reached> reached) {
        List<Dependency> cycle = new ArrayList<>();
        int state = end;
        while (state != start) {
            Reached step = Objects.requireNonNull(reached.get(state));
            cycle.add(step.by());
            state = step.from();
        }
        cycle.add(first);
        Collections.reverse(cycle);
        return cycle;
    }

    private List<TxnRecord> transactions(List<Dependency> cycle) {
        return cycle.stream().map(edge -> graph.transaction(edge.from())).toList();
    }

    private String sentence(List<Dependency> cycle) {
        StringBuilder text = new StringBuilder("a cycle of " + cycle.size() + ":");
        for (Dependency edge : cycle) {
            text.append(' ')
                    .append(graph.transaction(edge.from()).name())
                    .append(" -(")
                    .append(edge.label())
                    .append(")->");
        }
        return text.append(' ')
                .append(graph.transaction(cycle.get(0).from()).name())
                .toString();
    }

    // ---- states: 2 × transaction, + 1 if it was reached by an anti-dependency

    private static int state(Dependency reachedBy) {
        return 2 * reachedBy.to() + (reachedBy.kind() == Kind.RW ? 1 : 0);
    }

    private static boolean mayFollow(int state, Dependency next) {
        return next.kind() != Kind.RW || state % 2 == 0;
    }

    /** Tarjan's algorithm with a stack of its own: histories are longer than a thread's stack is deep. */
    private final class Components {

        private final int states = 2 * graph.size();
        private final int[] number = new int[states];
        private final int[] low = new int[states];
        private final int[] nextEdge = new int[states];
        private final BitSet onStack = new BitSet(states);
        private final ArrayDeque<Integer> stack = new ArrayDeque<>();
        private final ArrayDeque<Integer> calls = new ArrayDeque<>();
        private final List<BitSet> found = new ArrayList<>();
        private int counter;

        /** The transactions of each component of several states, the smallest component first. */
        List<BitSet> find() {
            Arrays.fill(number, -1);
            for (int state = 0; state < states; state++) {
                if (number[state] < 0) {
                    visit(state);
                }
            }
            found.sort(Comparator.comparingInt(BitSet::cardinality));
            return found;
        }

        private void visit(int root) {
            enter(root);
            while (!calls.isEmpty()) {
                int state = calls.element();
                List<Dependency> edges = graph.outgoing(state / 2);
                if (nextEdge[state] < edges.size()) {
                    follow(state, edges.get(nextEdge[state]++));
                } else {
                    calls.pop();
                    leave(state);
                    if (!calls.isEmpty()) {
                        int caller = calls.element();
                        low[caller] = Math.min(low[caller], low[state]);
                    }
                }
            }
        }

        private void enter(int state) {
            number[state] = counter;
            low[state] = counter;
            counter++;
            stack.push(state);
            onStack.set(state);
            calls.push(state);
        }

        private void follow(int state, Dependency edge) {
            if (!mayFollow(state, edge)) {
                return;
            }
            int to = state(edge);
            if (number[to] < 0) {
                enter(to);
            } else if (onStack.get(to)) {
                low[state] = Math.min(low[state], number[to]);
            }
        }

        private void leave(int state) {
            if (low[state] != number[state]) {
                return;
            }
            BitSet transactions = new BitSet();
            int members = 0;
            int member;
            do {
                member = stack.pop();
                onStack.clear(member);
                transactions.set(member / 2);
                members++;
            } while (member != state);
            if (members > 1) {
                found.add(transactions);
            }
        }
    }
}
