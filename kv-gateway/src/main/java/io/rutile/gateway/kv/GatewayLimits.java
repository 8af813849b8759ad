package io.rutile.gateway.kv;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.client.KvClientException;
import io.rutile.protocol.RegionErrors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Bounds what callers have in flight at the gateway, in requests and in bytes of keys and values held for them (R10). Past a
 * bound a caller is answered {@code BUSY} at once instead of being queued, and {@code kv.gateway.refused} counts it. Safe from any
 * thread.
 */
public final class GatewayLimits {

    private final int requestsMax;
    private final long bytesMax;
    private final AtomicInteger requests = new AtomicInteger();
    private final AtomicLong bytes = new AtomicLong();
    private final Counter refusedRequests;
    private final Counter refusedBytes;

    /**
     * @param requestsMax requests at the same time, at least 1
     * @param bytesMax bytes held for all requests together, at least 1
     */
    public GatewayLimits(int requestsMax, long bytesMax, MeterRegistry metrics) {
        if (requestsMax < 1 || bytesMax < 1) {
            throw new IllegalArgumentException(
                    "limits are at least 1: requestsMax=" + requestsMax + " bytesMax=" + bytesMax);
        }
        this.requestsMax = requestsMax;
        this.bytesMax = bytesMax;
        refusedRequests = refused("requests", metrics);
        refusedBytes = refused("bytes", metrics);
        Gauge.builder("kv.gateway.requests.in.flight", requests, AtomicInteger::get)
                .description("Requests admitted and not yet answered")
                .register(metrics);
        Gauge.builder("kv.gateway.in.flight", bytes, AtomicLong::get)
                .baseUnit("bytes")
                .description("Bytes of keys and values held for requests in flight")
                .register(metrics);
    }

    /**
     * Lets a request in.
     *
     * @throws KvClientException {@code BUSY} if as many as allowed are in flight
     */
    public Permit admit() {
        if (requests.incrementAndGet() > requestsMax) {
            requests.decrementAndGet();
            refusedRequests.increment();
            throw busy(requestsMax + " requests are in flight");
        }
        return new Permit();
    }

    /** Counts what is turned away at one of the gateway's bounds, here or at an edge. */
    public static Counter refused(String bound, MeterRegistry metrics) {
        return Counter.builder("kv.gateway.refused")
                .tag("bound", bound)
                .description("Requests or connections refused because the gateway holds as much as it may")
                .register(metrics);
    }

    /** What is answered past a bound: nothing was begun, and it may be tried again. */
    static KvClientException busy(String reason) {
        String message = "the gateway is busy: " + reason;
        return new KvClientException(
                KvClientException.Kind.BUSY,
                message,
                RegionErrors.serverIsBusy(message, 0).error(),
                null);
    }

    /** One admitted request. Bytes are reserved before they are held for long, and given back at the latest when it is answered. */
    public final class Permit implements AutoCloseable {

        private long held;
        private boolean abandoned;
        private boolean closed;

        private Permit() {}

        /**
         * Makes room for more bytes of this request. After {@link #close} it counts nothing: an answer that comes too late is
         * dropped by whoever reserves for it.
         *
         * @throws KvClientException {@code BUSY} if all requests together would hold more than allowed; nothing is reserved
         * @throws CallerGoneException after {@link #abandon}
         */
        public synchronized void reserve(long count) {
            if (abandoned) {
                throw new CallerGoneException();
            }
            if (closed) {
                return;
            }
            if (bytes.addAndGet(count) > bytesMax) {
                bytes.addAndGet(-count);
                refusedBytes.increment();
                throw busy("requests in flight would hold more than " + bytesMax + " bytes");
            }
            held += count;
        }

        /** Gives back what was reserved, before the request ends: a page of a scan that has been sent. */
        public synchronized void release(long count) {
            if (closed) {
                return;
            }
            held -= count;
            assert held >= 0 : "released more than was reserved";
            bytes.addAndGet(-count);
        }

        /** Nobody waits for the answer any more: what has begun ends at its next step that wants room. */
        public synchronized void abandon() {
            abandoned = true;
        }

        /** The request is answered. Harmless when called again. */
        @Override
        public synchronized void close() {
            if (!closed) {
                closed = true;
                bytes.addAndGet(-held);
                requests.decrementAndGet();
            }
        }
    }
}
