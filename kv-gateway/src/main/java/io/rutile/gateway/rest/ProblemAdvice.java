package io.rutile.gateway.rest;

import jakarta.servlet.http.HttpServletRequest;
import org.apache.tomcat.util.http.InvalidParameterException;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import org.springframework.http.ResponseEntity;
import org.springframework.web.ErrorResponse;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.context.request.WebRequest;
import org.springframework.web.servlet.mvc.method.annotation.ResponseEntityExceptionHandler;

/** Answers every failure of a controller, and of finding one, with a {@link Problem}. */
@RestControllerAdvice
final class ProblemAdvice extends ResponseEntityExceptionHandler {

    /** Ours and the client's failures, and bugs. */
    @ExceptionHandler
    ResponseEntity<Problem> onFailure(Exception failure, HttpServletRequest request) {
        boolean conditional =
                request.getHeader(HttpHeaders.IF_MATCH) != null || request.getHeader(HttpHeaders.IF_NONE_MATCH) != null;
        return (conditional ? Problems.ofConditional(failure) : Problems.of(failure)).toResponse();
    }

    /** The container's words quote the query; ours do not. */
    @ExceptionHandler
    ResponseEntity<Problem> onMalformedQuery(InvalidParameterException failure) {
        return ProblemType.INVALID_REQUEST
                .problem(
                        "the query is not well-formed: too many parameters, a % without two hex digits, or bytes that are"
                                + " not UTF-8")
                .toResponse();
    }

    /** Spring's own: no such path, method or media type, a parameter that does not parse. */
    @Override
    protected ResponseEntity<Object> createResponseEntity(
            @Nullable Object body, HttpHeaders headers, HttpStatusCode status, WebRequest request) {
        String detail = body instanceof ErrorResponse response
                ? response.getBody().getDetail()
                : body instanceof ProblemDetail problem ? problem.getDetail() : null;
        Problem problem = typeOf(status).problem(detail == null ? "the request cannot be served" : detail);
        HttpHeaders answered = new HttpHeaders(headers);
        answered.setContentType(MediaType.APPLICATION_PROBLEM_JSON);
        return new ResponseEntity<>(problem, answered, problem.status());
    }

    private static ProblemType typeOf(HttpStatusCode status) {
        return switch (HttpStatus.valueOf(status.value())) {
            case NOT_FOUND -> ProblemType.NO_SUCH_RESOURCE;
            case METHOD_NOT_ALLOWED -> ProblemType.METHOD_NOT_ALLOWED;
            case NOT_ACCEPTABLE -> ProblemType.NOT_ACCEPTABLE;
            case UNSUPPORTED_MEDIA_TYPE -> ProblemType.UNSUPPORTED_MEDIA_TYPE;
            case CONTENT_TOO_LARGE -> ProblemType.TOO_LARGE;
            default -> status.is4xxClientError() ? ProblemType.INVALID_REQUEST : ProblemType.INTERNAL;
        };
    }
}
