package io.rutile.gateway.grpc;

import io.grpc.stub.ServerCallStreamObserver;
import io.rutile.gateway.kv.CallerGoneException;
import java.util.Collections;
import java.util.Iterator;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Sends messages as fast as their reader takes them, and no faster: a message is made only when the transport has room for it, so that a
 * slow reader holds neither a thread nor more than what it was about to be sent.
 *
 * <p>Threads: {@link #send} may be called from any, but not before the last one's future completed; messages are made and sent by the
 * caller's thread or by gRPC's.
 */
final class MessageStream<R> {

    /** Who minds how long a client makes others wait. */
    interface Watch {

        void waitForClient();

        void clientMoved();
    }

    private final ServerCallStreamObserver<R> out;
    private final Watch guard;

    private Iterator<R> messages = Collections.emptyIterator();
    private @Nullable CompletableFuture<Void> taken;
    private boolean gone;

    /** To be made while the handler runs. */
    MessageStream(ServerCallStreamObserver<R> out, Watch guard) {
        this.out = out;
        this.guard = guard;
        out.setOnReadyHandler(this::move);
        out.setOnCancelHandler(this::cancelled);
    }

    /**
     * Sends what comes next.
     *
     * @param next asked for one at a time, when there is room for it
     * @return completes when there is room for more behind the last one; fails with {@link CallerGoneException} if nobody reads any more
     */
    CompletableFuture<Void> send(Iterator<R> next) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        synchronized (this) {
            if (gone) {
                return CompletableFuture.failedFuture(new CallerGoneException());
            }
            if (taken != null) {
                throw new IllegalStateException("the last messages are still on their way");
            }
            messages = next;
            taken = done;
        }
        move();
        return done;
    }

    private void move() {
        CompletableFuture<Void> finished = null;
        synchronized (this) {
            if (taken == null) {
                return;
            }
            // Asked once for each message: there may be room again a moment after there was none.
            while (out.isReady()) {
                if (!messages.hasNext()) {
                    finished = taken;
                    break;
                }
                out.onNext(messages.next());
            }
            if (finished == null) {
                // Whatever moved, the client's time begins anew.
                guard.waitForClient();
                return;
            }
            guard.clientMoved();
            taken = null;
        }
        // Outside the lock: what follows may be the next send.
        finished.complete(null);
    }

    private void cancelled() {
        CompletableFuture<Void> unfinished;
        synchronized (this) {
            gone = true;
            unfinished = taken;
            taken = null;
            messages = Collections.emptyIterator();
        }
        if (unfinished != null) {
            unfinished.completeExceptionally(new CallerGoneException());
        }
    }
}
