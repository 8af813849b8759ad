package io.rutile.cli.bench.subject;

import io.rutile.cli.bench.load.Action;
import io.rutile.cli.bench.load.BenchFailure;
import io.rutile.cli.bench.load.KeySpace;
import io.rutile.cli.bench.load.Subject;
import io.rutile.cli.bench.load.Workload;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The same cluster, through the gateway's REST API with the JDK's HTTP client over HTTP/1.1. Reads what {@link GrpcSubject} loaded. */
public final class RestSubject implements Subject {

    public static final Set<Action> ACTIONS =
            Set.of(Action.READ, Action.UPDATE, Action.INSERT, Action.SCAN, Action.SCAN_FULL, Action.READ_MODIFY_WRITE);

    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Calls.TIMEOUT)
            .build();
    private final String base;
    private final ServerCpu cpu;

    public RestSubject(String gatewayUrl, ServerCpu cpu) {
        this.base = gatewayUrl.replaceAll("/+$", "") + "/v1/raw";
        this.cpu = cpu;
    }

    @Override
    public String name() {
        return "REST";
    }

    @Override
    public Set<Action> actions() {
        return ACTIONS;
    }

    @Override
    public Optional<Boolean> regions(Workload workload) {
        return Optional.of(false);
    }

    @Override
    public void load(KeySpace keys, Set<Action> actions) throws Exception {
        read(keys.key(0)); // loaded through gRPC before; this says so at once if not
    }

    @Override
    public void read(String key) throws Exception {
        send(request("/" + encode(key)).GET().build());
    }

    @Override
    public void update(String key, byte[] value) throws Exception {
        send(request("/" + encode(key))
                .header("Content-Type", "application/octet-stream")
                .PUT(BodyPublishers.ofByteArray(value))
                .build());
    }

    /** A line for each pair. */
    @Override
    public int scan(String start, int limit) throws Exception {
        byte[] body = send(
                request("?start=" + encode(start) + "&limit=" + limit).GET().build());
        int lines = 0;
        for (byte each : body) {
            lines += each == '\n' ? 1 : 0;
        }
        return lines;
    }

    @Override
    public Map<String, Duration> cpu() {
        return cpu.used();
    }

    @Override
    public void close() {
        // The JDK's client ends with its last reference; on Java 17 it can't be closed.
    }

    private HttpRequest.Builder request(String pathAndQuery) {
        return HttpRequest.newBuilder(URI.create(base + pathAndQuery)).timeout(Calls.TIMEOUT);
    }

    private byte[] send(HttpRequest request) throws Exception {
        HttpResponse<byte[]> response = http.send(request, BodyHandlers.ofByteArray());
        if (response.statusCode() / 100 != 2) {
            throw new BenchFailure("HTTP " + response.statusCode(), "the gateway answered " + response.statusCode());
        }
        return response.body();
    }

    private static String encode(String key) {
        return URLEncoder.encode(key, StandardCharsets.UTF_8);
    }
}
