package io.rutile.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.rutile.cli.cluster.ApiVersion;
import io.rutile.cli.cluster.ClusterLayout;
import io.rutile.cli.consistency.CheckReport;
import io.rutile.cli.consistency.ClusterCheck;
import io.rutile.cli.placement.PdHttp;
import io.rutile.client.RutileClient;
import io.rutile.client.pd.RegionLocation;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.metapb.Region;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import org.tikv.common.TiSession;
import org.tikv.kvproto.Kvrpcpb;
import org.tikv.raw.RawKVClient;
import org.tikv.shade.com.google.protobuf.ByteString;

/**
 * A file of 100,000 pairs, loaded through the gateway and through client-java into Regions that split under the load, read back by
 * the one and by the other, byte for byte, before and after a restart of everything.
 */
@Tag("cluster")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class RealFileIT {

    private static final int PAIRS = 100_000;
    private static final long SEED = Long.getLong("seed", 20_260_101L);
    private static final int BATCH_PAIRS = 500;

    /** Both copies together are 40 MB. */
    private static final Map<String, String> SMALL_REGIONS =
            Map.of("rutile.node.split.size", "2MB", "rutile.node.split.interval", "1s");

    private static final int REGIONS_MIN = 10;
    private static final int NODES = 3;

    /** Each way in has a part of the key space of its own, so each is read back whole. */
    private static final byte[] BY_GATEWAY = "gateway/".getBytes(StandardCharsets.US_ASCII);

    private static final byte[] BY_CLIENT = "java/".getBytes(StandardCharsets.US_ASCII);

    private static final HttpClient HTTP = HttpClient.newHttpClient();

    @TempDir
    static Path scratch;

    private static TestHouse house;
    private static PairData data;

    @BeforeAll
    static void up() throws IOException {
        data = PairData.write(scratch.resolve("pairs.txt"), PAIRS, SEED);
        house = TestHouse.start(
                new ClusterLayout(scratch.resolve("data"), 1, NODES, TestHouse.freeBasePort(), ApiVersion.V1)
                        .withNodeProperties(SMALL_REGIONS));
    }

    @AfterAll
    static void down() {
        if (house != null) {
            house.close();
        }
    }

    @Test
    @Order(1)
    void loadThroughTheGateway() throws Exception {
        data.forEachBatch(BATCH_PAIRS, pairs -> {
            JsonArray list = new JsonArray();
            for (byte[][] pair : pairs) {
                JsonObject entry = new JsonObject();
                entry.addProperty("key", base64(join(BY_GATEWAY, pair[0])));
                entry.addProperty("value", base64(pair[1]));
                list.add(entry);
            }
            JsonObject body = new JsonObject();
            body.add("pairs", list);
            HttpResponse<String> response = HTTP.send(
                    HttpRequest.newBuilder(URI.create(house.gatewayUrl() + "/v1/raw:batchPut?enc=base64url"))
                            .header("Content-Type", "application/json")
                            .POST(BodyPublishers.ofString(body.toString()))
                            .build(),
                    BodyHandlers.ofString());
            assertThat(response.statusCode()).as(response.body()).isEqualTo(204);
        });
    }

    @Test
    @Order(2)
    void loadThroughClientJava() throws Exception {
        try (TiSession session = session();
                RawKVClient raw = session.createRawClient()) {
            data.forEachBatch(BATCH_PAIRS, pairs -> {
                Map<ByteString, ByteString> batch = new HashMap<>();
                for (byte[][] pair : pairs) {
                    batch.put(ByteString.copyFrom(join(BY_CLIENT, pair[0])), ByteString.copyFrom(pair[1]));
                }
                raw.batchPut(batch);
            });
        }
    }

    @Test
    @Order(3)
    void readBackByteForByte() throws Exception {
        compareAll();
    }

    @Test
    @Order(4)
    void r6_manyRegionsWithoutHoleOrOverlap() throws Exception {
        assertThat(regions()).hasSizeGreaterThan(REGIONS_MIN);
        assertEveryReplicaIsTheSame();
    }

    @Test
    @Order(5)
    void readBackByteForByteAfterARestart() throws Exception {
        house.cluster().stop(System.err::println);
        house.cluster().start();
        house.awaitReady();

        compareAll();
        assertEveryReplicaIsTheSame();
    }

    /** What {@code rutile check} does: ranges as nodes and PD have them, and all replicas by their hashes. */
    private static void assertEveryReplicaIsTheSame() throws Exception {
        PdHttp pd = new PdHttp(house.cluster().layout().pdEndpoints(), Duration.ofSeconds(10));

        CheckReport report = new ClusterCheck(pd).run(Duration.ofSeconds(60));

        assertThat(report.findings()).isEmpty();
        assertThat(report.regions())
                .hasSizeGreaterThan(REGIONS_MIN)
                .allMatch(region ->
                        region.stores().size() == NODES && !region.hash().isEmpty());
    }

    /** As PD knows them, each beginning where the one before it ends; asked again while one of them has just been split. */
    private static List<Region> regions() {
        try (RutileClient client = house.client()) {
            return await().atMost(Duration.ofSeconds(30))
                    .until(
                            () -> client.pd().scanRegions(KeyRange.ALL, 0).get(10, TimeUnit.SECONDS).stream()
                                    .map(RegionLocation::region)
                                    .toList(),
                            RealFileIT::coverEverythingOnce);
        }
    }

    private static boolean coverEverythingOnce(List<Region> regions) {
        com.google.protobuf.ByteString border = com.google.protobuf.ByteString.EMPTY;
        for (int i = 0; i < regions.size(); i++) {
            Region region = regions.get(i);
            if (!region.getStartKey().equals(border) || region.getEndKey().isEmpty() != (i == regions.size() - 1)) {
                return false;
            }
            border = region.getEndKey();
        }
        return !regions.isEmpty();
    }

    /** Crosswise too: what one way wrote the other reads. */
    private static void compareAll() throws Exception {
        String expectedByGateway = expected(BY_GATEWAY);
        String expectedByClient = expected(BY_CLIENT);

        assertThat(scannedByGateway(BY_GATEWAY)).isEqualTo(expectedByGateway);
        assertThat(scannedByGateway(BY_CLIENT)).isEqualTo(expectedByClient);
        assertThat(readByClient(BY_CLIENT)).isEqualTo(expectedByClient);
        assertThat(readByClient(BY_GATEWAY)).isEqualTo(expectedByGateway);
        everyPairByBatchGet(BY_GATEWAY);
    }

    private static String expected(byte[] prefix) throws IOException {
        Digest digest = new Digest();
        data.inKeyOrder((key, value) -> digest.add(join(prefix, key), value));
        return digest.sum();
    }

    private static String scannedByGateway(byte[] prefix) throws IOException, InterruptedException {
        Digest digest = new Digest();
        HttpResponse<java.io.InputStream> response = HTTP.send(
                HttpRequest.newBuilder(
                                URI.create(house.gatewayUrl() + "/v1/raw?enc=base64url&prefix=" + base64(prefix)))
                        .build(),
                BodyHandlers.ofInputStream());
        assertThat(response.statusCode()).isEqualTo(200);
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                JsonObject pair = JsonParser.parseString(line).getAsJsonObject();
                assertThat(pair.has("problem")).as(line).isFalse();
                digest.add(bytes(pair, "key"), bytes(pair, "value"));
            }
        }
        return digest.sum();
    }

    private static String readByClient(byte[] prefix) throws Exception {
        Digest digest = new Digest();
        try (TiSession session = session();
                RawKVClient raw = session.createRawClient()) {
            raw.scanPrefix0(ByteString.copyFrom(prefix))
                    .forEachRemaining(pair -> digest.add(
                            pair.getKey().toByteArray(), pair.getValue().toByteArray()));
        }
        return digest.sum();
    }

    private static void everyPairByBatchGet(byte[] prefix) throws Exception {
        try (TiSession session = session();
                RawKVClient raw = session.createRawClient()) {
            data.forEachBatch(BATCH_PAIRS, pairs -> {
                List<ByteString> keys = new ArrayList<>(); // the client sorts it in place
                pairs.forEach(pair -> keys.add(ByteString.copyFrom(join(prefix, pair[0]))));
                List<Kvrpcpb.KvPair> found = raw.batchGet(keys);
                Map<ByteString, ByteString> byKey = new HashMap<>();
                found.forEach(pair -> byKey.put(pair.getKey(), pair.getValue()));
                for (byte[][] pair : pairs) {
                    assertThat(byKey.get(ByteString.copyFrom(join(prefix, pair[0]))))
                            .isEqualTo(ByteString.copyFrom(pair[1]));
                }
            });
        }
    }

    private static TiSession session() {
        return TikvClients.session(house, configuration -> {});
    }

    private static byte[] bytes(JsonObject pair, String name) {
        return Base64.getUrlDecoder().decode(pair.get(name).getAsString());
    }

    private static String base64(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    private static byte[] join(byte[] prefix, byte[] key) {
        byte[] joined = java.util.Arrays.copyOf(prefix, prefix.length + key.length);
        System.arraycopy(key, 0, joined, prefix.length, key.length);
        return joined;
    }

    /** Order, keys, values and their number in one comparable line. */
    private static final class Digest {

        private final MessageDigest sha256;
        private int count;

        Digest() {
            try {
                sha256 = MessageDigest.getInstance("SHA-256");
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException(e);
            }
        }

        void add(byte[] key, byte[] value) {
            addLength(key.length);
            sha256.update(key);
            addLength(value.length);
            sha256.update(value);
            count++;
        }

        private void addLength(int length) {
            sha256.update(
                    new byte[] {(byte) (length >>> 24), (byte) (length >>> 16), (byte) (length >>> 8), (byte) length});
        }

        String sum() {
            return count + " pairs " + HexFormat.of().formatHex(sha256.digest());
        }
    }
}
