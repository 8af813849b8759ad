package io.rutile.pd.http;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** What all HTTP connections together may take. Safe from any thread. */
final class HttpLoad {

    private final int connectionsMax;
    private final long answersBytesMax;
    private final AtomicInteger connections = new AtomicInteger();
    private final AtomicLong answersBytes = new AtomicLong();
    private final Counter refused;
    private final Counter timedOut;

    HttpLoad(HttpOptions options, MeterRegistry metrics) {
        this.connectionsMax = options.connectionsMax();
        this.answersBytesMax = options.answersBytesMax();
        this.refused = Counter.builder("kv.pd.http.connections.refused")
                .description("HTTP connections answered 503 and closed because too many were open")
                .register(metrics);
        this.timedOut = Counter.builder("kv.pd.http.connections.timed.out")
                .description("HTTP connections closed because a request or the taking of an answer took too long")
                .register(metrics);
        Gauge.builder("kv.pd.http.connections", connections, AtomicInteger::get)
                .description("Open connections that speak HTTP/1.1")
                .register(metrics);
    }

    /** True if there is room; then {@link #closed} must follow. */
    boolean open() {
        if (connections.incrementAndGet() <= connectionsMax) {
            return true;
        }
        connections.decrementAndGet();
        refused.increment();
        return false;
    }

    void closed() {
        connections.decrementAndGet();
    }

    /** True if an answer of so many bytes may be held until its client takes it; then {@link #answerTaken} must follow. */
    boolean takeAnswer(long bytes) {
        if (answersBytes.addAndGet(bytes) <= answersBytesMax || bytes == 0) {
            return true;
        }
        answersBytes.addAndGet(-bytes);
        return false;
    }

    void answerTaken(long bytes) {
        answersBytes.addAndGet(-bytes);
    }

    void countTimedOut() {
        timedOut.increment();
    }
}
