package io.rutile.pd.tso;

import io.rutile.pd.meta.MetaException;
import io.rutile.pd.meta.MetaRecord;
import io.rutile.pd.meta.MetaStore;
import io.rutile.protocol.TimeStamp;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the saved bound ahead of the oracle, for one term of leading (T1): a bound is replicated before a timestamp below it
 * leaves, and a new term begins at the bound that earlier ones saved.
 *
 * <p>Extensions run one at a time; whoever needs one meanwhile waits for the same.
 */
public final class TsoWindow {

    private final MetaStore meta;
    private final long term;
    private final long aheadMs;
    private final TimestampOracle oracle;
    private @Nullable CompletableFuture<Void> extension;
    private volatile boolean closed;

    /**
     * Made once the state holds everything of earlier terms.
     *
     * @param ahead how far a saved bound is in front of the clock
     */
    public TsoWindow(MetaStore meta, long term, InstantSource clock, Duration ahead) {
        this.meta = meta;
        this.term = term;
        this.aheadMs = ahead.toMillis();
        this.oracle = new TimestampOracle(clock, meta.state().tsoSavedMs());
    }

    /**
     * Takes a batch if the window allows and the term's leadership holds at a moment after it was taken.
     *
     * @param count 1 to 2^18
     * @return the last timestamp; fails with {@link io.rutile.pd.meta.MetaException} if this member no longer leads
     */
    public CompletableFuture<TimeStamp> take(int count) {
        Optional<TimeStamp> taken = oracle.next(count);
        if (taken.isEmpty()) {
            return extend().thenCompose(extended -> take(count));
        }
        if (meta.log().holdsLease(term)) {
            return ours(taken.get());
        }
        return meta.log().confirm(term).thenCompose(confirmed -> ours(taken.get()));
    }

    /**
     * Leadership may be interrupted and come back within one term, with another window. What was taken before this one was
     * closed is below the bound where the next one begins; what was taken after must not leave (T1).
     */
    private CompletableFuture<TimeStamp> ours(TimeStamp taken) {
        return closed
                ? CompletableFuture.failedFuture(new MetaException(MetaException.Kind.NOT_LEADER, "not leader"))
                : CompletableFuture.completedFuture(taken);
    }

    /** Nothing leaves any more. Must come before the next window is made. */
    public void close() {
        closed = true;
    }

    /** Extends if less than half of the window is left; called every fraction of it, so that {@link #take} need not wait. */
    public void keepAhead() {
        if (oracle.limitMs() - oracle.nowMs() < aheadMs / 2) {
            // A failure shows where it hurts: in take(), or in the next call here.
            CompletableFuture<?> unused = extend().exceptionally(failure -> null);
        }
    }

    /**
     * How far the next timestamp is ahead of the clock: zero unless the clock went back, or this term began at a bound that an earlier
     * one had saved.
     */
    public Duration aheadOfClock() {
        return oracle.aheadOfClock();
    }

    /** Saves a bound and then allows timestamps below it. */
    public CompletableFuture<Void> extend() {
        CompletableFuture<Void> mine = new CompletableFuture<>();
        synchronized (this) {
            if (extension != null) {
                return extension;
            }
            extension = mine;
        }
        long bound = oracle.nowMs() + aheadMs;
        CompletableFuture<?> unused = meta.propose(new MetaRecord.SaveTso(bound), term)
                .whenComplete((outcome, failure) -> {
                    if (failure == null) {
                        oracle.allowUntil(bound);
                    }
                    synchronized (this) {
                        extension = null;
                    }
                    if (failure == null) {
                        mine.complete(null);
                    } else {
                        mine.completeExceptionally(failure);
                    }
                });
        return mine;
    }
}
