package io.rutile.pd.meta;

import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/** Reads and changes the hard state: the front door of this room. Safe from any thread. */
public final class MetaStore {

    private final MetaLog log;
    private final Supplier<MetaState> current;

    public MetaStore(MetaLog log, Supplier<MetaState> current) {
        this.log = log;
        this.current = current;
    }

    /** The state as this member has applied it; on a follower it may lag. */
    public MetaState state() {
        return current.get();
    }

    /** Replicates and applies a decision of this term; see {@link MetaLog#propose}. */
    public CompletableFuture<MetaOutcome> propose(MetaRecord record, long term) {
        return log.propose(record, term);
    }

    public MetaLog log() {
        return log;
    }
}
