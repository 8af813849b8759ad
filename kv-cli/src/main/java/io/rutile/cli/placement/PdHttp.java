package io.rutile.cli.placement;

import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.rutile.cli.cluster.ClusterException;
import io.rutile.tls.TlsFailures;
import io.rutile.tls.TransportSecurity;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import javax.net.ssl.SSLHandshakeException;

/**
 * Calls of PD's HTTP API at whichever member answers. A member that cannot be reached, or knows no leader, is passed over; while
 * none knows one the call waits, until its time is up. What failed is one sentence.
 */
public final class PdHttp {

    private static final String PREFIX = "/pd/api/v1";
    private static final Duration CONNECT_MAX = Duration.ofSeconds(2);
    private static final long PAUSE_MS = 250;
    /** Nothing was done: another member, or the same one in a moment, may do it. */
    private static final Set<String> LEADERLESS = Set.of("not leader", "not leader yet", "no leader");

    private final List<String> endpoints;
    private final Duration timeout;
    private final TransportSecurity security;
    private final HttpClient client;

    /**
     * Over plaintext.
     *
     * @param endpoints {@code host:port} of members
     * @param timeout of one call, over all members
     */
    public PdHttp(List<String> endpoints, Duration timeout) {
        this(endpoints, timeout, TransportSecurity.PLAINTEXT);
    }

    /** The same, over connections that are secured so. */
    public PdHttp(List<String> endpoints, Duration timeout, TransportSecurity security) {
        this.endpoints = List.copyOf(endpoints);
        this.security = security;
        this.client = security.http()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(CONNECT_MAX)
                .build();
        this.timeout = timeout;
    }

    /** Of connections to this cluster. */
    public TransportSecurity security() {
        return security;
    }

    /**
     * An answer that is an object.
     *
     * @throws ClusterException in words for whoever asked
     */
    public JsonObject object(String path) {
        JsonElement answer = call("GET", path);
        if (!answer.isJsonObject()) {
            throw new ClusterException("the Placement Driver answered something unexpected to " + path);
        }
        return answer.getAsJsonObject();
    }

    /**
     * Any answer.
     *
     * @throws ClusterException in words for whoever asked
     */
    public JsonElement get(String path) {
        return call("GET", path);
    }

    /**
     * A change without a body.
     *
     * @throws ClusterException in words for whoever asked
     */
    public void post(String path) {
        JsonElement unused = call("POST", path);
    }

    /**
     * A change with a body.
     *
     * @throws ClusterException in words for whoever asked
     */
    public void post(String path, JsonObject body) {
        JsonElement unused = call("POST", path, BodyPublishers.ofString(body.toString()));
    }

    /**
     * Takes something away.
     *
     * @throws ClusterException in words for whoever asked
     */
    public void delete(String path) {
        JsonElement unused = call("DELETE", path);
    }

    private JsonElement call(String method, String path) {
        return call(method, path, BodyPublishers.noBody());
    }

    private JsonElement call(String method, String path, BodyPublisher body) {
        long deadlineNanos = System.nanoTime() + timeout.toNanos();
        String trouble = "no member was asked";
        do {
            for (String endpoint : endpoints) {
                Duration left = Duration.ofNanos(deadlineNanos - System.nanoTime());
                if (left.isNegative() || left.isZero()) {
                    break;
                }
                try {
                    HttpResponse<String> response =
                            client.send(request(method, endpoint, path, left, body), BodyHandlers.ofString());
                    JsonElement answer = parsed(endpoint, response);
                    if (response.statusCode() == 200) {
                        return answer;
                    }
                    String said = said(response, answer);
                    if (!LEADERLESS.contains(said)) {
                        throw new ClusterException("the Placement Driver says: " + said);
                    }
                    trouble = endpoint + " says: " + said;
                } catch (IOException e) {
                    if (!method.equals("GET") && !isUnreachable(e)) {
                        throw new ClusterException(
                                "the connection to " + endpoint
                                        + " was lost; whether anything was changed is not known",
                                e);
                    }
                    String reason = TlsFailures.reason(e);
                    trouble = endpoint + (reason == null ? " cannot be reached" : " " + reason);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new ClusterException("interrupted");
                }
            }
        } while (pause(deadlineNanos));
        throw new ClusterException("no Placement Driver answered in " + timeout.toSeconds() + " s: " + trouble);
    }

    private HttpRequest request(String method, String endpoint, String path, Duration left, BodyPublisher body) {
        URI uri;
        try {
            uri = URI.create((endpoint.contains("://") ? endpoint : security.outgoingScheme() + "://" + endpoint)
                    + PREFIX
                    + path);
        } catch (IllegalArgumentException e) {
            throw new ClusterException("'" + endpoint + "' is not an address of the form host:port", e);
        }
        return HttpRequest.newBuilder(uri).timeout(left).method(method, body).build();
    }

    /** Before a byte was sent. */
    private static boolean isUnreachable(IOException e) {
        return e instanceof ConnectException
                || e instanceof HttpConnectTimeoutException
                || e instanceof SSLHandshakeException;
    }

    private static JsonElement parsed(String endpoint, HttpResponse<String> response) {
        if (response.body().isEmpty()) {
            return JsonNull.INSTANCE;
        }
        try {
            return JsonParser.parseString(response.body());
        } catch (JsonParseException e) {
            throw new ClusterException(endpoint + " does not speak the Placement Driver's HTTP API", e);
        }
    }

    private static String said(HttpResponse<String> response, JsonElement answer) {
        return answer.isJsonPrimitive() ? answer.getAsString() : "status " + response.statusCode();
    }

    private static boolean pause(long deadlineNanos) {
        if (System.nanoTime() + Duration.ofMillis(PAUSE_MS).toNanos() - deadlineNanos >= 0) {
            return false;
        }
        try {
            Thread.sleep(PAUSE_MS);
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ClusterException("interrupted");
        }
    }
}
