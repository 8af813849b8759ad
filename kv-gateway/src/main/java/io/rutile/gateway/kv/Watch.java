package io.rutile.gateway.kv;

import io.rutile.client.feed.ChangeBatch;
import io.rutile.client.feed.FeedPosition;
import io.rutile.client.rpc.Futures;
import io.rutile.protocol.KeyRange;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/** One who watches: see {@link Watches#watch}. Used by one thread at a time, but for {@link #close}. */
public final class Watch implements AutoCloseable {

    private final Watches watches;
    private final KeyRange range;
    private final Runnable stillAllowed;
    private final Object caller;
    private FeedPosition position;
    private WatchFeed feed;
    private boolean greeted;
    private boolean closed;

    Watch(
            Watches watches,
            KeyRange range,
            FeedPosition position,
            WatchFeed feed,
            Object caller,
            Runnable stillAllowed) {
        this.watches = watches;
        this.range = range;
        this.position = position;
        this.feed = feed;
        this.caller = caller;
        this.stillAllowed = stillAllowed;
    }

    public KeyRange range() {
        return range;
    }

    /** Behind everything that was told. */
    public synchronized FeedPosition position() {
        return position;
    }

    /**
     * What comes next. At first nothing but the position where it begins, as soon as it is known that it can; later nothing but a position
     * further on if nothing has come for a while.
     *
     * @return fails with {@link FailureException} if the watcher was too slow or may watch no more, and with what the feed failed with
     */
    public CompletableFuture<ChangeBatch> next() {
        try {
            stillAllowed.run();
        } catch (FailureException refused) {
            return CompletableFuture.failedFuture(refused);
        }
        return watches.next(this).thenApply(batch -> {
            synchronized (this) {
                position = batch.position();
            }
            return batch;
        });
    }

    /**
     * Has one answer after another taken.
     *
     * @param taker completes when the next may come
     * @return never completes but by a failure, of {@link #next} or of the taker; the watch is still to be closed
     */
    public CompletableFuture<Void> each(Function<ChangeBatch, CompletableFuture<Void>> taker) {
        CompletableFuture<Void> over = new CompletableFuture<>();
        step(taker, over);
        return over;
    }

    /** Steps that are done at once follow one another here and not inside of each other. */
    private void step(Function<ChangeBatch, CompletableFuture<Void>> taker, CompletableFuture<Void> over) {
        CompletableFuture<Void> step = next().thenCompose(taker);
        while (step.isDone() && !step.isCompletedExceptionally()) {
            step = next().thenCompose(taker);
        }
        Futures.whenDone(step, over, (done, failure) -> {
            if (failure == null) {
                step(taker, over);
            } else {
                over.completeExceptionally(Futures.causeOf(failure));
            }
        });
    }

    /** @return true the first time */
    synchronized boolean greet() {
        boolean first = !greeted;
        greeted = true;
        return first;
    }

    synchronized WatchFeed feed() {
        return feed;
    }

    synchronized void follow(WatchFeed other) {
        feed = other;
    }

    /** Harmless when called again. */
    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
        }
        watches.left(this, caller);
    }
}
