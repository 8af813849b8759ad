package io.rutile.cli.check;

import io.rutile.cli.check.Anomaly.Kind;
import io.rutile.cli.check.ListHistory.ListKey;
import io.rutile.cli.check.ListHistory.Seen;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Transactions append unique elements to lists and read them. A list shows all its former versions, so the reads tell the order of
 * writes, and from it follow the dependencies between transactions: whether snapshot isolation explains the history (P6) is whether
 * they have a cycle that it excludes ({@link CycleSearch}).
 *
 * <p>Besides: no acknowledged append is lost, nobody sees what was rolled back or half done, and, where timestamps are known, each
 * snapshot is exactly what was committed up to it.
 */
public final class ListAppendChecker implements Checker {

    @Override
    public Verdict check(List<TxnRecord> history) {
        Findings findings = new Findings();
        ListHistory lists = ListHistory.of(history, findings);
        for (ListKey list : lists.keys()) {
            Acknowledged acknowledged = new Acknowledged(list, findings);
            for (Seen seen : list.reads()) {
                findings.checked(1);
                checkElements(list, seen, findings);
                checkOrder(list, seen, findings);
                acknowledged.check(seen);
            }
            checkUpdates(list, findings);
            checkCommitOrder(list, findings);
        }
        new CycleSearch(DependencyGraph.of(lists)).report(findings);
        return findings.verdict("read of a list by a committed transaction");
    }

    private static void checkElements(ListKey list, Seen seen, Findings findings) {
        TxnRecord reader = seen.reader();
        Set<Long> met = new HashSet<>();
        for (long element : seen.elements()) {
            TxnRecord writer = list.writerOf(element);
            if (!met.add(element)) {
                findings.add(Kind.DUPLICATE, list.key() + " holds " + element + " twice", reader);
            } else if (writer == null) {
                findings.add(Kind.NEVER_WRITTEN, list.key() + " holds " + element + ", which nobody appended", reader);
            } else if (writer.is(Outcome.FAILED)) {
                findings.add(
                        Kind.G1A,
                        reader.name() + " read " + element + " in " + list.key() + " of " + writer.name()
                                + ", which failed",
                        reader,
                        writer);
            }
        }
        checkLastElement(list, seen, findings);
    }

    private static void checkLastElement(ListKey list, Seen seen, Findings findings) {
        if (seen.elements().isEmpty()) {
            return;
        }
        long last = seen.elements().get(seen.elements().size() - 1);
        TxnRecord writer = list.writerOf(last);
        if (writer != null && writer.id() != seen.reader().id() && !list.isLastOfItsWriter(last)) {
            findings.add(
                    Kind.G1B,
                    seen.reader().name() + " read " + list.key() + " up to " + last + ", where " + writer.name()
                            + " was half done",
                    seen.reader(),
                    writer);
        }
    }

    private static void checkOrder(ListKey list, Seen seen, Findings findings) {
        if (!DependencyGraph.isPrefix(seen.elements(), list.order())) {
            findings.add(
                    Kind.INCOMPATIBLE_ORDER,
                    seen.reader().name() + " read " + list.key() + " " + Step.text(seen.elements())
                            + ", another one read " + Step.text(list.order()),
                    seen.reader());
        }
    }

    /** Two that read one version and append to it: whichever came first, the other one did not see it. */
    private static void checkUpdates(ListKey list, Findings findings) {
        Map<List<Long>, TxnRecord> updates = new HashMap<>();
        for (Seen seen : list.reads()) {
            if (list.isAppendedBy(seen.reader())) {
                TxnRecord other = updates.putIfAbsent(seen.elements(), seen.reader());
                if (other != null) {
                    findings.add(
                            Kind.G_SINGLE,
                            other.name() + " and " + seen.reader().name() + " both read " + list.key() + " "
                                    + Step.text(seen.elements()) + " and appended to it: one update is lost",
                            other,
                            seen.reader());
                }
            }
        }
    }

    private static void checkCommitOrder(ListKey list, Findings findings) {
        TxnRecord before = null;
        for (long element : list.order()) {
            TxnRecord writer = list.writerOf(element);
            if (writer == null || !writer.is(Outcome.OK)) {
                continue;
            }
            if (before != null && before.commitTs().compareTo(writer.commitTs()) > 0) {
                findings.add(
                        Kind.TIME_TRAVEL,
                        before.name() + " appended to " + list.key() + " before " + writer.name()
                                + ", but was committed later",
                        before,
                        writer);
            }
            before = writer;
        }
    }

    /** Acknowledged appends to one list: who must see them, by the client's clock and by timestamps. */
    private static final class Acknowledged {

        private final ListKey list;
        private final Findings findings;
        private final Set<Long> order;
        private final Set<Long> lost = new HashSet<>();

        Acknowledged(ListKey list, Findings findings) {
            this.list = list;
            this.findings = findings;
            this.order = new HashSet<>(list.order());
        }

        void check(Seen seen) {
            Set<Long> read = new HashSet<>(seen.elements());
            list.writers().forEach((element, writer) -> {
                if (writer.is(Outcome.OK) && writer.id() != seen.reader().id()) {
                    checkRealTime(seen.reader(), writer, element, read.contains(element));
                    checkTimestamps(seen.reader(), writer, element, read.contains(element));
                }
            });
        }

        private void checkRealTime(TxnRecord reader, TxnRecord writer, long element, boolean isSeen) {
            if (isSeen || !writer.time().isBefore(reader.time())) {
                return;
            }
            String sentence = reader.name() + " read " + list.key() + " without " + element + ", appended by "
                    + writer.name() + ", which was acknowledged before";
            if (order.contains(element)) {
                findings.add(Kind.STALE_READ, sentence, reader, writer);
            } else if (lost.add(element)) {
                findings.add(Kind.LOST_APPEND, sentence, reader, writer);
            }
        }

        /** An element is seen if and only if it was committed at the snapshot's moment or before. */
        private void checkTimestamps(TxnRecord reader, TxnRecord writer, long element, boolean isSeen) {
            if (reader.startTs().value() == 0 || writer.commitTs().value() == 0) {
                return;
            }
            boolean isDue = writer.commitTs().compareTo(reader.startTs()) <= 0;
            if (isDue != isSeen) {
                findings.add(
                        Kind.TIME_TRAVEL,
                        reader.name() + " read " + list.key() + " at "
                                + reader.startTs().value() + (isDue ? " without " : " with ") + element
                                + ", committed at " + writer.commitTs().value(),
                        reader,
                        writer);
            }
        }
    }
}
