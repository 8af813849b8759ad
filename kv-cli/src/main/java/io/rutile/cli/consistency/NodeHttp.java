package io.rutile.cli.consistency;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.rutile.cli.cluster.ClusterException;
import io.rutile.tls.TlsFailures;
import io.rutile.tls.TransportSecurity;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/** Calls of {@code /actuator/consistency} at nodes' management ports. */
final class NodeHttp {

    private static final String PATH = "/actuator/consistency";
    private static final Duration CONNECT_MAX = Duration.ofSeconds(2);

    /** Longer than a node waits for a majority. */
    private static final Duration ANSWER_MAX = Duration.ofSeconds(8);

    private final TransportSecurity security;
    private final HttpClient client;

    NodeHttp(TransportSecurity security) {
        this.security = security;
        this.client = security.http()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(CONNECT_MAX)
                .build();
    }

    /** @throws ClusterException in words, if there is no answer or another one */
    JsonObject replicas(String address) {
        return call("GET", address, PATH);
    }

    /** @throws ClusterException in words, also if the node has no replica of it */
    JsonObject replica(String address, long regionId) {
        return call("GET", address, PATH + "/" + regionId);
    }

    /** @return the index that replicas are compared at. @throws ClusterException in words, also if the node doesn't lead it */
    long check(String address, long regionId) {
        return call("POST", address, PATH + "/" + regionId).get("index").getAsLong();
    }

    private JsonObject call(String method, String address, String path) {
        try {
            HttpResponse<String> response = client.send(
                    HttpRequest.newBuilder(URI.create(security.outgoingScheme() + "://" + address + path))
                            .timeout(ANSWER_MAX)
                            .method(method, HttpRequest.BodyPublishers.noBody())
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
            if (response.statusCode() != 200) {
                throw new ClusterException(address + " says: status " + response.statusCode() + " "
                        + response.body().strip());
            }
            return JsonParser.parseString(response.body()).getAsJsonObject();
        } catch (IOException | IllegalArgumentException e) {
            String reason = TlsFailures.reason(e);
            throw new ClusterException(address + (reason == null ? " does not answer: " + e : " " + reason), e);
        } catch (JsonParseException | IllegalStateException e) {
            throw new ClusterException(address + " does not answer like a node", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ClusterException("interrupted");
        }
    }
}
