package io.rutile.gateway.rest;

import io.rutile.gateway.kv.GatewayLimits.Permit;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import tools.jackson.databind.json.JsonMapper;

/** An answer as one JSON text on its way to the client: as fast as the client reads, counted while it is held. Nobody keeps a copy of it. */
final class JsonResponse {

    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final HttpServletRequest request;
    private final HttpServletResponse response;
    private final ResponseStream stream;

    JsonResponse(HttpServletRequest request, HttpServletResponse response) throws IOException {
        this.request = request;
        this.response = response;
        this.stream = new ResponseStream(request, response);
    }

    CompletableFuture<ResponseEntity<Void>> write(Object answer) {
        byte[] json = JSON.writeValueAsBytes(answer);
        Permit permit = AdmissionFilter.permit(request);
        permit.reserve(json.length);
        response.setStatus(HttpServletResponse.SC_OK);
        response.setContentType(MediaType.APPLICATION_JSON_VALUE);
        response.setHeader(HttpHeaders.CACHE_CONTROL, "no-store");
        GzipAnswer gzip = GzipAnswer.of(request, response, permit, json.length);
        if (gzip == null) {
            response.setContentLength(json.length);
        }
        stream.compress(gzip);
        return stream.writeLast(List.of(json).iterator()).handle((sent, gone) -> stream.ended(gone));
    }
}
