package io.rutile.gateway.rest;

import jakarta.servlet.ServletException;
import java.io.IOException;
import java.util.Objects;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ErrorReportValve;
import org.apache.coyote.ActionCode;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers what the container itself refuses, such as a malformed path, with a problem instead of a page; and cuts the connection of
 * an answer that broke off. Public because the container makes it.
 */
public final class ProblemValve extends ErrorReportValve {

    private static final Logger log = LoggerFactory.getLogger(ProblemValve.class);

    @Override
    public void invoke(Request request, Response response) throws IOException, ServletException {
        super.invoke(request, response);
        if (ResponseStream.isBrokenOff(request)) {
            // Ended in good order, a stream of HTTP/2 would seem to be whole: it is reset.
            response.setSuspended(request.getProtocol().startsWith("HTTP/2"));
            response.getCoyoteResponse().action(ActionCode.CLOSE_NOW, null);
        }
    }

    @Override
    protected void report(Request request, Response response, @Nullable Throwable failure) {
        int status = response.getStatus();
        if (status < 400 || response.getContentWritten() > 0 || !response.setErrorReported()) {
            return;
        }
        try {
            ProblemWriter.write(response.getResponse(), problem(status, response.getMessage()));
        } catch (IOException | IllegalStateException e) {
            log.debug("the client of a refused request is gone status={}", status, e);
        }
    }

    private static Problem problem(int status, @Nullable String message) {
        String detail = Objects.requireNonNullElse(message, "the request cannot be served");
        return switch (status) {
            case 404 -> ProblemType.NO_SUCH_RESOURCE.problem(detail);
            case 405 -> ProblemType.METHOD_NOT_ALLOWED.problem(detail);
            case 408 -> ProblemType.BODY_TIMEOUT.problem(detail);
            case 413 -> ProblemType.TOO_LARGE.problem(detail);
            case 431 -> ProblemType.HEADERS_TOO_LARGE.problem(detail);
            default ->
                status != 500
                        ? ProblemType.INVALID_REQUEST.problem("the request is not well-formed HTTP, or its path has"
                                + " a form that is not served, such as a zero byte; such keys are spelled with enc=hex")
                        : ProblemType.INTERNAL.problem(
                                "an unexpected failure, which the gateway's log tells more about");
        };
    }
}
