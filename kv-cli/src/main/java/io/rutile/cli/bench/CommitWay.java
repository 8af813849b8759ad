package io.rutile.cli.bench;

import io.rutile.client.txn.TxnOptions;

/** Which way transactions are committed. {@code ONEPC} takes whatever is fastest, as an application's client does. */
enum CommitWay {
    TWOPC(false, false),
    ASYNC(true, false),
    ONEPC(true, true);

    private final boolean async;
    private final boolean onePhase;

    CommitWay(boolean async, boolean onePhase) {
        this.async = async;
        this.onePhase = onePhase;
    }

    TxnOptions of(TxnOptions options) {
        return options.withCommit(async, onePhase, true);
    }
}
