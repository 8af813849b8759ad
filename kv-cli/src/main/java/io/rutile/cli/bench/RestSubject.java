package io.rutile.cli.bench;

import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** The same cluster, through the gateway's REST API with the JDK's HTTP client over HTTP/1.1. Reads what {@link GrpcSubject} loaded. */
final class RestSubject implements Subject {

    private static final Duration CALL_TIMEOUT = Duration.ofSeconds(10);

    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(CALL_TIMEOUT)
            .build();
    private final String base;
    private final ServerCpu cpu;

    RestSubject(String gatewayUrl, ServerCpu cpu) {
        this.base = gatewayUrl.replaceAll("/+$", "") + "/v1/raw";
        this.cpu = cpu;
    }

    @Override
    public String name() {
        return "REST";
    }

    @Override
    public void load(KeySpace keys) throws Exception {
        get(keys.key(0)); // loaded through gRPC before; this says so at once if not
    }

    @Override
    public void get(String key) throws Exception {
        send(request("/" + encode(key)).GET().build());
    }

    @Override
    public void put(String key, byte[] value) throws Exception {
        send(request("/" + encode(key))
                .header("Content-Type", "application/octet-stream")
                .PUT(BodyPublishers.ofByteArray(value))
                .build());
    }

    @Override
    public void scan(String start, int limit) throws Exception {
        if (send(request("?start=" + encode(start) + "&limit=" + limit).GET().build()).length == 0) {
            throw new IllegalStateException("a scan found nothing");
        }
    }

    @Override
    public Duration cpu() {
        return cpu.used();
    }

    @Override
    public void close() {
        // The JDK's client ends with its last reference; on Java 17 it can't be closed.
    }

    private HttpRequest.Builder request(String pathAndQuery) {
        return HttpRequest.newBuilder(URI.create(base + pathAndQuery)).timeout(CALL_TIMEOUT);
    }

    private byte[] send(HttpRequest request) throws IOException, InterruptedException {
        HttpResponse<byte[]> response = http.send(request, BodyHandlers.ofByteArray());
        if (response.statusCode() / 100 != 2) {
            throw new IOException("the gateway answered " + response.statusCode());
        }
        return response.body();
    }

    private static String encode(String key) {
        return URLEncoder.encode(key, StandardCharsets.UTF_8);
    }
}
