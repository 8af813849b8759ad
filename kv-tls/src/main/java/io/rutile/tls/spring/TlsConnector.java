package io.rutile.tls.spring;

import io.rutile.tls.ServerTls;
import io.rutile.tls.TlsException;
import org.apache.catalina.connector.Connector;
import org.apache.coyote.http11.AbstractHttp11Protocol;
import org.apache.tomcat.util.net.SSLHostConfig;
import org.apache.tomcat.util.net.SSLHostConfigCertificate;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.tomcat.TomcatWebServerFactory;
import org.springframework.boot.web.server.Ssl;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.core.Ordered;

/**
 * Secures a web server with the keys that gRPC uses, so that they are replaced, looked at and counted alike. Spring's own way ({@code
 * server.ssl.*}) takes whatever a changed bundle holds, whether or not it can be used.
 */
public final class TlsConnector implements WebServerFactoryCustomizer<TomcatWebServerFactory>, Ordered {

    private final @Nullable ServerTls tls;

    /** @param tls null for plaintext */
    TlsConnector(@Nullable ServerTls tls) {
        this.tls = tls;
    }

    @Override
    public void customize(TomcatWebServerFactory factory) {
        ServerTls secure = tls;
        if (secure == null) {
            return;
        }
        Ssl springs = factory.getSsl();
        if (springs != null && springs.isEnabled()) {
            throw new TlsException(
                    "server.ssl and rutile.tls.bundle both say how this port is secured: remove one of them");
        }
        factory.addConnectorCustomizers(connector -> secure(connector, secure));
    }

    private static void secure(Connector connector, ServerTls tls) {
        if (!(connector.getProtocolHandler() instanceof AbstractHttp11Protocol<?> protocol)) {
            throw new IllegalStateException("a connector that does not speak HTTP/1.1");
        }
        SSLHostConfig host = new SSLHostConfig();
        host.setHostName(protocol.getDefaultSSLHostConfigName());
        host.setProtocols(String.join("+", tls.protocols()));
        host.setCertificateVerification(
                switch (tls.clientAuth()) {
                    case NONE -> "none";
                    case WANT -> "optional";
                    case NEED -> "required";
                });
        SSLHostConfigCertificate certificate =
                new SSLHostConfigCertificate(host, SSLHostConfigCertificate.Type.UNDEFINED);
        certificate.setSslContext(new TomcatContext(tls));
        host.addCertificate(certificate);
        connector.setScheme("https");
        connector.setSecure(true);
        protocol.setSSLEnabled(true);
        protocol.addSslHostConfig(host);
    }

    /** Behind Spring's own, which set what is looked at here. */
    @Override
    public int getOrder() {
        return Ordered.LOWEST_PRECEDENCE;
    }
}
