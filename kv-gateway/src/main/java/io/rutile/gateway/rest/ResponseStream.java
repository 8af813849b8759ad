package io.rutile.gateway.rest;

import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.WriteListener;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Collections;
import java.util.Iterator;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.springframework.web.context.request.NativeWebRequest;
import org.springframework.web.context.request.async.DeferredResult;
import org.springframework.web.context.request.async.DeferredResultProcessingInterceptor;
import org.springframework.web.context.request.async.WebAsyncUtils;

/**
 * Writes a body as fast as its client reads, and no faster: a chunk is made only when the connection takes one, so that a slow
 * client holds neither a thread nor more than what it was about to be sent.
 *
 * <p>Threads: {@link #write} may be called from any, but not before the last one's future completed; chunks are made and sent by the
 * container's threads, or by the caller's.
 */
final class ResponseStream implements WriteListener {

    /** What the container is given at once: it keeps a copy of what the socket does not take. */
    private static final int SLICE_BYTES = 32 << 10;

    private static final String BROKEN_OFF = ResponseStream.class.getName() + ".brokenOff";

    private final HttpServletRequest request;
    private final ServletOutputStream out;
    private final CompletableFuture<Void> asynchronous = new CompletableFuture<>();
    private final CompletableFuture<Void> begins;
    private final Object lock = new Object();

    private Iterator<byte[]> chunks = Collections.emptyIterator();
    private byte[] chunk = new byte[0];
    private int offset;
    private boolean unflushed;
    private @Nullable CompletableFuture<Void> written;
    private @Nullable Throwable broken;
    private boolean listening;
    private @Nullable GzipAnswer gzip;
    private final @Nullable StalledAnswers watched;
    /** Since when what is to be written waits for the connection. */
    private long waitingSinceNanos;

    /** To be made while the controller's method runs, before it returns its future. */
    ResponseStream(HttpServletRequest request, HttpServletResponse response) throws IOException {
        this.request = request;
        this.out = response.getOutputStream();
        this.watched = StalledAnswers.of(request);
        this.begins = PromptAnswers.streamOf(request);
        // An answer may be there before Spring has switched the request to asynchronous; listening must wait for that.
        WebAsyncUtils.getAsyncManager(request)
                .registerDeferredResultInterceptor(this, new DeferredResultProcessingInterceptor() {
                    @Override
                    public <T> void preProcess(NativeWebRequest any, DeferredResult<T> result) {
                        asynchronous.complete(null);
                    }
                });
    }

    /** True if the answer broke off, so that its connection must not end as if it were whole. */
    static boolean isBrokenOff(HttpServletRequest request) {
        return request.getAttribute(BROKEN_OFF) != null;
    }

    /** The answer will stay a part: once the request is through, {@link ProblemValve} cuts the connection. */
    void breakOff() {
        request.setAttribute(BROKEN_OFF, true);
    }

    /** True once the container has said that nobody reads any more: its request may be somebody else's by now. */
    boolean isBroken() {
        synchronized (lock) {
            return broken != null;
        }
    }

    /**
     * What a controller's future ends with when nothing is left to write.
     *
     * @param failure of the last write, null if it came through
     */
    @SuppressWarnings({"NullAway", "TypeParameterUnusedInFormals"}) // Null of any type is Spring's word for "written".
    <T> T ended(@Nullable Throwable failure) {
        if (failure != null) {
            breakOff();
        }
        release();
        return null;
    }

    /** From here on, what is written is compressed. To be called before anything is. */
    void compress(@Nullable GzipAnswer answer) {
        gzip = answer;
    }

    /** Ends an answer of which everything has been written. */
    CompletableFuture<Void> finish() {
        return gzip == null ? CompletableFuture.completedFuture(null) : writeLast(Collections.emptyIterator());
    }

    /** Writes what comes last; the answer is whole after it. */
    CompletableFuture<Void> writeLast(Iterator<byte[]> last) {
        GzipAnswer answer = gzip;
        return begin(answer == null ? last : answer.lastCompressed(last));
    }

    /**
     * Writes what comes next.
     *
     * @param chunks asked for one at a time, when there is room for it
     * @return completes when the connection took the last chunk; fails with {@link IOException} if the client is gone
     */
    CompletableFuture<Void> write(Iterator<byte[]> chunks) {
        GzipAnswer answer = gzip;
        return begin(answer == null ? chunks : answer.compressed(chunks));
    }

    private CompletableFuture<Void> begin(Iterator<byte[]> chunks) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        boolean first;
        synchronized (lock) {
            if (broken != null) {
                return CompletableFuture.failedFuture(broken);
            }
            if (written != null) {
                throw new IllegalStateException("the last write is still under way");
            }
            this.chunks = chunks;
            written = done;
            waitingSinceNanos = System.nanoTime();
            first = !listening;
            listening = true;
        }
        if (first) {
            begins.complete(null);
            // The container calls back, on a thread of its own, as soon as it may.
            CompletableFuture<Void> unused = asynchronous.thenRun(this::listen);
        } else {
            onWritePossible();
        }
        return done;
    }

    private void listen() {
        try {
            out.setWriteListener(this);
        } catch (RuntimeException e) {
            // The request is over already: its client is gone.
            onError(e);
        }
    }

    @Override
    public void onWritePossible() {
        CompletableFuture<Void> finished = null;
        Throwable failure = null;
        synchronized (lock) {
            if (written == null) {
                return;
            }
            try {
                boolean ready = out.isReady();
                while (ready && nextSlice()) {
                    int count = Math.min(SLICE_BYTES, chunk.length - offset);
                    out.write(chunk, offset, count);
                    offset += count;
                    ready = out.isReady();
                    unflushed = true;
                }
                if (ready && unflushed) {
                    // What was written is on its way before the next is made, and before a connection may be cut.
                    out.flush();
                    unflushed = false;
                    ready = out.isReady();
                }
                if (ready) {
                    finished = written;
                    written = null;
                } else {
                    waitForRoom();
                }
            } catch (IOException | RuntimeException e) {
                failure = e;
            }
        }
        // Outside the lock: what follows a write may be the next write.
        if (failure != null) {
            onError(failure);
        } else if (finished != null) {
            finished.complete(null);
        }
    }

    private void waitForRoom() {
        waitingSinceNanos = System.nanoTime();
        if (watched != null) {
            watched.add(this);
        }
    }

    /** Whether the client has taken nothing for longer than this. */
    boolean hasWaited(long nowNanos, long patienceNanos) {
        synchronized (lock) {
            return written != null && nowNanos - waitingSinceNanos > patienceNanos;
        }
    }

    /** The client does not read: nobody waits for it any longer. */
    void giveUp() {
        breakOff();
        onError(new IOException("the client does not read on"));
    }

    private void release() {
        if (watched != null) {
            watched.remove(this);
        }
        synchronized (lock) {
            if (gzip != null) {
                gzip.close();
            }
        }
    }

    /** @return false if everything has been handed over */
    private boolean nextSlice() {
        while (offset == chunk.length && chunks.hasNext()) {
            chunk = chunks.next();
            offset = 0;
        }
        return offset < chunk.length;
    }

    @Override
    public void onError(Throwable failure) {
        CompletableFuture<Void> unfinished;
        synchronized (lock) {
            broken = failure;
            unfinished = written;
            written = null;
        }
        if (unfinished != null) {
            unfinished.completeExceptionally(failure);
        }
    }
}
