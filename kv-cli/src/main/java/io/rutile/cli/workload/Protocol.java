package io.rutile.cli.workload;

import io.rutile.client.txn.TxnOptions;

/** How transactions are committed, where they allow it. */
public enum Protocol {
    /** Prewrite, then commit the primary: Percolator's own way. */
    TWO_PHASE("2pc"),
    /** Committed as soon as every key is prewritten. */
    ASYNC("async"),
    /** Committed by the prewrite itself; needs all keys in one Region. */
    ONE_PHASE("1pc");

    private final String label;

    Protocol(String label) {
        this.label = label;
    }

    public String label() {
        return label;
    }

    /** The same options with this protocol, in real-time order. */
    TxnOptions applyTo(TxnOptions options) {
        return options.withCommit(this == ASYNC, this == ONE_PHASE, true);
    }
}
