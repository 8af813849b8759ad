package io.rutile.gateway.rest;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.servlet.http.HttpServletRequest;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Ends answers over HTTP/2 that their clients do not read: the container has a time-out for a connection that takes nothing, and none for
 * a stream of it. Looked at by a thread of its own, {@code gateway-rest-sweep}.
 */
final class StalledAnswers implements AutoCloseable {

    private static final String ATTRIBUTE = StalledAnswers.class.getName();

    private final Set<ResponseStream> waiting = ConcurrentHashMap.newKeySet();
    private final ScheduledExecutorService sweep = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "gateway-rest-sweep");
        thread.setDaemon(true);
        return thread;
    });
    private final long patienceNanos;
    private final Counter ended;

    /** @param patience how long a client may take nothing, at least 1 ms */
    StalledAnswers(Duration patience, MeterRegistry metrics) {
        patienceNanos = patience.toNanos();
        ended = Counter.builder("kv.gateway.http.stalled")
                .description("Answers over HTTP/2 ended because their clients did not read on")
                .register(metrics);
    }

    void start() {
        long pauseMs = Math.max(50, TimeUnit.NANOSECONDS.toMillis(patienceNanos) / 4);
        sweep.scheduleWithFixedDelay(this::endStalled, pauseMs, pauseMs, TimeUnit.MILLISECONDS);
    }

    private void endStalled() {
        long now = System.nanoTime();
        for (ResponseStream answer : waiting) {
            if (answer.hasWaited(now, patienceNanos)) {
                waiting.remove(answer);
                ended.increment();
                answer.giveUp();
            }
        }
    }

    /** To be watched over is what speaks HTTP/2. */
    void watchOver(HttpServletRequest request) {
        if (request.getProtocol().startsWith("HTTP/2")) {
            request.setAttribute(ATTRIBUTE, this);
        }
    }

    /** Who watches over this request's answer; null if the container does. */
    static @Nullable StalledAnswers of(HttpServletRequest request) {
        return (StalledAnswers) request.getAttribute(ATTRIBUTE);
    }

    void add(ResponseStream answer) {
        waiting.add(answer);
    }

    void remove(ResponseStream answer) {
        waiting.remove(answer);
    }

    @Override
    public void close() {
        sweep.shutdownNow();
    }
}
