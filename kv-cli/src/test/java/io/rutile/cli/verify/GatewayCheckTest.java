package io.rutile.cli.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonObject;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.rutile.cli.cluster.ClusterException;
import io.rutile.tls.TransportSecurity;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Against a gateway that keeps pairs in a map, and lies where a test wants it to. */
class GatewayCheckTest {

    private static final long SEED = Long.getLong("seed", 7);
    private static final String PATH = "/v1/raw/";

    private final TreeMap<String, String> pairs = new TreeMap<>();
    /** What the map makes of a write, a deletion; what a scan shows of it. */
    private Function<String, Optional<String>> onWrite = Optional::of;

    private boolean deletes = true;
    private UnaryOperator<String> onScan = lines -> lines;
    private final AtomicInteger unready = new AtomicInteger();
    private @Nullable String token;
    private @Nullable String wanted;
    private HttpServer server;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::answer);
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    @Test
    void honestGatewayIsFoundToBeWellAndIsLeftAsItWas() {
        pairs.put("other", "value");

        assertThat(check().run(20)).isEmpty();

        assertThat(pairs).containsOnlyKeys("other");
    }

    @Test
    void gatewayThatIsStillStartingIsWaitedFor() {
        unready.set(3);

        assertThat(check().run(1)).isEmpty();
    }

    @Test
    void changedValueIsFoundByReadAndScan() {
        onWrite = value -> Optional.of(value + "x");

        assertThat(check().run(1))
                .satisfiesExactly(
                        read -> assertThat(read).contains("another value than was written"),
                        scan -> assertThat(scan).startsWith("the scan has another value"));
    }

    @Test
    void lostWriteIsFound() {
        onWrite = value -> Optional.empty();

        assertThat(check().run(1))
                .satisfiesExactly(
                        read -> assertThat(read).endsWith("was written and is not there"),
                        scan -> assertThat(scan).startsWith("the scan misses"));
    }

    @Test
    void lineThatAScanLosesIsFound() {
        onScan = lines -> lines.substring(lines.indexOf('\n') + 1);

        assertThat(check().run(3)).singleElement().asString().startsWith("the scan misses");
    }

    @Test
    void linesInDisorderAreFound() {
        onScan = lines -> {
            int first = lines.indexOf('\n') + 1;
            return lines.substring(first) + lines.substring(0, first);
        };

        assertThat(check().run(2)).singleElement().asString().contains(" behind ");
    }

    @Test
    void deletionThatIsNotDoneIsFound() {
        deletes = false;

        assertThat(check().run(1)).singleElement().asString().endsWith("which should not be there");
    }

    @Test
    void scanThatBreaksOffIsNoEmptyScan() {
        onScan = lines -> lines + "{\"problem\": {\"status\": 503}}\n";

        assertThatThrownBy(() -> check().run(1))
                .isInstanceOf(ClusterException.class)
                .hasMessageContaining("ended early");
    }

    @Test
    void gatewayThatNeverBecomesReadyIsNamedWithItsLastWord() {
        unready.set(Integer.MAX_VALUE);

        assertThatThrownBy(() -> check(Duration.ofMillis(300)).run(1))
                .isInstanceOf(ClusterException.class)
                .hasMessageContaining("in time")
                .hasMessageContaining("503");
    }

    @Test
    void gatewayThatAsksWhoCallsIsGivenTheToken() {
        wanted = "Bearer secret";
        assertThatThrownBy(() -> check().run(1))
                .isInstanceOf(ClusterException.class)
                .hasMessageContaining("401");

        token = "secret\n";
        assertThat(check().run(1)).isEmpty();
    }

    @Test
    void numberOfPairsHasBounds() {
        assertThatThrownBy(() -> check().run(0)).isInstanceOf(ClusterException.class);
        assertThatThrownBy(() -> check().run(GatewayCheck.PAIRS_MAX + 1)).isInstanceOf(ClusterException.class);
    }

    private GatewayCheck check() {
        return check(Duration.ofSeconds(20));
    }

    private GatewayCheck check(Duration within) {
        return new GatewayCheck(
                "http://127.0.0.1:" + server.getAddress().getPort() + "/",
                within,
                SEED,
                token,
                TransportSecurity.PLAINTEXT);
    }

    private void answer(HttpExchange exchange) throws IOException {
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        String path = exchange.getRequestURI().getPath();
        if (unready.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
            send(exchange, 503, "not connected");
        } else if (wanted != null && !wanted.equals(exchange.getRequestHeaders().getFirst("Authorization"))) {
            send(exchange, 401, "who are you?");
        } else if (!path.startsWith(PATH)) {
            send(exchange, 200, onScan.apply(lines(exchange.getRequestURI().getQuery())));
        } else {
            String key = path.substring(PATH.length());
            switch (exchange.getRequestMethod()) {
                case "PUT" -> {
                    onWrite.apply(body).ifPresent(stored -> pairs.put(key, stored));
                    send(exchange, 204, "");
                }
                case "DELETE" -> {
                    if (deletes) {
                        pairs.remove(key);
                    }
                    send(exchange, 204, "");
                }
                default -> send(exchange, pairs.containsKey(key) ? 200 : 404, pairs.getOrDefault(key, ""));
            }
        }
    }

    private String lines(String query) {
        String prefix = query.substring(query.indexOf('=') + 1, query.indexOf('&'));
        StringBuilder lines = new StringBuilder();
        pairs.tailMap(prefix).forEach((key, value) -> {
            if (key.startsWith(prefix)) {
                JsonObject pair = new JsonObject();
                pair.addProperty("key", key);
                pair.addProperty("value", value);
                lines.append(pair).append('\n');
            }
        });
        return lines.toString();
    }

    private static void send(HttpExchange exchange, int status, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }
}
