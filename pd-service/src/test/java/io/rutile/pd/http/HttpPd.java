package io.rutile.pd.http;

import io.rutile.pd.cluster.LocalCluster;
import io.rutile.pd.cluster.Regions;
import io.rutile.pd.leader.Clocks;
import io.rutile.pd.leader.LeaderOptions;
import io.rutile.pd.meta.LocalMeta;
import io.rutile.pd.rpc.DoorOptions;
import io.rutile.pd.rpc.LocalPd;
import io.rutile.protocol.pdpb.StoreStats;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** One member with a real client port, and a client of its HTTP side. */
final class HttpPd implements AutoCloseable {

    private static final JsonMapper JSON = JsonMapper.shared();

    final LocalPd pd;
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    /** What was answered; {@code json} is null where the body is empty. */
    record Answer(int status, JsonNode json, String text) {

        /** The sentence of an answer that is one text. */
        String said() {
            return json.asString();
        }
    }

    HttpPd(Path directory) {
        this(directory, HttpOptions.DEFAULTS);
    }

    HttpPd(Path directory, HttpOptions options) {
        pd = new LocalPd(
                LocalMeta.in(directory), DoorOptions.DEFAULTS, LeaderOptions.DEFAULTS, Clocks.system(), options);
    }

    /** Four stores that are up, and three Regions on the first three of them. */
    HttpPd cluster() {
        pd.bootstrapped().put(LocalCluster.store(2), LocalCluster.store(3), LocalCluster.store(4));
        for (long store = 1; store <= 4; store++) {
            heard(store, 0);
        }
        observe(Regions.region(10, "", "g", 1, 2, 3).epoch(5, 2));
        observe(Regions.region(11, "g", "p", 2, 3, 1).epoch(5, 2));
        observe(Regions.region(12, "p", "", 3, 1, 2).epoch(5, 2));
        return this;
    }

    HttpPd heard(long store, int regions) {
        pd.term()
                .cluster()
                .observe(StoreStats.newBuilder()
                        .setStoreId(store)
                        .setCapacity(100L << 30)
                        .setAvailable(50L << 30)
                        .setUsedSize(3L << 29)
                        .setRegionCount(regions)
                        .setStartTime(1_700_000_000)
                        .build());
        return this;
    }

    HttpPd observe(Regions region) {
        String refusal = pd.term().cluster().observe(region.info()).orElse("");
        if (!refusal.isEmpty()) {
            throw new AssertionError(refusal);
        }
        return this;
    }

    Answer get(String path) {
        return call("GET", path, "");
    }

    Answer post(String path, String body) {
        return call("POST", path, body);
    }

    Answer delete(String path) {
        return call("DELETE", path, "");
    }

    Answer call(String method, String path, String body, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(pd.url() + "/pd/api/v1" + path))
                .timeout(LocalPd.PATIENCE)
                .method(method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
        if (headers.length > 0) {
            request.headers(headers);
        }
        try {
            HttpResponse<String> response = client.send(request.build(), BodyHandlers.ofString());
            String text = response.body();
            return new Answer(response.statusCode(), JSON.readTree(text.isEmpty() ? "null" : text), text);
        } catch (IOException e) {
            throw new AssertionError(method + " " + path, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() {
        pd.close();
    }
}
