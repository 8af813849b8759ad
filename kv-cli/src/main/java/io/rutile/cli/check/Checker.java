package io.rutile.cli.check;

import java.util.List;

/** Judges a history. */
public interface Checker {

    /**
     * Looks at all of it.
     *
     * @param history in any order
     * @throws IllegalArgumentException if it is no history of the workload that this checker is for
     */
    Verdict check(List<TxnRecord> history);
}
