package io.rutile.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.cli.cluster.ServiceProcess;
import io.rutile.client.RutileClient;
import io.rutile.client.pd.RegionLocation;
import io.rutile.client.txn.Transaction;
import io.rutile.client.txn.TxnKv;
import io.rutile.client.txn.TxnOptions;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.MemComparable;
import io.rutile.protocol.metapb.Peer;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The whole way from a commit to a server-sent event, while the node that feeds it and the gateway that tells it are killed. */
@Tag("cluster")
@ExtendWith(SharedHouse.class)
class WatchIT {

    private static final String PREFIX = "watch/";
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int COMMITS = 300;

    private static TestHouse house;
    private static RutileClient client;

    @BeforeAll
    static void up(TestHouse shared) {
        house = shared;
        client = house.client();
    }

    @AfterAll
    static void down() {
        if (client != null) {
            client.close();
        }
    }

    @Test
    void eachCommitIsToldOnceWhileTheLeaderAndTheGatewayDie() throws Exception {
        Browser browser = new Browser();
        assertThat(browser.begun.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
        List<String> committed = new ArrayList<>();
        for (int i = 0; i < COMMITS; i++) {
            if (i == COMMITS / 3) {
                kill(regionLeader());
            }
            if (i == 2 * COMMITS / 3) {
                kill("gateway");
            }
            committed.add(commit(i));
        }

        browser.thread.join(PATIENCE.toMillis());

        assertThat(browser.failure).isNull();
        assertThat(browser.seen).isEqualTo(committed);
        assertThat(browser.connects).isGreaterThan(1);
        house.awaitReady();
    }

    private static void kill(String name) {
        ServiceProcess process = house.cluster().process(name);
        process.kill();
        house.cluster().start(name);
    }

    /** @return when, and what */
    private static String commit(int number) {
        TxnKv txn = client.txn();
        String key = PREFIX + number % 7;
        while (true) {
            try (Transaction one = txn.begin(TxnOptions.optimistic()).join()) {
                one.put(key(key), ("v" + number).getBytes(StandardCharsets.UTF_8));
                return one.commit().join() + " " + key;
            } catch (java.util.concurrent.CompletionException e) {
                // Its node is being killed. What nobody knows of may have been committed, and this test wants to know.
                assertThat(e.getCause()).isNotInstanceOf(io.rutile.client.txn.UndeterminedException.class);
            }
        }
    }

    private static ByteKey key(String text) {
        return ByteKey.wrap(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String regionLeader() throws Exception {
        ByteKey border = ByteKey.wrap(MemComparable.encode(PREFIX.getBytes(StandardCharsets.UTF_8)));
        RegionLocation region =
                client.pd().regionByKey(border).get(10, TimeUnit.SECONDS).orElseThrow();
        Peer leader = region.leader();
        assertThat(leader).isNotNull();
        String address =
                client.pd().store(leader.getStoreId()).get(10, TimeUnit.SECONDS).getAddress();
        return house.cluster().layout().services().stream()
                .filter(service -> address.endsWith(":" + service.ports().get("grpc")))
                .findFirst()
                .orElseThrow()
                .name();
    }

    /** Watches as a browser does: comes back with the last id until it has seen everything. */
    private static final class Browser {

        final CountDownLatch begun = new CountDownLatch(1);
        final List<String> seen = new ArrayList<>();
        final Thread thread = new Thread(this::run, "browser");
        volatile @Nullable Throwable failure;
        volatile int connects;
        private final HttpClient http =
                HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();
        private @Nullable String lastId;

        Browser() {
            thread.setDaemon(true);
            thread.start();
        }

        private void run() {
            try {
                while (seen.size() < COMMITS) {
                    try {
                        connect();
                    } catch (java.io.IOException | UncheckedIOException e) {
                        // The gateway is away.
                        TimeUnit.MILLISECONDS.sleep(200);
                    }
                }
            } catch (InterruptedException | RuntimeException e) {
                failure = e;
            }
        }

        private void connect() throws java.io.IOException, InterruptedException {
            HttpRequest.Builder request =
                    HttpRequest.newBuilder(URI.create(house.gatewayUrl() + "/v1/txn/watch?prefix=" + PREFIX));
            if (lastId != null) {
                request.header("Last-Event-ID", lastId);
            }
            HttpResponse<Stream<String>> response = http.send(request.build(), HttpResponse.BodyHandlers.ofLines());
            if (response.statusCode() != 200) {
                response.body().close();
                TimeUnit.MILLISECONDS.sleep(200);
                return;
            }
            connects++;
            String id = "";
            String data = "";
            try (Stream<String> body = response.body()) {
                for (String line : (Iterable<String>) body::iterator) {
                    if (line.startsWith("id: ")) {
                        id = line.substring(4);
                    } else if (line.startsWith("data: ")) {
                        data = line.substring(6);
                    } else if (line.isEmpty()) {
                        lastId = id;
                        begun.countDown();
                        if (data.contains("\"commitTs\"")) {
                            seen.add(field(data, "commitTs") + " " + field(data, "key"));
                        }
                        data = "";
                        if (seen.size() == COMMITS) {
                            return;
                        }
                    }
                }
            }
        }

        private static String field(String json, String name) {
            int from = json.indexOf("\"" + name + "\":\"") + name.length() + 4;
            return json.substring(from, json.indexOf('"', from));
        }
    }
}
