package io.rutile.gateway.rest;

import io.micrometer.core.instrument.Counter;
import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.coyote.Processor;
import org.apache.coyote.ProtocolException;
import org.apache.coyote.http11.Http11NioProtocol;
import org.jspecify.annotations.Nullable;

/**
 * HTTP/1.1 over the container's connections, with a bound on those that are busy. The container gives a connection its buffers, some
 * 40 KiB, when its first byte arrives, long before anybody can tell what the request is; without a bound, some thousand clients that
 * send a byte each fill the heap (E1). One busy connection too many is closed; silent ones are not counted. Public because the
 * container makes it.
 */
public final class BusyConnectionLimit extends Http11NioProtocol {

    private static final Cleaner CLEANER = Cleaner.create();

    private final AtomicInteger processors = new AtomicInteger();
    private volatile int busyMax = Integer.MAX_VALUE;
    private volatile @Nullable Counter refused;

    /**
     * To be called before the connector starts.
     *
     * @param busyMax connections in the middle of a request at the same time
     * @param refused counts those that were closed because of it
     */
    void limit(int busyMax, Counter refused) {
        this.busyMax = busyMax;
        this.refused = refused;
        // All of them are kept for the next request: what is counted is what exists.
        setProcessorCache(busyMax);
    }

    @Override
    protected Processor createProcessor() {
        if (processors.incrementAndGet() > busyMax) {
            processors.decrementAndGet();
            Counter counter = refused;
            if (counter != null) {
                counter.increment();
            }
            // The container closes the connection, without a word in the log.
            throw new ProtocolException("as many connections are busy as may be");
        }
        Processor processor = super.createProcessor();
        // One that the container loses, rather than keeps, must not count for ever.
        CLEANER.register(processor, processors::decrementAndGet);
        return processor;
    }
}
