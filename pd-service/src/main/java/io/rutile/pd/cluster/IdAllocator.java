package io.rutile.pd.cluster;

import io.rutile.pd.meta.MetaException;
import io.rutile.pd.meta.MetaOutcome;
import io.rutile.pd.meta.MetaRecord;
import io.rutile.pd.meta.MetaStore;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Ids for stores, Regions and peers, from windows that the log has set aside for this term alone: no id is given twice, by
 * any member (T2), and within a term they only grow.
 *
 * <p>Safe from any thread; a short lock. Windows are reserved one at a time.
 */
public final class IdAllocator {

    /** Ids of one request; more than any Region split or workload asks for. */
    public static final int COUNT_MAX = 100_000;

    /** Ids set aside at once: what a leader change wastes at most. */
    static final int WINDOW = 1_000;

    private final MetaStore meta;
    private final long term;
    /** next ≤ end; [next, end) is ours to give. */
    private long next;

    private long end;
    private @Nullable CompletableFuture<Void> reservation;

    public IdAllocator(MetaStore meta, long term) {
        this.meta = meta;
        this.term = term;
    }

    /**
     * Consecutive ids.
     *
     * @param count 1 to {@link #COUNT_MAX}
     * @return the last of them; fails with {@link MetaException}
     */
    public CompletableFuture<Long> allocate(int count) {
        if (count < 1 || count > COUNT_MAX) {
            throw new IllegalArgumentException("count must be 1 to " + COUNT_MAX + ", not " + count);
        }
        synchronized (this) {
            if (end - next >= count) {
                next += count;
                return CompletableFuture.completedFuture(next - 1);
            }
        }
        return reserve(Math.max(count, WINDOW)).thenCompose(reserved -> allocate(count));
    }

    private CompletableFuture<Void> reserve(int count) {
        CompletableFuture<Void> mine = new CompletableFuture<>();
        synchronized (this) {
            if (reservation != null) {
                return reservation;
            }
            reservation = mine;
        }
        CompletableFuture<?> unused = meta.propose(new MetaRecord.ReserveIds(count), term)
                .thenAccept(outcome -> take(outcome, count))
                .whenComplete((taken, failure) -> {
                    synchronized (this) {
                        reservation = null;
                    }
                    if (failure == null) {
                        mine.complete(null);
                    } else {
                        mine.completeExceptionally(failure);
                    }
                });
        return mine;
    }

    private synchronized void take(MetaOutcome outcome, int count) {
        if (!(outcome instanceof MetaOutcome.Applied applied)) {
            throw new MetaException(MetaException.Kind.EXHAUSTED, "all ids are given away");
        }
        long first = applied.value() - count + 1;
        if (first != end) {
            // Not the continuation of what is left: leave the rest unused rather than break a run of consecutive ids.
            next = first;
        }
        end = applied.value() + 1;
    }
}
