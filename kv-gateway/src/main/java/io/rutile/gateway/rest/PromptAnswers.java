package io.rutile.gateway.rest;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.servlet.http.HttpServletRequest;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.springframework.core.MethodParameter;
import org.springframework.http.ResponseEntity;
import org.springframework.web.context.request.NativeWebRequest;
import org.springframework.web.context.request.RequestAttributes;
import org.springframework.web.method.support.HandlerMethodReturnValueHandler;
import org.springframework.web.method.support.ModelAndViewContainer;
import org.springframework.web.servlet.mvc.method.annotation.DeferredResultMethodReturnValueHandler;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerAdapter;
import org.springframework.web.servlet.mvc.method.annotation.ResponseEntityReturnValueHandler;

/**
 * Lets the container's thread wait for a moment for the answer that a controller has promised, and answer on its own if it comes: most
 * do, and a request that becomes asynchronous passes filters and dispatcher twice.
 *
 * <p>Only so many threads wait, and none for long: when the cluster is slow, requests become asynchronous as if this were not there. A
 * {@link ResponseStream} that begins to write ends the wait, for it writes asynchronously.
 */
final class PromptAnswers implements HandlerMethodReturnValueHandler {

    private static final String STREAM_BEGINS = PromptAnswers.class.getName();
    private static final String WAITS = "kv.gateway.http.waits";

    private final HandlerMethodReturnValueHandler entities;
    private final HandlerMethodReturnValueHandler asynchronous;
    private final Semaphore waiters;
    private final long patienceNanos;
    private final Counter answered;
    private final Counter handedOver;
    private final Counter crowded;

    /**
     * Prepares it.
     *
     * @param entities writes what was answered
     * @param asynchronous takes the request over if there is no answer yet
     * @param waitersMax threads that wait at a time; 0 for none
     * @param patience how long one waits
     */
    PromptAnswers(
            HandlerMethodReturnValueHandler entities,
            HandlerMethodReturnValueHandler asynchronous,
            int waitersMax,
            Duration patience,
            MeterRegistry metrics) {
        this.entities = entities;
        this.asynchronous = asynchronous;
        this.waiters = new Semaphore(waitersMax);
        this.patienceNanos = patience.toNanos();
        Gauge.builder("kv.gateway.http.waiting", waiters, free -> waitersMax - free.availablePermits())
                .description("Threads that wait for a moment for an answer of the cluster")
                .register(metrics);
        this.answered = waits("answered", metrics);
        this.handedOver = waits("handed-over", metrics);
        this.crowded = waits("crowded", metrics);
    }

    private static Counter waits(String outcome, MeterRegistry metrics) {
        return Counter.builder(WAITS)
                .description("Requests that waited for their answer on the thread that brought them, or would have")
                .tag("outcome", outcome)
                .register(metrics);
    }

    /** What calls the controllers, with this in front of what Spring does with futures. */
    static RequestMappingHandlerAdapter installed(int waitersMax, Duration patience, MeterRegistry metrics) {
        return new RequestMappingHandlerAdapter() {
            @Override
            public void afterPropertiesSet() {
                super.afterPropertiesSet();
                List<HandlerMethodReturnValueHandler> handlers =
                        new ArrayList<>(Objects.requireNonNull(getReturnValueHandlers()));
                handlers.add(
                        0,
                        new PromptAnswers(
                                one(handlers, ResponseEntityReturnValueHandler.class),
                                one(handlers, DeferredResultMethodReturnValueHandler.class),
                                waitersMax,
                                patience,
                                metrics));
                setReturnValueHandlers(handlers);
            }
        };
    }

    private static HandlerMethodReturnValueHandler one(
            List<HandlerMethodReturnValueHandler> handlers, Class<? extends HandlerMethodReturnValueHandler> type) {
        return handlers.stream().filter(type::isInstance).findFirst().orElseThrow();
    }

    /**
     * Says that the answer of this request may be written by a stream.
     *
     * @return to be completed when that begins to write
     */
    static CompletableFuture<Void> streamOf(HttpServletRequest request) {
        CompletableFuture<Void> begins = new CompletableFuture<>();
        request.setAttribute(STREAM_BEGINS, begins);
        return begins;
    }

    @Override
    public boolean supportsReturnType(MethodParameter returned) {
        return returned.getParameterType() == CompletableFuture.class
                && promised(returned.getGenericParameterType()) instanceof ParameterizedType entity
                && entity.getRawType() == ResponseEntity.class;
    }

    private static Type promised(Type future) {
        return future instanceof ParameterizedType type ? type.getActualTypeArguments()[0] : Object.class;
    }

    @Override
    public void handleReturnValue(
            @Nullable Object returned,
            MethodParameter declared,
            ModelAndViewContainer container,
            NativeWebRequest request)
            throws Exception {
        CompletableFuture<?> promised = Objects.requireNonNull((CompletableFuture<?>) returned);
        if (!comesSoon(promised, request)) {
            asynchronous.handleReturnValue(promised, declared, container, request);
            return;
        }
        entities.handleReturnValue(answer(promised), new Kept(declared), container, request);
    }

    private boolean comesSoon(CompletableFuture<?> promised, NativeWebRequest request) {
        if (promised.isDone()) {
            return true;
        }
        if (!waiters.tryAcquire()) {
            crowded.increment();
            return false;
        }
        try {
            CompletableFuture<?> stream =
                    (CompletableFuture<?>) request.getAttribute(STREAM_BEGINS, RequestAttributes.SCOPE_REQUEST);
            CompletableFuture<?> either = stream == null ? promised : CompletableFuture.anyOf(promised, stream);
            either.get(patienceNanos, TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException e) {
            // Whether there is an answer, a failure too, is asked next.
        } finally {
            waiters.release();
        }
        boolean came = promised.isDone();
        (came ? answered : handedOver).increment();
        return came;
    }

    /** What an advice is told is why it failed, and not that a future did. */
    private static @Nullable Object answer(CompletableFuture<?> done) throws Exception {
        try {
            return done.get();
        } catch (ExecutionException failed) {
            if (failed.getCause() instanceof Exception cause) {
                throw cause;
            }
            throw failed;
        }
    }

    /** The entity that was promised, in place of the promise. */
    private static final class Kept extends MethodParameter {

        Kept(MethodParameter future) {
            super(future);
        }

        @Override
        public Class<?> getParameterType() {
            return ResponseEntity.class;
        }

        @Override
        public Type getGenericParameterType() {
            return promised(super.getGenericParameterType());
        }

        @Override
        public MethodParameter clone() {
            return new Kept(this);
        }
    }
}
