package io.rutile.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.rutile.cli.cluster.ApiVersion;
import io.rutile.cli.cluster.ClusterLayout;
import io.rutile.client.Keyspace;
import io.rutile.client.KvClientException;
import io.rutile.client.KvClientException.Kind;
import io.rutile.client.RutileClient;
import io.rutile.client.raw.RawKv;
import io.rutile.client.region.KeySpace;
import io.rutile.client.txn.Transaction;
import io.rutile.client.txn.TxnKv;
import io.rutile.client.txn.TxnOptions;
import io.rutile.client.txn.TxnReader;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.TimeStamp;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tikv.common.BytePairWrapper;
import org.tikv.common.ByteWrapper;
import org.tikv.common.TiConfiguration;
import org.tikv.common.TiSession;
import org.tikv.common.util.ConcreteBackOffer;
import org.tikv.kvproto.Kvrpcpb.KvPair;
import org.tikv.raw.RawKVClient;
import org.tikv.shade.com.google.protobuf.ByteString;
import org.tikv.txn.KVClient;
import org.tikv.txn.TwoPhaseCommitter;

/** A cluster of API V2: raw and transactional data of several keyspaces side by side, through every door that speaks it. */
@Tag("cluster")
class ApiV2IT {

    private static final int BACK_OFF_MS = 20_000;

    @TempDir
    static Path scratch;

    private static TestHouse house;
    private static RutileClient client;
    private static Keyspace orders;
    private static Keyspace stock;

    @BeforeAll
    static void up() {
        house = TestHouse.start(
                new ClusterLayout(scratch.resolve("data"), 1, 1, TestHouse.freeBasePort(), ApiVersion.V2),
                List.of("-Drutile.pd.keyspaces=orders,stock"));
        client = house.client();
        orders = client.keyspace("orders").join();
        stock = client.keyspace("stock").join();
    }

    @AfterAll
    static void down() {
        if (client != null) {
            client.close();
        }
        if (house != null) {
            house.close();
        }
    }

    private static ByteKey key(String text) {
        return ByteKey.wrap(text.getBytes(UTF_8));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(UTF_8);
    }

    private static ByteString text(String text) {
        return ByteString.copyFromUtf8(text);
    }

    private static Optional<String> text(Optional<byte[]> value) {
        return value.map(found -> new String(found, UTF_8));
    }

    private static Map<ByteKey, byte[]> pairs(int count, String value) {
        return IntStream.range(0, count)
                .boxed()
                .collect(Collectors.toMap(i -> key(String.format("k%04d", i)), i -> bytes(value)));
    }

    @Test
    void rawDataOfTwoKeyspacesSideBySide() {
        RawKv inOrders = client.raw(orders.raw());
        RawKv inStock = client.raw(stock.raw());
        inOrders.deleteRange(KeyRange.ALL).join(); // what other tests have left
        inStock.deleteRange(KeyRange.ALL).join();
        inOrders.batchPut(pairs(2_000, "order"), Duration.ZERO).join();
        inStock.batchPut(pairs(1_500, "stock"), Duration.ofHours(1)).join();

        for (boolean reverse : new boolean[] {false, true}) {
            RawKv.ScanRequest all = new RawKv.ScanRequest(KeyRange.ALL, Integer.MAX_VALUE, reverse, false);
            assertThat(inOrders.scan(all).join())
                    .hasSize(2_000)
                    .allSatisfy(pair -> assertThat(pair.value()).isEqualTo(bytes("order")));
            assertThat(inStock.scan(all).join())
                    .hasSize(1_500)
                    .allSatisfy(pair -> assertThat(pair.key().bytes()).hasSize(5));
        }
        assertThat(inStock.timeToLive(key("k0000")).join().orElseThrow()).isPositive();
        assertThat(inOrders.compareAndSwap(key("k0000"), bytes("order"), null, Duration.ZERO)
                        .join()
                        .succeeded())
                .isTrue();
        inOrders.deleteRange(new KeyRange(key("k0001"), ByteKey.EMPTY)).join();
        assertThat(inOrders.batchGet(List.copyOf(pairs(2_000, "").keySet())).join())
                .isEmpty();
        assertThat(inStock.batchGet(List.copyOf(pairs(2_000, "").keySet())).join())
                .hasSize(1_500);
    }

    @Test
    void transactionsOfTwoKeyspacesSideBySide() {
        try (TxnKv inOrders = client.txn(orders.txn());
                TxnKv inStock = client.txn(stock.txn())) {
            commit(inOrders, pairs(300, "order"), TxnOptions.optimistic());
            commit(inStock, pairs(200, "stock"), TxnOptions.pessimistic());
            client.raw(stock.raw())
                    .put(key("k0000-raw"), bytes("raw"), Duration.ZERO)
                    .join();

            for (boolean reverse : new boolean[] {false, true}) {
                assertThat(scan(inOrders, reverse)).hasSize(300).allMatch("order"::equals);
                assertThat(scan(inStock, reverse)).hasSize(200).allMatch("stock"::equals);
            }
            try (Transaction locking = inStock.begin(TxnOptions.pessimistic()).join()) {
                assertThat(text(locking.getForUpdate(key("k0007")).join())).hasValue("stock");
            }
        }
    }

    private static void commit(TxnKv txn, Map<ByteKey, byte[]> pairs, TxnOptions options) {
        Transaction transaction = txn.begin(options).join();
        if (options.pessimisticLocks()) {
            transaction.lockKeys(List.of(key("k0000"), key("k0001"))).join();
        }
        pairs.forEach(transaction::put);
        transaction.commit().join();
    }

    private static List<String> scan(TxnKv txn, boolean reverse) {
        return txn
                .snapshot(txn.currentTimestamp().join())
                .scan(new TxnReader.ScanRequest(KeyRange.ALL, Integer.MAX_VALUE, reverse, false))
                .join()
                .stream()
                .map(pair -> new String(pair.value(), UTF_8))
                .toList();
    }

    @Test
    void whoSpeaksV1OrNamesNoKeyspaceOfTheClusterIsToldSo() {
        List.<Function<RutileClient, CompletableFuture<?>>>of(
                        v1 -> v1.raw().get(key("k")),
                        v1 -> v1.raw().put(key("k"), bytes("v"), Duration.ZERO),
                        v1 -> v1.txn().snapshot(TimeStamp.MAX).get(key("k")),
                        v1 -> v1.keyspace("nobody"))
                .forEach(call -> assertThatThrownBy(() -> call.apply(client).join())
                        .isInstanceOf(CompletionException.class)
                        .cause()
                        .isInstanceOfSatisfying(
                                KvClientException.class,
                                refused -> assertThat(refused.kind()).isEqualTo(Kind.INVALID)));
    }

    /** The published client, unmodified; it knows the default keyspace only. */
    @Test
    void thePublishedClientInTheDefaultKeyspace() throws Exception {
        Keyspace byDefault = client.keyspace("DEFAULT").join();
        try (TiSession session = TikvClients.session(house, configuration -> {
                    configuration.setApiVersion(TiConfiguration.ApiVersion.V2);
                    configuration.setEnableAtomicForCAS(true);
                });
                RawKVClient raw = session.createRawClient()) {
            IntStream.range(0, 40).forEach(i -> raw.put(text("java-" + i), text("v")));
            raw.compareAndSet(text("java-0"), Optional.of(text("v")), text("w"));
            assertThat(raw.get(text("java-0"))).contains(text("w"));
            assertThat(raw.scan(text("java-"), text("java."), 100))
                    .hasSize(40)
                    .extracting(KvPair::getKey)
                    .contains(text("java-7"));
        }
        assertThat(text(client.raw(byDefault.raw()).get(key("java-0")).join())).hasValue("w");
        assertThat(client.raw(orders.raw()).get(key("java-0")).join()).isEmpty();
    }

    @Test
    void thePublishedClientsTransactionsInTheDefaultKeyspace() throws Exception {
        Keyspace byDefault = client.keyspace("DEFAULT").join();
        byte[] primary = bytes("txn-0");
        try (TiSession session = TikvClients.txnV2Session(house);
                KVClient kv = session.createKVClient();
                TwoPhaseCommitter committer =
                        new TwoPhaseCommitter(session, session.getTimestamp().getVersion())) {
            committer.prewritePrimaryKey(ConcreteBackOffer.newCustomBackOff(BACK_OFF_MS), primary, bytes("v"));
            committer.prewriteSecondaryKeys(
                    primary,
                    List.of(new BytePairWrapper(bytes("txn-1"), bytes("v"))).iterator(),
                    BACK_OFF_MS);
            long commitTs = session.getTimestamp().getVersion();
            committer.commitPrimaryKey(ConcreteBackOffer.newCustomBackOff(BACK_OFF_MS), primary, commitTs);
            committer.commitSecondaryKeys(
                    List.of(new ByteWrapper(bytes("txn-1"))).iterator(), commitTs, BACK_OFF_MS);

            assertThat(kv.get(text("txn-1"), session.getTimestamp().getVersion()))
                    .isEqualTo(text("v"));
        }
        try (TxnKv ours = client.txn(byDefault.txn())) {
            assertThat(ours.snapshot(ours.currentTimestamp().join())
                            .batchGet(List.of(key("txn-0"), key("txn-1")))
                            .join())
                    .hasSize(2);
        }
    }

    @Test
    void theGatewayOfALocalClusterSpeaksItToo() throws Exception {
        HttpClient http = HttpClient.newHttpClient();
        URI uri = URI.create(house.gatewayUrl() + "/v1/raw/over-rest");

        HttpResponse<String> put = http.send(
                HttpRequest.newBuilder(uri)
                        .PUT(HttpRequest.BodyPublishers.ofString("v"))
                        .build(),
                HttpResponse.BodyHandlers.ofString());

        assertThat(put.statusCode()).as(put.body()).isLessThan(300);
        assertThat(http.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString())
                        .body())
                .isEqualTo("v");
        Keyspace byDefault = client.keyspace("DEFAULT").join();
        assertThat(text(client.raw(byDefault.raw()).get(key("over-rest")).join()))
                .hasValue("v");
        URI regionOf = URI.create(house.gatewayUrl() + "/v1/cluster/regions?key=over-rest&limit=1");
        JsonObject region = JsonParser.parseString(
                        http.send(HttpRequest.newBuilder(regionOf).build(), HttpResponse.BodyHandlers.ofString())
                                .body())
                .getAsJsonObject()
                .getAsJsonArray("regions")
                .get(0)
                .getAsJsonObject();
        KeyRange range = new KeyRange(hexKey(region, "startKey"), hexKey(region, "endKey"));
        KeySpace keys = byDefault.raw();
        assertThat(range.contains(keys.border(keys.toWire(key("over-rest"))))).isTrue();
    }

    private static ByteKey hexKey(JsonObject region, String name) {
        return ByteKey.wrap(HexFormat.of().parseHex(region.get(name).getAsString()));
    }

    @Test
    void theCommandLineEntersTheDefaultKeyspaceUnlessToldOtherwise() {
        String data = scratch.resolve("data").toString();

        assertThat(Rutile.run("put", "--data", data, "by-command", "1")).isZero();
        assertThat(Rutile.run("put", "--data", data, "--keyspace", "orders", "by-command", "2"))
                .isZero();
        assertThat(Rutile.run("put", "--data", data, "--keyspace", "nobody", "by-command", "3"))
                .as("no such keyspace")
                .isEqualTo(1);

        Keyspace byDefault = client.keyspace("DEFAULT").join();
        assertThat(text(client.raw(byDefault.raw()).get(key("by-command")).join()))
                .hasValue("1");
        assertThat(text(client.raw(orders.raw()).get(key("by-command")).join())).hasValue("2");
    }
}
