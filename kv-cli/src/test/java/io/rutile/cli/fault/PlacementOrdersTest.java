package io.rutile.cli.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpServer;
import io.rutile.cli.placement.PdHttp;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Orders to a PD that a test plays: Region 7, led on store 1. */
class PlacementOrdersTest {

    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final String KEY = "k";
    private static final String AT_KEY = "/region/key/6b00000000000000f8?format=hex";

    private final Map<String, String> answers = new ConcurrentHashMap<>();
    private final Queue<String> ordered = new ConcurrentLinkedQueue<>();
    /** How often PD was asked for what it doesn't know. */
    private final AtomicInteger looks = new AtomicInteger();

    private volatile int status = 200;
    private HttpServer server;
    private PlacementOrders orders;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            String path = exchange.getRequestURI().toString().replace("/pd/api/v1", "");
            String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            String answer = answers.getOrDefault(path, "null");
            if (answer.equals("null")) {
                looks.incrementAndGet();
            }
            if (exchange.getRequestMethod().equals("POST")) {
                ordered.add(body);
                answer = status == 200 ? "\"ok\"" : "\"not served\"";
            }
            byte[] bytes = answer.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(exchange.getRequestMethod().equals("POST") ? status : 200, bytes.length);
            exchange.getResponseBody().write(bytes);
            exchange.close();
        });
        server.start();
        answers.put(AT_KEY, region(1, 11, 12, 13));
        answers.put("/region/id/7", region(1, 11, 12, 13));
        answers.put(
                "/stores?state=Up",
                "{\"stores\":[" + store(1) + "," + store(2) + "," + store(3) + "," + store(4) + "]}");
        orders = new PlacementOrders(
                new PdHttp(List.of("127.0.0.1:" + server.getAddress().getPort()), Duration.ofSeconds(5)));
    }

    @AfterEach
    void stop() {
        orders.close();
        server.stop(0);
    }

    /** Peer 11 is on store 1, and so on. */
    private static String region(long leaderStore, long... peers) {
        StringBuilder all = new StringBuilder();
        for (long peer : peers) {
            all.append(all.isEmpty() ? "" : ",")
                    .append("{\"id\":" + peer + ",\"store_id\":" + peer % 10 + ",\"role_name\":\"Voter\"}");
        }
        return "{\"id\":7,\"start_key\":\"\",\"end_key\":\"\",\"peers\":[" + all + "],\"leader\":{\"store_id\":"
                + leaderStore + "}}";
    }

    private static String store(long id) {
        return "{\"store\":{\"id\":" + id + "},\"status\":{}}";
    }

    private void awaitFinished(Fault fault) {
        await().atMost(PATIENCE).until(() -> orders.finished().getOrDefault(fault, 0) == 1);
    }

    @Test
    void aTransferIsFinishedWhenTheOtherStoreLeads() {
        assertThat(orders.order(Fault.TRANSFER, KEY, 1)).isTrue();
        assertThat(ordered).containsExactly("{\"name\":\"transfer-leader\",\"region_id\":7,\"to_store_id\":3}");
        assertThat(orders.finished()).isEmpty();

        answers.put("/region/id/7", region(3, 11, 12, 13));

        awaitFinished(Fault.TRANSFER);
    }

    @Test
    void aMoveIsFinishedWhenTheOldPeerIsGoneAndNoneIsMissing() {
        long toAnotherStore = 1 << 16;
        assertThat(orders.order(Fault.MOVE, KEY, toAnotherStore)).isTrue();
        assertThat(ordered)
                .containsExactly("{\"name\":\"transfer-peer\",\"region_id\":7,\"from_store_id\":2,\"to_store_id\":4}");

        answers.put("/region/id/7", region(1, 11, 12, 13, 14));
        assertThat(orders.finished()).isEmpty();
        answers.put("/region/id/7", region(1, 11, 13, 14));

        awaitFinished(Fault.MOVE);
    }

    @Test
    void aReplicaIsTakenAwayForGoodWhereThereIsNoOtherStore() {
        answers.put("/stores?state=Up", "{\"stores\":[" + store(1) + "," + store(2) + "," + store(3) + "]}");

        assertThat(orders.order(Fault.MOVE, KEY, 0)).isTrue();

        assertThat(ordered).containsExactly("{\"name\":\"remove-peer\",\"region_id\":7,\"store_id\":1}");
    }

    @Test
    void aMergeIsFinishedWhenTheKeyIsTheNeighbours() {
        answers.put(
                "/regions/sibling/7", "{\"regions\":[" + region(1, 11, 12, 13).replace("\"id\":7", "\"id\":9") + "]}");

        assertThat(orders.order(Fault.MERGE, KEY, 0)).isTrue();
        assertThat(ordered)
                .containsExactly("{\"name\":\"merge-region\",\"source_region_id\":7,\"target_region_id\":9}");

        // A new leader of PD that knows no Region yet is no sign of it.
        answers.remove("/region/id/7");
        String atKey = Objects.requireNonNull(answers.remove(AT_KEY));
        await().atMost(PATIENCE).until(() -> looks.get() > 2);
        assertThat(orders.finished()).isEmpty();
        answers.put(AT_KEY, atKey.replace("\"id\":7", "\"id\":9"));

        awaitFinished(Fault.MERGE);
    }

    /** Neighbours on other stores are refused by PD: the Region is brought there first. */
    @Test
    void aMergeWithANeighbourOnOtherStoresBeginsWithAMove() {
        answers.put(
                "/regions/sibling/7", "{\"regions\":[" + region(2, 22, 23, 24).replace("\"id\":7", "\"id\":9") + "]}");

        assertThat(orders.order(Fault.MERGE, KEY, 0)).isTrue();

        await().atMost(PATIENCE).until(() -> ordered.size() >= 2);
        assertThat(ordered)
                .startsWith(
                        "{\"name\":\"transfer-region\",\"region_id\":7,\"to_store_ids\":[2,3,4]}",
                        "{\"name\":\"merge-region\",\"source_region_id\":7,\"target_region_id\":9}");
        answers.put(AT_KEY, region(2, 22, 23, 24).replace("\"id\":7", "\"id\":9"));

        awaitFinished(Fault.MERGE);
    }

    @Test
    void whatIsNotTakenIsNone() {
        status = 501;
        assertThat(orders.order(Fault.TRANSFER, KEY, 0)).isFalse();

        answers.remove(AT_KEY);
        status = 200;
        assertThat(orders.order(Fault.TRANSFER, KEY, 0)).isFalse();
    }
}
