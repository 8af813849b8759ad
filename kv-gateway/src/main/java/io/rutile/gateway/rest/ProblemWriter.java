package io.rutile.gateway.rest;

import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import tools.jackson.databind.json.JsonMapper;

/** Answers with a problem where Spring MVC is not in charge: in filters and in the container's own errors. */
final class ProblemWriter {

    private static final JsonMapper JSON = JsonMapper.builder().build();

    private ProblemWriter() {}

    static byte[] toJson(Problem problem) {
        return JSON.writeValueAsBytes(problem);
    }

    /** Does nothing if the answer is already on its way. */
    static void write(HttpServletResponse response, Problem problem) throws IOException {
        if (response.isCommitted()) {
            return;
        }
        byte[] body = toJson(problem);
        response.resetBuffer();
        response.setStatus(problem.status());
        response.setContentType(MediaType.APPLICATION_PROBLEM_JSON_VALUE);
        if (problem.asksWho() && !response.containsHeader(HttpHeaders.WWW_AUTHENTICATE)) {
            response.setHeader(HttpHeaders.WWW_AUTHENTICATE, Problem.CHALLENGE);
        }
        if (problem.asksToWait()) {
            response.setHeader("Retry-After", Problem.RETRY_AFTER_S);
        }
        response.setContentLength(body.length);
        response.getOutputStream().write(body);
    }
}
