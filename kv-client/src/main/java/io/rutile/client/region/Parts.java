package io.rutile.client.region;

import io.rutile.client.rpc.Futures;
import java.util.Collection;
import java.util.Iterator;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Carries the parts of one call out side by side, a bounded number at a time. The first failure is the call's; parts not begun by
 * then are left out.
 *
 * <p>Threads: any; the state is guarded by this object.
 */
public final class Parts<P> {

    private final Iterator<P> waiting;
    private final Function<P, CompletableFuture<Void>> carryOut;
    private final CompletableFuture<Void> result = new CompletableFuture<>();
    private int unfinished;
    private int free;

    private Parts(Collection<P> parts, int sideBySide, Function<P, CompletableFuture<Void>> carryOut) {
        this.waiting = parts.iterator();
        this.unfinished = parts.size();
        this.free = sideBySide;
        this.carryOut = carryOut;
    }

    /**
     * Begins as many parts as may run at the same time; the others follow as those end.
     *
     * @param sideBySide at least 1
     */
    public static <P> CompletableFuture<Void> carryOut(
            Collection<P> parts, int sideBySide, Function<P, CompletableFuture<Void>> carryOut) {
        if (parts.isEmpty()) {
            return CompletableFuture.completedFuture(null);
        }
        Parts<P> running = new Parts<>(parts, sideBySide, carryOut);
        running.begin();
        return running.result;
    }

    private void begin() {
        while (true) {
            P next;
            synchronized (this) {
                if (free == 0 || !waiting.hasNext() || result.isDone()) {
                    return;
                }
                free--;
                next = waiting.next();
            }
            Futures.whenDone(carryOut.apply(next), result, (done, failure) -> end(failure));
        }
    }

    private void end(@Nullable Throwable failure) {
        if (failure != null) {
            result.completeExceptionally(failure);
            return;
        }
        boolean last;
        synchronized (this) {
            free++;
            unfinished--;
            last = unfinished == 0;
        }
        if (last) {
            result.complete(null);
        } else {
            begin();
        }
    }
}
