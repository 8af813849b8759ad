package io.rutile.gateway.rest;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.rutile.protocol.ByteKey;
import io.swagger.v3.oas.annotations.media.Schema;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;

/** What every request that was not done is answered with: {@code application/problem+json} of RFC 9457. */
@JsonInclude(JsonInclude.Include.NON_NULL)
@Schema(name = "Problem", description = "Why a request was not done (RFC 9457, application/problem+json).")
record Problem(
        @Schema(
                description = "Which kind of problem; stable, fit for programs",
                example = "urn:rutile:problem:busy",
                requiredMode = Schema.RequiredMode.REQUIRED)
        String type,

        @Schema(
                description = "The kind in words, the same for every problem of the type",
                example = "Too much is going on",
                requiredMode = Schema.RequiredMode.REQUIRED)
        String title,

        @Schema(description = "The HTTP status", example = "503", requiredMode = Schema.RequiredMode.REQUIRED)
        int status,

        @Schema(
                description = "What happened this time",
                example = "the gateway is busy: 1024 requests are in flight",
                requiredMode = Schema.RequiredMode.REQUIRED)
        String detail,

        @Schema(description = "TiKV's name of the error, where it has one", example = "ServerIsBusy") @Nullable String error,

        @Schema(description = "The key that was fought for, in conflicts that name one") @Nullable String key,

        @Schema(description = "The same, where the key is no readable text") @Nullable String keyBase64url,

        @Schema(
                description = "True if the same request, sent once more as it is, may succeed and does no harm",
                requiredMode = Schema.RequiredMode.REQUIRED)
        boolean retryable) {

    /** Seconds that a client is asked to wait where waiting helps. */
    static final String RETRY_AFTER_S = "1";

    /** How a caller says who they are (RFC 6750). */
    static final String CHALLENGE = "Bearer realm=\"rutile\"";

    Problem withRetryable(boolean retryable) {
        return new Problem(type, title, status, detail, error, key, keyBase64url, retryable);
    }

    /** The problem of a conflict over this key. */
    Problem withKey(ByteKey contended) {
        String text = PairJson.readable(contended.bytes());
        String binary = text == null ? KeyEncoding.BASE64URL.encode(contended.bytes()) : null;
        return new Problem(type, title, status, detail, error, text, binary, retryable);
    }

    /** True if the answer asks the client to come back later. */
    boolean asksToWait() {
        return status == ProblemType.BUSY.status().value()
                || status == ProblemType.TOO_MANY_WATCHES.status().value();
    }

    /** True if the answer asks the client to say who it is. */
    boolean asksWho() {
        return status == ProblemType.UNAUTHENTICATED.status().value();
    }

    ResponseEntity<Problem> toResponse() {
        ResponseEntity.BodyBuilder response =
                ResponseEntity.status(status).contentType(MediaType.APPLICATION_PROBLEM_JSON);
        if (asksWho()) {
            response.header(HttpHeaders.WWW_AUTHENTICATE, CHALLENGE);
        }
        if (asksToWait()) {
            response.header("Retry-After", RETRY_AFTER_S);
        }
        return response.body(this);
    }
}
