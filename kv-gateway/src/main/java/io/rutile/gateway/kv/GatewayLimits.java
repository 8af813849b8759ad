package io.rutile.gateway.kv;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.gateway.kv.CallerShares.Share;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Bounds what callers have in flight at the gateway, in requests and in bytes of keys and values held for them (R10): all of them together,
 * and each for itself. Past a bound a caller is answered {@code BUSY} or {@code TOO_MANY_REQUESTS} at once instead of being queued, and {@code
 * kv.gateway.refused} counts it. Safe from any thread.
 */
public final class GatewayLimits {

    private final int requestsMax;
    private final long bytesMax;
    private final AtomicInteger requests = new AtomicInteger();
    private final AtomicLong bytes = new AtomicLong();
    private final Counter refusedRequests;
    private final Counter refusedBytes;
    private final Counter refusedCallers;
    private final CallerShares callers;

    /**
     * @param requestsMax requests at the same time, at least 1
     * @param bytesMax bytes held for all requests together, at least 1
     */
    public GatewayLimits(int requestsMax, long bytesMax, MeterRegistry metrics) {
        this(requestsMax, bytesMax, System::nanoTime, metrics);
    }

    /** @param nanoClock monotonic, as {@link System#nanoTime} counts */
    GatewayLimits(int requestsMax, long bytesMax, LongSupplier nanoClock, MeterRegistry metrics) {
        if (requestsMax < 1 || bytesMax < 1) {
            throw new IllegalArgumentException(
                    "limits are at least 1: requestsMax=" + requestsMax + " bytesMax=" + bytesMax);
        }
        this.requestsMax = requestsMax;
        this.bytesMax = bytesMax;
        refusedRequests = refused("requests", metrics);
        refusedBytes = refused("bytes", metrics);
        refusedCallers = refused("caller", metrics);
        callers = new CallerShares(nanoClock);
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
     * @throws FailureException {@code BUSY} if as many as allowed are in flight
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
    static FailureException busy(String reason) {
        return new FailureException(Failure.Kind.BUSY.because("the gateway is busy: " + reason, "ServerIsBusy"));
    }

    /** One admitted request. Bytes are reserved before they are held for long, and given back at the latest when it is answered. */
    public final class Permit implements AutoCloseable {

        private long held;
        private @Nullable Share share;
        private boolean abandoned;
        private boolean closed;

        private Permit() {}

        /**
         * From now on the request, with what it holds already, counts for who makes it, too. Once at most.
         *
         * @param caller their name
         * @throws FailureException {@code TOO_MANY_REQUESTS} if they have as much as they may; the permit is to be closed, as always
         */
        public synchronized void countFor(String caller, CallerQuota quota) {
            if (closed || quota.equals(CallerQuota.NONE)) {
                return;
            }
            try {
                share = callers.enter(caller, quota, held);
            } catch (FailureException over) {
                refusedCallers.increment();
                throw over;
            }
        }

        /**
         * Makes room for more bytes of this request. After {@link #close} it counts nothing: an answer that comes too late is
         * dropped by whoever reserves for it.
         *
         * @throws FailureException {@code BUSY} if all requests together would hold more than allowed, {@code TOO_MANY_REQUESTS} if those of the
         *     caller would; nothing is reserved
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
            if (share != null) {
                try {
                    share.reserve(count);
                } catch (FailureException over) {
                    bytes.addAndGet(-count);
                    refusedCallers.increment();
                    throw over;
                }
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
            if (share != null) {
                share.release(count);
            }
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
                if (share != null) {
                    share.leave(held);
                }
            }
        }
    }
}
