package io.rutile.gateway.rest;

import org.apache.catalina.core.StandardHost;
import org.apache.coyote.http11.AbstractHttp11Protocol;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;

/** What the servlet container's configuration properties do not reach. */
final class HttpConnector implements WebServerFactoryCustomizer<TomcatServletWebServerFactory> {

    /** Two buffers a connection, kept while it is idle: silent connections by the thousand must not fill the heap. */
    private static final String IDLE_BUFFER_BYTES = "4096";

    @Override
    public void customize(TomcatServletWebServerFactory factory) {
        factory.addConnectorCustomizers(connector -> {
            // Keys may contain slashes of both kinds; they are read from the path as it came.
            connector.setEncodedSolidusHandling("passthrough");
            connector.setEncodedReverseSolidusHandling("passthrough");
            // A form is no exception: whatever the body is, nobody but AdmissionFilter reads it.
            connector.setParseBodyMethods("");
            connector.setProperty("socket.appReadBufSize", IDLE_BUFFER_BYTES);
            connector.setProperty("socket.appWriteBufSize", IDLE_BUFFER_BYTES);
            if (connector.getProtocolHandler() instanceof AbstractHttp11Protocol<?> http) {
                // Bodies are taken off the wire by AdmissionFilter. What it left is from a client that has to be cut
                // off:
                // swallowing would block a thread for as long as that client likes.
                http.setMaxSwallowSize(0);
            }
        });
        factory.addContextCustomizers(context -> {
            if (context.getParent() instanceof StandardHost host) {
                host.setErrorReportValveClass(ProblemValve.class.getName());
            }
        });
    }
}
