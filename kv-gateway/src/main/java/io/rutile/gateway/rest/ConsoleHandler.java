package io.rutile.gateway.rest;

import io.rutile.gateway.console.ConsolePages;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Optional;
import org.springframework.http.HttpHeaders;
import org.springframework.web.HttpRequestHandler;

/** The console's pages: files, answered whole, or 304 to whoever has them. */
final class ConsoleHandler implements HttpRequestHandler {

    private final ConsolePages pages;

    ConsoleHandler(ConsolePages pages) {
        this.pages = pages;
    }

    @Override
    public void handleRequest(HttpServletRequest request, HttpServletResponse response) throws IOException {
        ConsolePages.responseHeaders().forEach(response::setHeader);
        String method = request.getMethod();
        if (!method.equals("GET") && !method.equals("HEAD")) {
            response.setHeader(HttpHeaders.ALLOW, "GET, HEAD");
            ProblemWriter.write(response, ProblemType.METHOD_NOT_ALLOWED.problem("pages are only read"));
            return;
        }
        String path = request.getRequestURI().substring(request.getContextPath().length());
        if (path.equals("/console")) {
            // What is relative on the page is relative to the directory.
            response.setStatus(HttpServletResponse.SC_PERMANENT_REDIRECT);
            response.setHeader(HttpHeaders.LOCATION, "console/");
            return;
        }
        Optional<ConsolePages.Page> found = pages.find(path);
        if (found.isEmpty()) {
            ProblemWriter.write(response, ProblemType.NO_SUCH_RESOURCE.problem("the console has no such file"));
            return;
        }
        ConsolePages.Page page = found.get();
        response.setHeader(HttpHeaders.ETAG, EntityTag.of(page.content()).quoted());
        try {
            if (!Precondition.of(null, request.getHeader(HttpHeaders.IF_NONE_MATCH))
                    .holds(page.content())) {
                response.setStatus(HttpServletResponse.SC_NOT_MODIFIED);
                return;
            }
        } catch (ProblemException malformed) {
            ProblemWriter.write(response, malformed.problem());
            return;
        }
        response.setContentType(page.mediaType());
        response.setContentLength(page.content().length);
        if (method.equals("GET")) {
            response.getOutputStream().write(page.content());
        }
    }
}
