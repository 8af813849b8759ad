package io.rutile.gateway.rest;

import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.gateway.kv.GatewayLimits;
import org.apache.catalina.core.StandardHost;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.Http2;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;

/** What the servlet container's configuration properties do not reach. */
final class HttpConnector implements WebServerFactoryCustomizer<TomcatServletWebServerFactory> {

    /** Buffers of a connection that says nothing: ten thousand of them must not fill the heap. */
    private static final String READ_BUFFER_BYTES = "2048";

    private static final String WRITE_BUFFER_BYTES = "4096";

    private final int busyConnectionsMax;
    private final int http2ConnectionsMax;
    private final int threadsMax;
    private final MeterRegistry metrics;

    /** @param http2ConnectionsMax 0 for no HTTP/2 */
    HttpConnector(int busyConnectionsMax, int http2ConnectionsMax, int threadsMax, MeterRegistry metrics) {
        this.busyConnectionsMax = busyConnectionsMax;
        this.http2ConnectionsMax = http2ConnectionsMax;
        this.threadsMax = threadsMax;
        this.metrics = metrics;
    }

    @Override
    public void customize(TomcatServletWebServerFactory factory) {
        factory.setProtocol(BusyConnectionLimit.class.getName());
        // Whatever server.http2 says: that one has no bound for connections.
        factory.setHttp2(new Http2());
        factory.addConnectorCustomizers(connector -> {
            // Keys may contain slashes of both kinds; they are read from the path as it came.
            connector.setEncodedSolidusHandling("passthrough");
            connector.setEncodedReverseSolidusHandling("passthrough");
            // A form is no exception: whatever the body is, nobody but AdmissionFilter reads it.
            connector.setParseBodyMethods("");
            connector.setProperty("socket.appReadBufSize", READ_BUFFER_BYTES);
            connector.setProperty("socket.appWriteBufSize", WRITE_BUFFER_BYTES);
            if (connector.getProtocolHandler() instanceof BusyConnectionLimit http) {
                http.limit(busyConnectionsMax, GatewayLimits.refused("connections", metrics));
                // Bodies are taken off the wire by AdmissionFilter. What it left is from a client that has to be cut
                // off:
                // swallowing would block a thread for as long as that client likes.
                http.setMaxSwallowSize(0);
            }
            if (http2ConnectionsMax > 0) {
                connector.addUpgradeProtocol(new BoundedHttp2(
                        http2ConnectionsMax, threadsMax / 2, GatewayLimits.refused("http2-connections", metrics)));
            }
        });
        factory.addContextCustomizers(context -> {
            if (context.getParent() instanceof StandardHost host) {
                host.setErrorReportValveClass(ProblemValve.class.getName());
            }
        });
    }
}
