package io.rutile.gateway.rest;

import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;

/**
 * What can go wrong, by the name that programs may match on. Names and statuses are part of the API: listed in
 * docs/operations/rest-api.md.
 */
enum ProblemType {
    INVALID_REQUEST("invalid-request", HttpStatus.BAD_REQUEST, "The request is not valid", false),
    KEY_NOT_FOUND("key-not-found", HttpStatus.NOT_FOUND, "The key is not there", false),
    NO_SUCH_RESOURCE("no-such-resource", HttpStatus.NOT_FOUND, "There is nothing at this path", false),
    TRANSACTION_NOT_FOUND("transaction-not-found", HttpStatus.NOT_FOUND, "No transaction is open under this id", false),
    METHOD_NOT_ALLOWED("method-not-allowed", HttpStatus.METHOD_NOT_ALLOWED, "This path has no such method", false),
    NOT_ACCEPTABLE("not-acceptable", HttpStatus.NOT_ACCEPTABLE, "The answer has another media type", false),
    BODY_TIMEOUT("body-timeout", HttpStatus.REQUEST_TIMEOUT, "The body did not arrive in time", true),
    CONFLICT("conflict", HttpStatus.CONFLICT, "Another transaction was there first", false),
    TRANSACTION_IN_USE("transaction-in-use", HttpStatus.CONFLICT, "The transaction is busy with another request", true),
    TRANSACTION_COMMITTING(
            "transaction-committing", HttpStatus.CONFLICT, "The commit of the transaction was asked for", false),
    PRECONDITION_FAILED("precondition-failed", HttpStatus.PRECONDITION_FAILED, "The value is another one", false),
    TOO_LARGE("too-large", HttpStatus.CONTENT_TOO_LARGE, "The request is too large", false),
    UNSUPPORTED_MEDIA_TYPE(
            "unsupported-media-type", HttpStatus.UNSUPPORTED_MEDIA_TYPE, "The body has another media type", false),
    HEADERS_TOO_LARGE(
            "headers-too-large", HttpStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The request's head is too large", false),
    INTERNAL("internal", HttpStatus.INTERNAL_SERVER_ERROR, "The gateway failed", false),
    UNDETERMINED("undetermined", HttpStatus.INTERNAL_SERVER_ERROR, "The write may or may not have taken effect", false),
    SERVER("server", HttpStatus.BAD_GATEWAY, "The cluster refused the request", false),
    UNAVAILABLE("unavailable", HttpStatus.SERVICE_UNAVAILABLE, "The cluster cannot be reached", true),
    BUSY("busy", HttpStatus.SERVICE_UNAVAILABLE, "Too much is going on", true),
    TIMEOUT("timeout", HttpStatus.GATEWAY_TIMEOUT, "The deadline of the call ran out", true),
    DISK_FULL("disk-full", HttpStatus.INSUFFICIENT_STORAGE, "A store has no space left", true);

    private final String name;
    private final HttpStatus status;
    private final String title;
    private final boolean retryable;

    ProblemType(String name, HttpStatus status, String title, boolean retryable) {
        this.name = name;
        this.status = status;
        this.title = title;
        this.retryable = retryable;
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
