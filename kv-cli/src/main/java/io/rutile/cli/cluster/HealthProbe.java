package io.rutile.cli.cluster;

import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.time.Duration;

/** Asks a process, at its management port, whether it may serve. */
final class HealthProbe {

    private static final Duration TIMEOUT = Duration.ofMillis(800);

    private HealthProbe() {}

    /** What {@code /actuator/health/readiness} says: true for "UP", false for anything else or no answer in 0.8 s. */
    static boolean isReady(ServiceSpec spec) {
        return status(spec.managementUrl() + "/actuator/health/readiness") == HttpURLConnection.HTTP_OK;
    }

    /** The HTTP status of an address, or -1. */
    static int status(String url) {
        try {
            HttpURLConnection connection =
                    (HttpURLConnection) URI.create(url).toURL().openConnection();
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
