package io.rutile.gateway.rest;

import io.rutile.gateway.kv.FailureException;
import io.rutile.gateway.kv.GatewayLimits.Permit;
import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletInputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Collects one body as it arrives. Room is reserved only for what has arrived, so that announcing a large body costs nobody
 * anything. What is too large is read on for a while and dropped: a client that is still sending would not see the answer.
 *
 * <p>Called by the container's threads, one at a time.
 */
final class BodyReader implements ReadListener, AsyncListener {

    private static final int CHUNK_BYTES = 16 << 10;
    /** How many bytes of a body that is refused are taken off the wire. */
    private static final long DROPPED_BYTES_MAX = 64L << 20;

    private final ServletInputStream in;
    private final long declaredBytes;
    private final int bytesMax;
    private final Permit permit;
    private final CompletableFuture<byte[]> outcome = new CompletableFuture<>();

    private byte[] buffer = new byte[0];
    private int size;
    private long dropped;
    private @Nullable RuntimeException refusal;

    /** @param declaredBytes what the client announced, -1 if it did not */
    BodyReader(ServletInputStream in, long declaredBytes, int bytesMax, Permit permit) {
        this.in = in;
        this.declaredBytes = declaredBytes;
        this.bytesMax = bytesMax;
        this.permit = permit;
        if (declaredBytes > bytesMax) {
            refuse(tooLarge(bytesMax));
        }
    }

    /** The body, or why there is none: {@link ProblemException} or {@link FailureException}. */
    CompletableFuture<byte[]> outcome() {
        return outcome;
    }

    @Override
    public void onDataAvailable() throws IOException {
        while (!outcome.isDone() && in.isReady() && !in.isFinished()) {
            if (refusal == null && size == buffer.length) {
                grow();
            }
            int count =
                    refusal == null ? in.read(buffer, size, buffer.length - size) : in.read(buffer, 0, buffer.length);
            if (count > 0) {
                take(count);
            }
        }
    }

    private void take(int count) {
        if (refusal == null) {
            size += count;
            return;
        }
        dropped += count;
        if (dropped > DROPPED_BYTES_MAX) {
            outcome.completeExceptionally(refusal);
        }
    }

    /** Makes room for one byte more at least, or decides that the body is refused. */
    private void grow() {
        // A body of exactly the allowed size needs one more call to find its end, hence the byte too much.
        int wanted = (int) Math.min(bytesMax + 1L, Math.max(CHUNK_BYTES, 2L * size));
        int capacity = declaredBytes > size ? (int) Math.min(wanted, declaredBytes) : wanted;
        if (size > bytesMax) {
            refuse(tooLarge(bytesMax));
            return;
        }
        try {
            permit.reserve(capacity - buffer.length);
            buffer = Arrays.copyOf(buffer, capacity);
        } catch (FailureException e) {
            refuse(e);
        }
    }

    /** Whatever arrives is dropped. Before the first byte, or by the reader itself. */
    void refuse(RuntimeException why) {
        refusal = why;
        dropped = size;
        size = 0;
        if (buffer.length == 0) {
            buffer = new byte[CHUNK_BYTES];
        }
    }

    @Override
    public void onAllDataRead() {
        if (refusal != null) {
            outcome.completeExceptionally(refusal);
        } else if (size > bytesMax) {
            outcome.completeExceptionally(tooLarge(bytesMax));
        } else {
            outcome.complete(size == buffer.length ? buffer : Arrays.copyOf(buffer, size));
        }
    }

    static ProblemException tooLarge(int bytesMax) {
        return new ProblemException(
                ProblemType.TOO_LARGE.problem("the body has more than " + bytesMax + " bytes", "RaftEntryTooLarge"));
    }

    /** The client went away or paused for longer than the connection's time-out. */
    @Override
    public void onError(Throwable failure) {
        outcome.completeExceptionally(
                refusal != null ? refusal : ProblemType.BODY_TIMEOUT.because("the body stopped arriving"));
    }

    /** The body as a whole took too long. */
    @Override
    public void onTimeout(AsyncEvent event) {
        outcome.completeExceptionally(
                refusal != null ? refusal : ProblemType.BODY_TIMEOUT.because("the body took too long to arrive"));
    }

    @Override
    public void onError(AsyncEvent event) {
        onError(event.getThrowable());
    }

    @Override
    public void onComplete(AsyncEvent event) {}

    @Override
    public void onStartAsync(AsyncEvent event) {}
}
