package io.rutile.gateway.console;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** One member of PD on loopback that answers what the test says. */
public final class FakePd implements AutoCloseable {

    private static final String PREFIX = "/pd/api/v1";

    /** What was asked, {@code GET /stores}, in order. */
    public final List<String> calls = new CopyOnWriteArrayList<>();

    private final Map<String, Answer> answers = new ConcurrentHashMap<>();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final HttpServer server;
    private volatile CountDownLatch gate = new CountDownLatch(0);

    private record Answer(int status, String body) {}

    public FakePd() {
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        server.setExecutor(threads);
        server.createContext("/", this::answer);
        server.start();
    }

    /** Three stores and two Regions, in PD's own words. */
    public static FakePd withCluster() {
        return new FakePd()
                .says("/cluster", "{\"id\":7612345678901234567,\"max_peer_count\":3}")
                .says(
                        "/members",
                        "{\"members\":[{\"name\":\"pd-1\",\"client_urls\":[\"http://127.0.0.1:2379\"]},{\"name\":\"pd-2\"}],"
                                + "\"leader\":{\"name\":\"pd-1\"}}")
                .says("/health", "[{\"name\":\"pd-1\",\"health\":true},{\"name\":\"pd-2\",\"health\":false}]")
                .says("/regions/count", "{\"count\":2}")
                .says("/regions/check/miss-peer?limit=1", "{\"count\":0,\"regions\":[]}")
                .says("/regions/check/down-peer?limit=1", "{\"count\":1,\"regions\":[]}")
                .says("/regions/check/pending-peer?limit=1", "{\"count\":0,\"regions\":[]}")
                .says(
                        "/stores",
                        "{\"count\":1,\"stores\":[{\"store\":{\"id\":4,\"address\":\"127.0.0.1:20160\",\"state_name\":\"Up\","
                                + "\"labels\":[{\"key\":\"zone\",\"value\":\"<img src=x onerror=alert(1)>\"}],"
                                + "\"last_heartbeat\":1700000000123456789},"
                                + "\"status\":{\"capacity\":\"1.5TiB\",\"available\":\"512GiB\",\"leader_count\":1,\"leader_size\":3,"
                                + "\"region_count\":2,\"region_size\":5}}]}")
                .says("/hotspot/stores", "{\"bytes-write-rate\":{\"4\":1024.5}}")
                .says(
                        "/scheduling",
                        "{\"stores\":[{\"id\":4,\"new_replicas\":\"is busy\",\"new_leaders\":\"welcome\",\"receiving\":2,"
                                + "\"schedulers\":{\"balance-region\":\"has too little space\"}}],"
                                + "\"schedulers\":[{\"name\":\"balance-region\",\"outcome\":\"BLOCKED\",\"summary\":\"uneven\",\"at_ms\":5}],"
                                + "\"evictions\":[{\"store_id\":4,\"owner\":\"self\",\"why\":\"it is restarted\",\"left_seconds\":9}]}")
                .says(
                        "/scheduling/regions",
                        "{\"unhealthy\":[{\"region_id\":10,\"action\":\"nothing\",\"reason\":\"no store can take one\"}]}")
                .says(
                        "/operators?object=true",
                        "[{\"region_id\":10,\"desc\":\"add-replica\",\"steps\":[\"add learner 5\"],\"current_step\":\"add learner 5\",\"age_seconds\":3}]")
                .says(
                        "/hotspot/heat-map?of=written-bytes",
                        "{\"of\":\"written-bytes\",\"now_ms\":90,\"rows\":[{\"start_key\":\"\",\"region_id\":10,\"regions\":2}],"
                                + "\"columns\":[{\"from_ms\":1,\"to_ms\":90,\"amounts\":[4096]}]}")
                .says("/region/id/10", region(10, "", "6B"))
                .says("/region/id/99", "null")
                .says(
                        "/region/id/10/why",
                        "{\"region_id\":10,\"healthy\":false,\"action\":\"nothing\",\"reason\":\"why not\"}")
                .says("/regions/sibling/10", "{\"count\":1,\"regions\":[" + region(11, "6B", "") + "]}");
    }

    /** A Region as PD writes it. */
    public static String region(long id, String startKey, String endKey) {
        return "{\"id\":" + id + ",\"start_key\":\"" + startKey + "\",\"end_key\":\"" + endKey
                + "\",\"epoch\":{\"conf_ver\":5,\"version\":2},\"peers\":[{\"id\":101,\"store_id\":4,\"role_name\":\"Voter\"},"
                + "{\"id\":102,\"store_id\":5,\"role_name\":\"Learner\"}],\"leader\":{\"id\":101,\"store_id\":4},"
                + "\"pending_peers\":[{\"id\":102}],\"down_peers\":[{\"down_seconds\":31,\"peer\":{\"id\":102}}],"
                + "\"written_bytes\":7,\"approximate_bytes\":2048,\"approximate_keys\":9}";
    }

    public FakePd says(String pathAndQuery, String json) {
        return says(pathAndQuery, 200, json);
    }

    public FakePd says(String pathAndQuery, int status, String json) {
        answers.put(pathAndQuery, new Answer(status, json));
        return this;
    }

    /** Answers nothing until the latch is open. */
    public FakePd behind(CountDownLatch gate) {
        this.gate = gate;
        return this;
    }

    public String endpoint() {
        return "127.0.0.1:" + server.getAddress().getPort();
    }

    private void answer(HttpExchange exchange) throws IOException {
        String uri = exchange.getRequestURI().toString();
        if (!uri.startsWith(PREFIX)) {
            exchange.close();
            return;
        }
        String path = uri.substring(PREFIX.length());
        calls.add(exchange.getRequestMethod() + " " + path);
        try {
            gate.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Answer answer = answers.getOrDefault(path, new Answer(404, "\"not found\""));
        byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(answer.status(), body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    @Override
    public void close() {
        gate = new CountDownLatch(0);
        server.stop(0);
        threads.shutdownNow();
    }
}
