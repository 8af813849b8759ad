package io.rutile.gateway.rest;

import io.rutile.client.raw.RawKv.Pair;
import io.rutile.client.raw.RawKv.PairConsumer;
import io.rutile.gateway.kv.CallerGoneException;
import io.rutile.gateway.kv.FailureException;
import io.rutile.gateway.kv.GatewayLimits.Permit;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;

/**
 * A scan on its way to the client, a line a pair. One page is in memory, and the next one is fetched when the connection took the
 * last. A failure before the first page is an ordinary answer; after that it is a last line {@code {"problem": …}} and a connection
 * that is cut, so that no client takes a part for the whole.
 */
final class ScanResponse implements PairConsumer {

    private final HttpServletRequest request;
    private final HttpServletResponse response;
    private final ResponseStream stream;
    private final KeyEncoding encoding;
    private final boolean keysOnly;
    private final Permit permit;

    private volatile boolean begun;

    ScanResponse(HttpServletRequest request, HttpServletResponse response, KeyEncoding encoding, boolean keysOnly)
            throws IOException {
        this.request = request;
        this.response = response;
        this.stream = new ResponseStream(request, response);
        this.encoding = encoding;
        this.keysOnly = keysOnly;
        this.permit = AdmissionFilter.permit(request);
    }

    /** Fails if the gateway holds too much already, or the caller has as much as they may: this page is then the first thing it lets go. */
    @Override
    public CompletableFuture<Void> accept(List<Pair> pairs) {
        long bytes = PairJson.bytesOf(pairs);
        try {
            permit.reserve(bytes);
        } catch (FailureException e) {
            return CompletableFuture.failedFuture(e);
        }
        begin(bytes);
        return stream.write(PairJson.lines(pairs, encoding, keysOnly))
                .whenComplete((sent, failure) -> permit.release(bytes));
    }

    /**
     * What the request ends with.
     *
     * @param scan completes after the last page was taken
     * @return completes when nothing is left to write
     */
    CompletableFuture<ResponseEntity<Void>> endsWith(CompletableFuture<Void> scan) {
        return scan.thenCompose(done -> end()).exceptionallyCompose(this::breakOff);
    }

    /**
     * @param bytes of the first page
     * @throws CallerGoneException if the request is over already: over HTTP/2 it may be taken back at any time
     */
    private void begin(long bytes) {
        if (begun) {
            return;
        }
        try {
            response.setStatus(HttpServletResponse.SC_OK);
            response.setContentType(MediaType.APPLICATION_NDJSON_VALUE);
            stream.compress(GzipAnswer.of(request, response, permit, bytes));
        } catch (IllegalStateException recycled) {
            throw new CallerGoneException();
        }
        begun = true;
    }

    private CompletableFuture<ResponseEntity<Void>> end() {
        begin(0);
        return stream.finish().thenApply(sent -> stream.ended(null));
    }

    private CompletableFuture<ResponseEntity<Void>> breakOff(Throwable failure) {
        if (!begun) {
            return CompletableFuture.failedFuture(failure);
        }
        CompletableFuture<Void> told = causeOf(failure) instanceof IOException
                ? CompletableFuture.failedFuture(failure)
                : stream.writeLast(
                        List.of(PairJson.problemLine(Problems.of(failure))).iterator());
        return told.handle((sent, gone) -> stream.ended(failure));
    }

    private static Throwable causeOf(Throwable failure) {
        return failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
    }
}
