package io.rutile.cli.check;

import java.util.List;

/**
 * What no store with snapshot isolation could have answered.
 *
 * @param sentence what is wrong, without a look at the transactions
 * @param transactions who shows it; a cycle in the order of its edges
 */
public record Anomaly(Kind kind, String sentence, List<TxnRecord> transactions) {

    /** Names of the literature where it has one. */
    public enum Kind {
        /** A cycle of write dependencies alone. */
        G0("G0"),
        /** A read of what an aborted transaction wrote. */
        G1A("G1a"),
        /** A read of what a transaction overwrote itself later. */
        G1B("G1b"),
        /** A cycle of write and read dependencies. */
        G1C("G1c"),
        /** A cycle with exactly one anti-dependency: a torn snapshot, or a lost update. */
        G_SINGLE("G-single"),
        /** A cycle with several anti-dependencies, no two of them in a row, which snapshot isolation excludes too. */
        G_NONADJACENT("G-nonadjacent"),
        /** A transaction that doesn't see its own writes, or sees one key change. */
        INTERNAL("internal"),
        /** Reads of one key that no order of its versions explains. */
        INCOMPATIBLE_ORDER("incompatible order"),
        /** An element that is in its list twice. */
        DUPLICATE("duplicate"),
        /** A value that nobody wrote. */
        NEVER_WRITTEN("never written"),
        /** An acknowledged append that is not there. */
        LOST_APPEND("lost append"),
        /** An acknowledged write that a transaction which began later doesn't see. */
        STALE_READ("stale read"),
        /** A snapshot that lacks what was committed before it, or shows what was committed after it, by their timestamps. */
        TIME_TRAVEL("time travel"),
        /** A snapshot older than a commit that was acknowledged before it was asked for. */
        REAL_TIME("real time"),
        /** A snapshot in which money was made or lost. */
        WRONG_SUM("wrong sum"),
        /** An account that was overdrawn, although nobody may. */
        NEGATIVE_BALANCE("negative balance"),
        /** An acknowledged increment that is not in the counter. */
        LOST_UPDATE("lost update"),
        /** An increment in the counter that nobody made, or that was made twice. */
        PHANTOM_UPDATE("phantom update"),
        /** The history has nothing that could have shown an anomaly. */
        NOTHING_CHECKED("nothing checked");

        private final String label;

        Kind(String label) {
            this.label = label;
        }

        public String label() {
            return label;
        }
    }

    public Anomaly {
        transactions = List.copyOf(transactions);
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(kind.label).append(": ").append(sentence);
        transactions.forEach(txn -> text.append("\n    ").append(txn));
        return text.toString();
    }
}
