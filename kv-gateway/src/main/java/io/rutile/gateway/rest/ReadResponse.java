package io.rutile.gateway.rest;

import io.rutile.gateway.kv.AtomicCall;
import io.rutile.gateway.kv.BatchRead;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Iterator;
import java.util.concurrent.CompletableFuture;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;

/** The answer to a batch read or an atomic call on its way to the client: one object of JSON, made as fast as the client reads. */
final class ReadResponse {

    private final HttpServletRequest request;
    private final HttpServletResponse response;
    private final ResponseStream stream;
    private final KeyEncoding encoding;

    ReadResponse(HttpServletRequest request, HttpServletResponse response, KeyEncoding encoding) throws IOException {
        this.request = request;
        this.response = response;
        this.stream = new ResponseStream(request, response);
        this.encoding = encoding;
    }

    CompletableFuture<ResponseEntity<Void>> write(BatchRead.Result result) {
        return write(PairJson.bytesOf(result.pairs()), PairJson.readPairs(result.pairs(), result.unread(), encoding));
    }

    CompletableFuture<ResponseEntity<Void>> write(AtomicCall call, AtomicCall.Result result) {
        return write(
                result.results().stream().mapToLong(PairJson::bytesOf).sum(),
                PairJson.atomicCall(result, result.succeeded() ? call.then() : call.otherwise(), encoding));
    }

    private CompletableFuture<ResponseEntity<Void>> write(long bytes, Iterator<byte[]> chunks) {
        response.setStatus(HttpServletResponse.SC_OK);
        response.setContentType(MediaType.APPLICATION_JSON_VALUE);
        stream.compress(GzipAnswer.of(request, response, AdmissionFilter.permit(request), bytes));
        return stream.writeLast(chunks).handle((sent, gone) -> stream.ended(gone));
    }
}
