package io.rutile.gateway.rest;

import io.micrometer.core.instrument.Counter;
import jakarta.servlet.http.WebConnection;
import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.coyote.Adapter;
import org.apache.coyote.ProtocolException;
import org.apache.coyote.Request;
import org.apache.coyote.Response;
import org.apache.coyote.http11.upgrade.InternalHttpUpgradeHandler;
import org.apache.coyote.http11.upgrade.UpgradeInfo;
import org.apache.coyote.http2.Http2Protocol;
import org.apache.tomcat.util.net.AbstractEndpoint.Handler.SocketState;
import org.apache.tomcat.util.net.SSLSupport;
import org.apache.tomcat.util.net.SocketEvent;
import org.apache.tomcat.util.net.SocketWrapperBase;

/**
 * HTTP/2 over the container's connections: by ALPN where there is TLS, else for who begins with its preface. A connection may have many
 * requests under way, and each that brings a body has two buffers of the window's size, so connections have a bound of their own; one too
 * many is closed (E1). {@code Upgrade: h2c} is not taken: RFC 9113 has dropped it, a proxy that passes it on would no longer see what goes
 * through it, and the container would wait for the body of the request first.
 */
final class BoundedHttp2 extends Http2Protocol {

    /** Requests under way on one connection. */
    static final int STREAMS_MAX = 32;

    /** What a stream may send before it is read; the container keeps twice as much for each. */
    private static final int WINDOW_BYTES = 32 << 10;

    /** What a connection costs at most: buffers of its streams. */
    static final int CONNECTION_BYTES_MAX = STREAMS_MAX * (2 * WINDOW_BYTES + (32 << 10));

    /** Steps that one connection may have on threads of the container at the same time. */
    private static final int STEPS_MAX = 8;

    /** How long a small answer, which is sent in one go, waits for its client to let it through. It holds a thread meanwhile. */
    private static final long PATIENCE_MS = 2_000;

    /** The same while as many threads are busy with HTTP/2 as may: clients that let nothing through must not have the others as well. */
    private static final long IMPATIENCE_MS = 10;

    private static final Cleaner CLEANER = Cleaner.create();

    private final AtomicInteger connections = new AtomicInteger();
    private final AtomicInteger steps = new AtomicInteger();
    private final int connectionsMax;
    private final int patientStepsMax;
    private final Counter refused;

    /**
     * @param patientStepsMax threads of the container that may wait for clients of HTTP/2
     * @param refused counts connections that are closed because there are {@code connectionsMax}
     */
    BoundedHttp2(int connectionsMax, int patientStepsMax, Counter refused) {
        this.connectionsMax = connectionsMax;
        this.patientStepsMax = patientStepsMax;
        this.refused = refused;
        setMaxConcurrentStreams(STREAMS_MAX);
        setMaxConcurrentStreamExecution(STEPS_MAX);
        setInitialWindowSize(WINDOW_BYTES);
        setUseSendfile(false);
    }

    @Override
    public long getReadTimeout() {
        return getHttp11Protocol().getConnectionTimeout();
    }

    @Override
    public long getKeepAliveTimeout() {
        return getHttp11Protocol().getKeepAliveTimeout();
    }

    /** Asked by a thread that is about to wait for the window of a stream. */
    @Override
    public long getStreamWriteTimeout() {
        return steps.get() > patientStepsMax ? IMPATIENCE_MS : PATIENCE_MS;
    }

    /** The same for the window of a connection, and for its socket. */
    @Override
    public long getWriteTimeout() {
        return getStreamWriteTimeout();
    }

    @Override
    public boolean accept(Request upgrade) {
        return false;
    }

    @Override
    public InternalHttpUpgradeHandler getInternalUpgradeHandler(
            SocketWrapperBase<?> socket, Adapter adapter, Request request) {
        if (connections.incrementAndGet() > connectionsMax) {
            connections.decrementAndGet();
            refused.increment();
            // The container closes the connection, without a word in the log.
            throw new ProtocolException("as many connections speak HTTP/2 as may");
        }
        return new Counted(
                super.getInternalUpgradeHandler(socket, new CountedSteps(adapter, steps), request), connections);
    }

    /** Counts the threads that are busy with a request, up to the last byte of an answer that is sent in one go. */
    private record CountedSteps(Adapter container, AtomicInteger steps) implements Adapter {

        @Override
        public void service(Request request, Response response) throws Exception {
            steps.incrementAndGet();
            try {
                container.service(request, response);
            } finally {
                steps.decrementAndGet();
            }
        }

        @Override
        public boolean asyncDispatch(Request request, Response response, SocketEvent event) throws Exception {
            steps.incrementAndGet();
            try {
                return container.asyncDispatch(request, response, event);
            } finally {
                steps.decrementAndGet();
            }
        }

        @Override
        public boolean prepare(Request request, Response response) throws Exception {
            return container.prepare(request, response);
        }

        @Override
        public void log(Request request, Response response, long time) {
            container.log(request, response, time);
        }

        @Override
        public void checkRecycled(Request request, Response response) {
            container.checkRecycled(request, response);
        }

        @Override
        public String getDomain() {
            return container.getDomain();
        }
    }

    /** Gives its place back when the connection ends; at the latest when nobody knows of it any more. */
    private static final class Counted implements InternalHttpUpgradeHandler {

        private final InternalHttpUpgradeHandler http2;
        private final Cleaner.Cleanable place;

        Counted(InternalHttpUpgradeHandler http2, AtomicInteger connections) {
            this.http2 = http2;
            place = CLEANER.register(this, connections::decrementAndGet);
        }

        @Override
        public void init(WebConnection connection) {
            http2.init(connection);
        }

        @Override
        public SocketState upgradeDispatch(SocketEvent event) {
            return http2.upgradeDispatch(event);
        }

        @Override
        public void timeoutAsync(long now) {
            http2.timeoutAsync(now);
        }

        @Override
        public void setSocketWrapper(SocketWrapperBase<?> socket) {
            http2.setSocketWrapper(socket);
        }

        @Override
        public void setSslSupport(SSLSupport tls) {
            http2.setSslSupport(tls);
        }

        @Override
        public void pause() {
            http2.pause();
        }

        @Override
        public boolean hasAsyncIO() {
            return http2.hasAsyncIO();
        }

        @Override
        public UpgradeInfo getUpgradeInfo() {
            return http2.getUpgradeInfo();
        }

        @Override
        public void destroy() {
            http2.destroy();
            place.clean();
        }
    }
}
