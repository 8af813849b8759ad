package io.rutile.cli.bench.load;

import io.rutile.client.txn.TxnOptions;
import java.util.Locale;

/** Which way transactions are committed. {@code ONEPC} takes whatever is fastest, as an application's client does. */
public enum CommitWay {
    TWOPC(false, false),
    ASYNC(true, false),
    ONEPC(true, true);

    private final boolean async;
    private final boolean onePhase;

    CommitWay(boolean async, boolean onePhase) {
        this.async = async;
        this.onePhase = onePhase;
    }

    public TxnOptions of(TxnOptions options) {
        return options.withCommit(async, onePhase, true);
    }

    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
