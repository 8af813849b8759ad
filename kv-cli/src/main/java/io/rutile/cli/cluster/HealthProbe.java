package io.rutile.cli.cluster;

import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.time.Duration;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import org.jspecify.annotations.Nullable;

/** Asks a process, at its management port, whether it may serve. */
final class HealthProbe {

    private static final Duration TIMEOUT = Duration.ofMillis(800);

    private final @Nullable SSLSocketFactory sockets;

    /** @param tls what connections are made with; null for plaintext */
    HealthProbe(@Nullable SSLContext tls) {
        sockets = tls == null ? null : tls.getSocketFactory();
    }

    /** What {@code /actuator/health/readiness} says: true for "UP", false for anything else or no answer in 0.8 s. */
    boolean isReady(ServiceSpec spec) {
        return status(spec.managementUrl() + "/actuator/health/readiness") == HttpURLConnection.HTTP_OK;
    }

    /** The HTTP status of an address, or -1. */
    int status(String url) {
        try {
            HttpURLConnection connection =
                    (HttpURLConnection) URI.create(url).toURL().openConnection();
            if (connection instanceof HttpsURLConnection secured && sockets != null) {
                secured.setSSLSocketFactory(sockets);
            }
            connection.setConnectTimeout((int) TIMEOUT.toMillis());
            connection.setReadTimeout((int) TIMEOUT.toMillis());
            try {
                int status = connection.getResponseCode();
                try (InputStream body = status < 400 ? connection.getInputStream() : connection.getErrorStream()) {
                    if (body != null) {
                        body.readAllBytes();
                    }
                }
                return status;
            } finally {
                connection.disconnect();
            }
        } catch (IOException e) {
            return -1;
        }
    }
}
