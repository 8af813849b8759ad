package io.rutile.gateway.rest;

import io.rutile.gateway.access.CallAccess;
import io.rutile.gateway.kv.FailureException;
import io.rutile.gateway.kv.GatewayLimits;
import io.rutile.gateway.kv.GatewayLimits.Permit;
import io.rutile.protocol.WireLimits;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Duration;
import java.util.Collections;
import java.util.concurrent.CompletableFuture;
import org.springframework.http.HttpHeaders;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Lets requests in, and collects their bodies before anything else sees them: without a thread that waits for a slow client, never
 * more bytes than allowed, never longer than allowed (E1, R10). What comes after finds the whole body in memory.
 *
 * <p>A request with a body passes twice: first to start the reading, and again when the container dispatches it with the body there. A small
 * body that has come along with its head is taken at once, and the request passes once.
 */
final class AdmissionFilter extends OncePerRequestFilter {

    /** Largest body: one value of full size, or a batch. */
    static final int VALUE_BYTES_MAX = WireLimits.ENTRY_BYTES_MAX;

    static final int BATCH_BYTES_MAX = WireLimits.MESSAGE_BYTES_MAX;

    /** More than this does not come along with a head. */
    private static final int AT_ONCE_BYTES_MAX = 16 << 10;

    private static final String PERMIT = AdmissionFilter.class.getName() + ".permit";
    private static final String BODY = AdmissionFilter.class.getName() + ".body";

    private final GatewayLimits limits;
    private final Duration bodyTimeout;
    private final StalledAnswers stalled;

    /** @param bodyTimeout how long a body may take to arrive, at least a second */
    AdmissionFilter(GatewayLimits limits, Duration bodyTimeout, StalledAnswers stalled) {
        this.limits = limits;
        this.bodyTimeout = bodyTimeout;
        this.stalled = stalled;
    }

    /** What this request was let in with. */
    static Permit permit(HttpServletRequest request) {
        return (Permit) request.getAttribute(PERMIT);
    }

    /** The whole body; no bytes if there is none. */
    static byte[] body(HttpServletRequest request) {
        byte[] body = (byte[]) request.getAttribute(BODY);
        return body == null ? new byte[0] : body;
    }

    @Override
    protected void doFilterInternal(HttpServletRequest original, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        if (original.getDispatcherType() != DispatcherType.REQUEST) {
            chain.doFilter(original, response);
            return;
        }
        HttpServletRequest request = new RoutedRequest(original);
        Permit permit;
        try {
            permit = limits.admit();
        } catch (FailureException e) {
            ProblemWriter.write(response, Problems.of(e));
            return;
        }
        CallAccess access = CallerFilter.access(original);
        if (access != null) {
            try {
                access.enter(permit);
            } catch (FailureException e) {
                permit.close();
                ProblemWriter.write(response, Problems.of(e));
                return;
            }
        }
        request.setAttribute(PERMIT, permit);
        stalled.watchOver(request);
        boolean handedOver = false;
        try {
            if (!hasBody(request) || takeAtOnce(request, permit)) {
                chain.doFilter(request, response);
            } else {
                collect(request, response, permit);
            }
            handedOver = request.isAsyncStarted();
        } finally {
            if (handedOver) {
                request.getAsyncContext().addListener(new PermitReturn(permit));
            } else {
                permit.close();
            }
        }
    }

    @Override
    protected boolean shouldNotFilterAsyncDispatch() {
        return false;
    }

    private static boolean hasBody(HttpServletRequest request) throws IOException {
        long bytes = request.getContentLengthLong();
        if (bytes >= 0 || !request.getProtocol().startsWith("HTTP/2")) {
            return bytes > 0 || request.getHeader("Transfer-Encoding") != null;
        }
        // Nothing announces a body there: it is there until the stream has ended.
        return !request.getInputStream().isFinished();
    }

    /** @return false if the body is not all there, or has to be looked at more closely; nothing of it is taken then */
    private static boolean takeAtOnce(HttpServletRequest request, Permit permit) throws IOException {
        long announced = request.getContentLengthLong();
        if (announced < 1
                || announced > AT_ONCE_BYTES_MAX
                || request.getHeader(HttpHeaders.CONTENT_ENCODING) != null
                || request.getInputStream().available() < announced) {
            return false;
        }
        try {
            permit.reserve(announced);
        } catch (FailureException full) {
            return false;
        }
        // Waits for nothing: it is in the container's buffer.
        request.setAttribute(BODY, request.getInputStream().readNBytes((int) announced));
        return true;
    }

    private void collect(HttpServletRequest request, HttpServletResponse response, Permit permit) throws IOException {
        AsyncContext context = request.startAsync(request, response);
        context.setTimeout(bodyTimeout.toMillis());
        int bytesMax = RequestKeys.pathPrefix(request.getRequestURI()) != null ? VALUE_BYTES_MAX : BATCH_BYTES_MAX;
        BodyReader reader = new BodyReader(request.getInputStream(), request.getContentLengthLong(), bytesMax, permit);
        context.addListener(reader);
        boolean isGzip = isGzip(request, response, reader);
        // Whatever fails, dispatching included, is answered: nobody else would end the request.
        CompletableFuture<Void> unused = reader.outcome()
                .thenAccept(body -> {
                    request.setAttribute(BODY, isGzip ? GzipBody.inflate(body, bytesMax, permit) : body);
                    context.dispatch();
                })
                .exceptionally(failure -> {
                    refuse(context, response, failure);
                    return null;
                });
        request.getInputStream().setReadListener(reader);
    }

    /** A coding that is not known is refused, but read on: a client that is still sending would not see the answer. */
    private static boolean isGzip(HttpServletRequest request, HttpServletResponse response, BodyReader reader) {
        try {
            return GzipBody.isGzip(
                    String.join(",", Collections.list(request.getHeaders(HttpHeaders.CONTENT_ENCODING))));
        } catch (ProblemException unknown) {
            response.setHeader(HttpHeaders.ACCEPT_ENCODING, "gzip");
            reader.refuse(unknown);
            return false;
        }
    }

    private static void refuse(AsyncContext context, HttpServletResponse response, Throwable failure) {
        try {
            ProblemWriter.write(response, Problems.of(failure));
        } catch (IOException e) {
            // The client is gone: there is nobody to tell.
        } finally {
            context.complete();
        }
    }

    /** Gives a permit back when the container is through with its request, whichever way that happens. */
    private record PermitReturn(Permit permit) implements AsyncListener {

        @Override
        public void onComplete(AsyncEvent event) {
            permit.close();
        }

        @Override
        public void onTimeout(AsyncEvent event) {}

        @Override
        public void onError(AsyncEvent event) {}

        @Override
        public void onStartAsync(AsyncEvent event) {
            // Each asynchronous cycle of a request starts without listeners.
            event.getAsyncContext().addListener(this);
        }
    }
}
