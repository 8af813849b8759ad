package io.rutile.gateway.rest;

import io.rutile.gateway.kv.Failure.Kind;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;

/**
 * What can go wrong, by the name that programs may match on: what every edge knows ({@link Kind}), and what only HTTP has. Names and
 * statuses are part of the API: listed in docs/operations/rest-api.md.
 */
enum ProblemType {
    INVALID_REQUEST(Kind.INVALID_REQUEST, HttpStatus.BAD_REQUEST, "The request is not valid"),
    UNAUTHENTICATED(Kind.UNAUTHENTICATED, HttpStatus.UNAUTHORIZED, "It is not known who calls"),
    PERMISSION_DENIED(Kind.PERMISSION_DENIED, HttpStatus.FORBIDDEN, "The caller may not do this"),
    KEY_NOT_FOUND("key-not-found", HttpStatus.NOT_FOUND, "The key is not there", false),
    NO_SUCH_RESOURCE("no-such-resource", HttpStatus.NOT_FOUND, "There is nothing at this path", false),
    TRANSACTION_NOT_FOUND(Kind.TRANSACTION_NOT_FOUND, HttpStatus.NOT_FOUND, "No transaction is open under this id"),
    METHOD_NOT_ALLOWED("method-not-allowed", HttpStatus.METHOD_NOT_ALLOWED, "This path has no such method", false),
    NOT_ACCEPTABLE("not-acceptable", HttpStatus.NOT_ACCEPTABLE, "The answer has another media type", false),
    BODY_TIMEOUT("body-timeout", HttpStatus.REQUEST_TIMEOUT, "The body did not arrive in time", true),
    CONFLICT(Kind.CONFLICT, HttpStatus.CONFLICT, "Another transaction was there first"),
    TRANSACTION_IN_USE(Kind.TRANSACTION_IN_USE, HttpStatus.CONFLICT, "The transaction is busy with another request"),
    TRANSACTION_COMMITTING(
            Kind.TRANSACTION_COMMITTING, HttpStatus.CONFLICT, "The commit of the transaction was asked for"),
    PRECONDITION_FAILED("precondition-failed", HttpStatus.PRECONDITION_FAILED, "The value is another one", false),
    POSITION_GONE(Kind.POSITION_GONE, HttpStatus.GONE, "Changes behind the position may be gone"),
    TOO_MANY_REQUESTS(Kind.TOO_MANY_REQUESTS, HttpStatus.TOO_MANY_REQUESTS, "The caller has as much as one may have"),
    TOO_MANY_WATCHES(Kind.TOO_MANY_WATCHES, HttpStatus.TOO_MANY_REQUESTS, "As many watch as may"),
    TOO_SLOW(Kind.TOO_SLOW, HttpStatus.SERVICE_UNAVAILABLE, "The watcher was too slow"),
    IDEMPOTENCY_KEY_REUSED(
            Kind.IDEMPOTENCY_KEY_REUSED,
            HttpStatus.UNPROCESSABLE_CONTENT,
            "The Idempotency-Key belongs to another request"),
    TOO_LARGE(Kind.TOO_LARGE, HttpStatus.CONTENT_TOO_LARGE, "The request is too large"),
    UNSUPPORTED_MEDIA_TYPE(
            "unsupported-media-type", HttpStatus.UNSUPPORTED_MEDIA_TYPE, "The body has another media type", false),
    HEADERS_TOO_LARGE(
            "headers-too-large", HttpStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The request's head is too large", false),
    INTERNAL(Kind.INTERNAL, HttpStatus.INTERNAL_SERVER_ERROR, "The gateway failed"),
    UNDETERMINED(Kind.UNDETERMINED, HttpStatus.INTERNAL_SERVER_ERROR, "The write may or may not have taken effect"),
    SERVER(Kind.SERVER, HttpStatus.BAD_GATEWAY, "The cluster refused the request"),
    UNAVAILABLE(Kind.UNAVAILABLE, HttpStatus.SERVICE_UNAVAILABLE, "The cluster cannot be reached"),
    BUSY(Kind.BUSY, HttpStatus.SERVICE_UNAVAILABLE, "Too much is going on"),
    TIMEOUT(Kind.TIMEOUT, HttpStatus.GATEWAY_TIMEOUT, "The deadline of the call ran out"),
    DISK_FULL(Kind.DISK_FULL, HttpStatus.INSUFFICIENT_STORAGE, "A store has no space left");

    private final String name;
    private final HttpStatus status;
    private final String title;
    private final boolean retryable;

    ProblemType(Kind kind, HttpStatus status, String title) {
        this(kind.label(), status, title, kind.retryable());
    }

    ProblemType(String name, HttpStatus status, String title, boolean retryable) {
        this.name = name;
        this.status = status;
        this.title = title;
        this.retryable = retryable;
    }

    static ProblemType of(Kind kind) {
        return switch (kind) {
            case INVALID_REQUEST -> INVALID_REQUEST;
            case UNAUTHENTICATED -> UNAUTHENTICATED;
            case PERMISSION_DENIED -> PERMISSION_DENIED;
            case TRANSACTION_NOT_FOUND -> TRANSACTION_NOT_FOUND;
            case TRANSACTION_IN_USE -> TRANSACTION_IN_USE;
            case TRANSACTION_COMMITTING -> TRANSACTION_COMMITTING;
            case CONFLICT -> CONFLICT;
            case POSITION_GONE -> POSITION_GONE;
            case TOO_MANY_REQUESTS -> TOO_MANY_REQUESTS;
            case TOO_MANY_WATCHES -> TOO_MANY_WATCHES;
            case TOO_SLOW -> TOO_SLOW;
            case IDEMPOTENCY_KEY_REUSED -> IDEMPOTENCY_KEY_REUSED;
            case TOO_LARGE -> TOO_LARGE;
            case INTERNAL -> INTERNAL;
            case UNDETERMINED -> UNDETERMINED;
            case SERVER -> SERVER;
            case UNAVAILABLE -> UNAVAILABLE;
            case BUSY -> BUSY;
            case TIMEOUT -> TIMEOUT;
            case DISK_FULL -> DISK_FULL;
        };
    }

    HttpStatus status() {
        return status;
    }

    Problem problem(String detail) {
        return problem(detail, null);
    }

    /** @param error the TiKV name of the error, where it has one */
    Problem problem(String detail, @Nullable String error) {
        return new Problem("urn:rutile:problem:" + name, title, status.value(), detail, error, null, null, retryable);
    }

    /** The same as a failure, to be thrown or to complete a future with. */
    ProblemException because(String detail) {
        return new ProblemException(problem(detail));
    }
}
