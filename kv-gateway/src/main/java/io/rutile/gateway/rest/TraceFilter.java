package io.rutile.gateway.rest;

import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import io.rutile.trace.SpanAttributes;
import io.rutile.trace.TraceParent;
import io.rutile.trace.Tracing;
import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.springframework.web.servlet.HandlerMapping;

/**
 * A span for every traced request, from the moment it was let in to the last byte of its answer; what its handlers ask the cluster for belongs
 * to it. It is named after the pattern of its path: the path itself has a key in it (E3).
 */
final class TraceFilter implements Filter {

    private static final String TRACE = TraceFilter.class.getName();

    private final Tracing tracing;

    TraceFilter(Tracing tracing) {
        this.tracing = tracing;
    }

    @Override
    public void doFilter(ServletRequest plainRequest, ServletResponse plainResponse, FilterChain chain)
            throws IOException, ServletException {
        HttpServletRequest request = (HttpServletRequest) plainRequest;
        HttpServletResponse response = (HttpServletResponse) plainResponse;
        if (request.getDispatcherType() != DispatcherType.REQUEST) {
            // With its body now, or with what becomes of it.
            if (request.getAttribute(TRACE) instanceof Context begun) {
                inside(begun, request, response, chain);
            } else {
                chain.doFilter(request, response);
            }
            return;
        }
        Context trace = begin(request);
        if (trace == null) {
            chain.doFilter(request, response);
            return;
        }
        request.setAttribute(TRACE, trace);
        End end = new End(Span.fromContext(trace), request, response);
        boolean handedOver = false;
        try {
            inside(trace, request, response, chain);
            handedOver = request.isAsyncStarted();
        } finally {
            if (handedOver) {
                request.getAsyncContext().addListener(end);
            } else {
                end.now();
            }
        }
    }

    private @Nullable Context begin(HttpServletRequest request) {
        Context caller =
                tracing.enter(request.getHeader(TraceParent.HEADER), request.getHeader(TraceParent.STATE_HEADER));
        if (caller == null) {
            return null;
        }
        String method = method(request);
        Span span = tracing.span(method, SpanKind.SERVER, caller)
                .setAttribute(SpanAttributes.HTTP_METHOD, method)
                .startSpan();
        return caller.with(span);
    }

    private static void inside(
            Context trace, HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        try (Scope scope = trace.makeCurrent()) {
            chain.doFilter(request, response);
        }
    }

    /** One of few words, whatever a stranger sends. */
    private static String method(HttpServletRequest request) {
        return CallerFilter.METHODS.contains(request.getMethod()) ? request.getMethod() : "_OTHER";
    }

    /** Ends the span when the container is through with the request, whichever way that happens. */
    private record End(Span span, HttpServletRequest request, HttpServletResponse response, AtomicBoolean ended)
            implements AsyncListener {

        End(Span span, HttpServletRequest request, HttpServletResponse response) {
            this(span, request, response, new AtomicBoolean());
        }

        void now() {
            if (!ended.compareAndSet(false, true)) {
                return;
            }
            if (request.getAttribute(HandlerMapping.BEST_MATCHING_PATTERN_ATTRIBUTE) instanceof String route) {
                span.updateName(method(request) + " " + route).setAttribute(SpanAttributes.HTTP_ROUTE, route);
            }
            int status = response.getStatus();
            span.setAttribute(SpanAttributes.HTTP_STATUS, status);
            if (status >= 500) {
                SpanAttributes.failed(span, Integer.toString(status));
            }
            span.end();
        }

        @Override
        public void onComplete(AsyncEvent event) {
            now();
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
