package io.rutile.client.raw;

import static io.rutile.client.raw.RawKvTest.kindOf;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.client.Keyspace;
import io.rutile.client.KvClientException;
import io.rutile.client.KvClientException.Kind;
import io.rutile.client.RutileClient;
import io.rutile.client.RutileClientOptions;
import io.rutile.client.raw.RawKv.Pair;
import io.rutile.client.raw.RawKv.ScanRequest;
import io.rutile.client.region.KeySpace;
import io.rutile.client.testing.FakeCluster;
import io.rutile.client.testing.FakeStore;
import io.rutile.client.txn.Transaction;
import io.rutile.client.txn.TxnOptions;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.MemComparable;
import io.rutile.protocol.keyspacepb.KeyspaceMeta;
import io.rutile.protocol.keyspacepb.KeyspaceState;
import io.rutile.protocol.kvrpcpb.APIVersion;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Raw calls of API V2: keyspaces 1, 2 and the last there is, side by side on stores that take nothing else. */
class RawKeyspacesTest {

    private static final Duration FOR_EVER = Duration.ZERO;

    private final FakeCluster cluster = new FakeCluster(1, 3);
    private RutileClient client;
    private RawKv one;
    private RawKv two;
    private RawKv last;

    @BeforeEach
    void connect() {
        cluster.apiV2 = true;
        open();
    }

    private void open() {
        client = RutileClient.connect(
                new RutileClientOptions(cluster.pd.endpoints(), Duration.ofSeconds(10), Duration.ofSeconds(5), 1),
                new SimpleMeterRegistry());
        one = client.raw(KeySpace.rawV2(1));
        two = client.raw(KeySpace.rawV2(2));
        last = client.raw(KeySpace.rawV2(KeySpace.KEYSPACE_ID_MAX));
    }

    @AfterEach
    void close() {
        client.close();
        cluster.close();
    }

    @Test
    void everyCallStaysInItsKeyspace() {
        one.put(key("k"), value("1"), FOR_EVER).join();
        two.put(key("k"), value("2"), Duration.ofSeconds(9)).join();

        assertThat(cluster.data).containsOnlyKeys(key("r\0\0\1k"), key("r\0\0\2k"));
        assertThat(one.get(key("k")).join()).hasValue(value("1"));
        assertThat(two.get(key("k")).join()).hasValue(value("2"));
        assertThat(two.timeToLive(key("k")).join()).hasValue(Duration.ofSeconds(9));
        assertThat(one.compareAndSwap(key("k"), value("1"), value("3"), FOR_EVER)
                        .join()
                        .succeeded())
                .isTrue();
        one.batchPut(Map.of(key("a"), value("4"), ByteKey.EMPTY, value("5")), FOR_EVER)
                .join();
        assertThat(one.batchGet(List.of(key("a"), ByteKey.EMPTY, key("none"))).join())
                .containsOnlyKeys(key("a"), ByteKey.EMPTY);
        one.batchDelete(List.of(key("a"), ByteKey.EMPTY)).join();
        one.delete(key("k")).join();
        assertThat(cluster.data).containsOnlyKeys(key("r\0\0\2k"));
    }

    @Test
    void everyRequestSaysItsApiVersionAndItsKeyspace() {
        everyCallStaysInItsKeyspace();
        one.scan(new ScanRequest(KeyRange.ALL, 10, false, false)).join();
        one.scan(new ScanRequest(KeyRange.ALL, 10, true, false)).join();
        one.deleteRange(KeyRange.ALL).join();

        List<FakeStore.Asked> asked =
                cluster.stores.stream().flatMap(store -> store.asked.stream()).toList();
        assertThat(asked)
                .extracting(FakeStore.Asked::method)
                .contains("RawScan", "RawDeleteRange", "RawCompareAndSwap");
        assertThat(asked).allSatisfy(request -> {
            assertThat(request.context().getApiVersion()).isEqualTo(APIVersion.V2);
            assertThat(request.context().getKeyspaceId()).isBetween(1, 2);
        });
    }

    /** Borders between keyspaces, inside one, and in front of the first key. */
    @Test
    void scansAndDeletesMeetNoBorderAndNoNeighbour() {
        scansAndDeletes(false);
    }

    /** A cluster of API V2 splits at encodings only, but a reader need not rely on it. */
    @Test
    void scansMeetNoBorderThatIsNoEncodingEither() {
        scansAndDeletes(true);
    }

    private void scansAndDeletes(boolean anyBorder) {
        long seed = Long.getLong("seed", System.nanoTime());
        Random random = new Random(seed);
        for (int round = 0; round < 12; round++) {
            cluster.data.clear();
            TreeMap<ByteKey, byte[]> model = new TreeMap<>();
            for (int i = 0; i < 60; i++) {
                ByteKey user = randomKey(random);
                byte[] value = value("v" + i);
                model.put(user, value);
                for (String prefix : List.of("r\0\0\1", "r\0\0\2", "r\u00ff\u00ff\u00ff")) {
                    cluster.data.put(ByteKey.wrap((prefix + text(user)).getBytes(ISO_8859_1)), value);
                }
            }
            cluster.regionsBetween(borders(random, anyBorder));
            client.close(); // these are other Regions, with the same epochs
            open();
            RawKv raw = List.of(one, two, last).get(random.nextInt(3));
            KeyRange range = new KeyRange(
                    random.nextInt(3) == 0 ? ByteKey.EMPTY : randomKey(random),
                    random.nextInt(3) == 0 ? ByteKey.EMPTY : randomKey(random));
            List<ByteKey> inRange =
                    model.keySet().stream().filter(range::contains).toList();
            for (boolean reverse : new boolean[] {false, true}) {
                for (int limit : new int[] {1, 7, Integer.MAX_VALUE}) {
                    List<ByteKey> expected = inRange.stream()
                            .sorted(reverse ? Comparator.reverseOrder() : Comparator.naturalOrder())
                            .limit(limit)
                            .toList();
                    assertThat(raw.scan(new ScanRequest(range, limit, reverse, false))
                                    .join())
                            .as("seed=%d round=%d reverse=%s limit=%d", seed, round, reverse, limit)
                            .extracting(Pair::key)
                            .containsExactlyElementsOf(expected);
                }
            }
            if (anyBorder) {
                continue;
            }
            raw.deleteRange(range).join();
            assertThat(cluster.data).as("seed=%d round=%d", seed, round).hasSize(3 * model.size() - inRange.size());
            assertThat(raw.scan(new ScanRequest(KeyRange.ALL, 1_000, false, true))
                            .join())
                    .as("seed=%d round=%d", seed, round)
                    .hasSize(model.size() - inRange.size());
        }
    }

    private static ByteKey[] borders(Random random, boolean any) {
        List<ByteKey> borders = new ArrayList<>();
        List<String> prefixes = List.of("r\0\0\1", "r\0\0\2", "r\0\0\3", "r\u00ff\u00ff\u00ff", "s\0\0\0", "x\0\0\1");
        for (int i = random.nextInt(6); i > 0; i--) {
            String wire = prefixes.get(random.nextInt(prefixes.size()))
                    + (random.nextBoolean() ? "" : text(randomKey(random)));
            byte[] border = MemComparable.encode(wire.getBytes(ISO_8859_1));
            int length = any && random.nextBoolean() ? 1 + random.nextInt(border.length) : border.length;
            borders.add(ByteKey.wrap(java.util.Arrays.copyOf(border, length)));
        }
        return borders.stream().distinct().toArray(ByteKey[]::new);
    }

    @Test
    void aScanGoesOnBehindEveryPageInBothDirections() {
        cluster.stores.forEach(store -> store.scanBytesMax = 1);
        for (int i = 0; i < 5; i++) {
            one.put(key("k" + i), new byte[5 << 20], FOR_EVER).join();
            two.put(key("k" + i), value("v"), FOR_EVER).join();
        }

        for (boolean reverse : new boolean[] {false, true}) {
            assertThat(one.scan(new ScanRequest(KeyRange.ALL, 100, reverse, false))
                            .join())
                    .hasSize(5);
        }
    }

    @Test
    void aBatchWhoseRegionSplitMeanwhileIsTakenApartAgain() {
        one.get(key("warm")).join();
        cluster.split(1, ByteKey.wrap(MemComparable.encode("r\0\0\1k500".getBytes(ISO_8859_1))), 2);
        cluster.lead(2, 3);
        Map<ByteKey, byte[]> pairs = new TreeMap<>();
        for (int i = 0; i < 1_000; i++) {
            pairs.put(key(String.format("k%03d", i)), value("v"));
        }

        one.batchPut(pairs, FOR_EVER).join();

        assertThat(one.batchGet(List.copyOf(pairs.keySet())).join()).hasSize(1_000);
        assertThat(two.batchGet(List.copyOf(pairs.keySet())).join()).isEmpty();
    }

    @Test
    void clientsOfTheWrongVersionAreToldSo() {
        assertThat(kindOf(client.raw().get(key("k")))).isEqualTo(Kind.INVALID);
        assertThat(kindOf(client.raw().scan(new ScanRequest(KeyRange.ALL, 1, false, false))))
                .isEqualTo(Kind.INVALID);
        cluster.store(1).nextTexts.add("InvalidKeyMode: not a raw key of API V2");
        assertThat(kindOf(one.put(key("k"), value("v"), FOR_EVER))).isEqualTo(Kind.INVALID);
        cluster.apiV2 = false;
        assertThat(kindOf(one.get(key("k")))).isEqualTo(Kind.INVALID);
        assertThatThrownBy(() -> client.raw(KeySpace.txnV2(1))).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> client.txn(KeySpace.rawV2(1))).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aKeyspaceIsFoundByItsName() {
        announce("DEFAULT", 0, KeyspaceState.ENABLED);
        announce("orders", 5, KeyspaceState.ENABLED);
        announce("closed", 6, KeyspaceState.DISABLED);

        Keyspace orders = client.keyspace("orders").join();
        client.raw(orders.raw()).put(key("k"), value("v"), FOR_EVER).join();

        assertThat(orders).isEqualTo(new Keyspace("orders", 5));
        assertThat(cluster.data).containsOnlyKeys(key("r\0\0\5k"));
        assertThat(client.keyspace("DEFAULT").join().id()).isZero();
        assertThat(kindOf(client.keyspace("none"))).isEqualTo(Kind.INVALID);
        assertThat(kindOf(client.keyspace("closed"))).isEqualTo(Kind.INVALID);
        assertThatThrownBy(() -> client.keyspace("closed").join())
                .isInstanceOf(CompletionException.class)
                .hasCauseInstanceOf(KvClientException.class)
                .hasMessageContaining("closed")
                .hasMessageContaining("DISABLED");
    }

    @Test
    void aClientCanBeOpenedForAKeyspace() {
        announce("orders", 5, KeyspaceState.ENABLED);
        RutileClientOptions options =
                new RutileClientOptions(cluster.pd.endpoints(), Duration.ofSeconds(5), Duration.ofSeconds(5), 1);

        try (RutileClient opened = RutileClient.connect(options.withKeyspace("orders"))) {
            opened.raw().put(key("k"), value("v"), FOR_EVER).join();
            Transaction transaction =
                    opened.txn().begin(TxnOptions.optimistic()).join();
            transaction.put(key("t"), value("v"));
            transaction.commit().join();
        }

        assertThat(cluster.data).containsOnlyKeys(key("r\0\0\5k"));
        assertThat(cluster.mvcc.recordsOf(key("x\0\0\5t"))).hasSize(1);
        assertThatThrownBy(() -> RutileClient.connect(options.withKeyspace("none")))
                .isInstanceOfSatisfying(
                        KvClientException.class,
                        refused -> assertThat(refused.kind()).isEqualTo(Kind.INVALID));
    }

    private void announce(String name, int id, KeyspaceState state) {
        cluster.pd.keyspaces.put(
                name,
                KeyspaceMeta.newBuilder()
                        .setName(name)
                        .setId(id)
                        .setState(state)
                        .build());
    }

    /** Few distinct bytes, so that borders meet keys. */
    private static ByteKey randomKey(Random random) {
        byte[] bytes = new byte[1 + random.nextInt(9)];
        byte[] alphabet = {0, 1, 'a', (byte) 0xF7, (byte) 0xFF};
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = alphabet[random.nextInt(alphabet.length)];
        }
        return ByteKey.wrap(bytes);
    }

    private static String text(ByteKey key) {
        return new String(key.bytes(), ISO_8859_1);
    }

    private static ByteKey key(String text) {
        return ByteKey.wrap(text.getBytes(ISO_8859_1));
    }

    private static byte[] value(String text) {
        return text.getBytes(ISO_8859_1);
    }
}
