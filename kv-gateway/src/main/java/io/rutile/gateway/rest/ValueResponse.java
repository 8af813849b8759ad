package io.rutile.gateway.rest;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;

/** A value on its way to the client: a small one in one go, a large one as fast as the client reads. */
final class ValueResponse {

    /** What a socket takes without anybody waiting; over HTTP/2 it is up to the client what is taken. */
    private static final int SMALL_BYTES = 32 << 10;

    private static final String TTL_HEADER = "Rutile-Ttl";

    private final HttpServletRequest request;
    private final HttpServletResponse response;
    private final ResponseStream stream;
    private final Precondition precondition;

    /** @param precondition of which nothing but {@code If-None-Match} is asked */
    ValueResponse(HttpServletRequest request, HttpServletResponse response, Precondition precondition)
            throws IOException {
        this.request = request;
        this.response = response;
        this.stream = new ResponseStream(request, response);
        this.precondition = precondition;
    }

    /** @param left what is left of the key's life: empty if it is not there, zero if it lives for ever */
    void liveFor(Optional<Duration> left) {
        left.filter(ttl -> !ttl.isZero())
                .ifPresent(ttl -> response.setHeader(TTL_HEADER, String.valueOf(ttl.toSeconds())));
    }

    CompletableFuture<ResponseEntity<byte[]>> write(byte[] value) {
        EntityTag tag = EntityTag.of(value);
        if (!precondition.holds(value)) {
            return CompletableFuture.completedFuture(describe(ResponseEntity.status(HttpStatus.NOT_MODIFIED), tag)
                    .build());
        }
        AdmissionFilter.permit(request).reserve(value.length);
        boolean isTaken = value.length <= SMALL_BYTES && StalledAnswers.of(request) == null;
        if (isTaken || value.length == 0 || request.getMethod().equals("HEAD")) {
            return CompletableFuture.completedFuture(describe(ResponseEntity.ok(), tag)
                    .contentType(MediaType.APPLICATION_OCTET_STREAM)
                    .body(value));
        }
        response.setStatus(HttpServletResponse.SC_OK);
        response.setHeader(HttpHeaders.ETAG, tag.quoted());
        response.setHeader(HttpHeaders.CACHE_CONTROL, "no-cache");
        response.setContentType(MediaType.APPLICATION_OCTET_STREAM_VALUE);
        response.setContentLength(value.length);
        return stream.write(List.of(value).iterator()).handle((sent, gone) -> stream.ended(gone));
    }

    private static ResponseEntity.BodyBuilder describe(ResponseEntity.BodyBuilder response, EntityTag tag) {
        // Whoever keeps a copy asks whether it is still the value: the tag makes that cheap.
        return response.eTag(tag.quoted()).header(HttpHeaders.CACHE_CONTROL, "no-cache");
    }
}
