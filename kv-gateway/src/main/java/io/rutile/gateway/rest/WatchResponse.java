package io.rutile.gateway.rest;

import io.rutile.client.feed.ChangeBatch;
import io.rutile.client.rpc.Futures;
import io.rutile.gateway.kv.GatewayLimits.Permit;
import io.rutile.gateway.kv.Watch;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;

/**
 * A watch on its way to the client, as server-sent events. The next changes are asked for when the connection took the last, so a client
 * that reads slowly holds no queue: it falls behind, and at last is told that it was too slow. A failure before the first answer is an
 * ordinary one; after that it is an event {@code end}.
 *
 * <p>No thread waits, and the request gives its place among those in flight back as soon as it watches: watchers have a bound of their
 * own.
 */
final class WatchResponse {

    /** How long a browser waits before it comes back. */
    private static final String RETRY = "retry: 1000\n";

    private final HttpServletResponse response;
    private final ResponseStream stream;
    private final KeyEncoding encoding;
    private final Permit permit;
    /** Whoever asks for the head has nobody who would notice that they are gone. */
    private final boolean headOnly;

    private boolean begun;

    WatchResponse(HttpServletRequest request, HttpServletResponse response, KeyEncoding encoding) throws IOException {
        this.response = response;
        this.stream = new ResponseStream(request, response);
        this.encoding = encoding;
        this.permit = AdmissionFilter.permit(request);
        this.headOnly = request.getMethod().equals("HEAD");
    }

    /** @return completes when nothing is left to write; the watch is closed then */
    CompletableFuture<ResponseEntity<Void>> run(Watch watch) {
        permit.close();
        if (headOnly) {
            begin();
            watch.close();
            return CompletableFuture.completedFuture(stream.ended(null));
        }
        return watch.each(batch -> write(watch, batch))
                .<ResponseEntity<Void>>thenApply(done -> stream.ended(null))
                .exceptionallyCompose(failure -> end(watch, Futures.causeOf(failure)))
                .whenComplete((done, failure) -> watch.close());
    }

    private CompletableFuture<Void> write(Watch watch, ChangeBatch batch) {
        String before = begin();
        Iterator<byte[]> events = batch.changes().isEmpty()
                ? List.of(utf8(before + "id: " + batch.position().token(watch.range()) + "\n\n"))
                        .iterator()
                : ChangeJson.events(before, batch.changes(), watch.range(), encoding);
        return stream.write(events);
    }

    private String begin() {
        if (begun) {
            return "";
        }
        response.setStatus(HttpServletResponse.SC_OK);
        response.setContentType(MediaType.TEXT_EVENT_STREAM_VALUE);
        response.setHeader(HttpHeaders.CACHE_CONTROL, CacheControl.noStore().getHeaderValue());
        // For proxies that would collect an answer before they pass it on.
        response.setHeader("X-Accel-Buffering", "no");
        // Not before: over HTTP/2 the request may be over already, and then nothing has begun.
        begun = true;
        return RETRY;
    }

    private CompletableFuture<ResponseEntity<Void>> end(Watch watch, Throwable failure) {
        if (!begun) {
            return CompletableFuture.failedFuture(failure);
        }
        if (stream.isBroken()) {
            // Noticed between two answers, or by this one: there is nobody to tell, and nothing left to cut.
            return CompletableFuture.completedFuture(stream.ended(null));
        }
        // Told in full, the answer has come to its end: a browser comes back with the position.
        return stream.write(List.of(ChangeJson.end(watch.position().token(watch.range()), Problems.of(failure)))
                        .iterator())
                .handle((sent, gone) -> stream.ended(stream.isBroken() ? null : gone));
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
