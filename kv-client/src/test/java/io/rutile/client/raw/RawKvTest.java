package io.rutile.client.raw;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.client.KvClientException;
import io.rutile.client.KvClientException.Kind;
import io.rutile.client.RutileClient;
import io.rutile.client.RutileClientOptions;
import io.rutile.client.raw.RawKv.Pair;
import io.rutile.client.raw.RawKv.ScanRequest;
import io.rutile.client.raw.RawKv.SwapResult;
import io.rutile.client.region.RegionBatches;
import io.rutile.client.testing.FakeCluster;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RawKvTest {

    private static final Duration FOR_EVER = Duration.ZERO;

    private final FakeCluster cluster = new FakeCluster(1, 3);
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private RutileClient client;
    private RawKv raw;

    @BeforeEach
    void connect() {
        client = RutileClient.connect(
                new RutileClientOptions(cluster.pd.endpoints(), Duration.ofSeconds(10), Duration.ofSeconds(5), 2),
                meters);
        raw = client.raw();
    }

    @AfterEach
    void close() {
        client.close();
        cluster.close();
    }

    @Test
    void putsGetsAndDeletes() {
        raw.put(key("k"), value("v"), FOR_EVER).join();

        assertThat(raw.get(key("k")).join()).hasValue(value("v"));
        raw.delete(key("k")).join();
        assertThat(raw.get(key("k")).join()).isEmpty();
        raw.delete(key("k")).join();
    }

    @Test
    void theEmptyKeyAndTheEmptyValueAreLegal() {
        raw.put(ByteKey.EMPTY, new byte[0], FOR_EVER).join();

        assertThat(raw.get(ByteKey.EMPTY).join()).hasValue(new byte[0]);
        assertThat(raw.scan(new ScanRequest(KeyRange.ALL, 10, true, false)).join())
                .extracting(Pair::key)
                .containsExactly(ByteKey.EMPTY);
    }

    @Test
    void requestsSayWhichRegionAndHowLongTheyMayTake() {
        raw.put(key("k"), value("v"), FOR_EVER).join();

        var context = cluster.store(1).asked.element().context();
        assertThat(context.getRegionId()).isEqualTo(1);
        assertThat(context.getRegionEpoch())
                .isEqualTo(cluster.region(1).getRegion().getRegionEpoch());
        assertThat(context.getPeer()).isEqualTo(cluster.region(1).getLeader());
        assertThat(context.getMaxExecutionDurationMs()).isBetween(1L, 10_000L);
    }

    @Test
    void ttlTravelsInWholeSeconds() {
        raw.put(key("a"), value("v"), Duration.ofMinutes(2)).join();
        raw.batchPut(Map.of(key("b"), value("v")), Duration.ofSeconds(7)).join();

        assertThat(raw.timeToLive(key("a")).join()).hasValue(Duration.ofMinutes(2));
        assertThat(raw.timeToLive(key("b")).join()).hasValue(Duration.ofSeconds(7));
        assertThat(raw.timeToLive(key("none")).join()).isEmpty();
        assertThat(kindOf(raw.put(key("a"), value("v"), Duration.ofMillis(1_500))))
                .isEqualTo(Kind.INVALID);
        assertThat(kindOf(raw.put(key("a"), value("v"), Duration.ofSeconds(-1))))
                .isEqualTo(Kind.INVALID);
    }

    @Test
    void comparesAndSwaps() {
        assertThat(raw.compareAndSwap(key("k"), null, value("1"), FOR_EVER).join())
                .isEqualTo(new SwapResult(true, null));

        SwapResult refused = raw.compareAndSwap(key("k"), value("other"), value("2"), FOR_EVER)
                .join();
        assertThat(refused.succeeded()).isFalse();
        assertThat(refused.previous()).isEqualTo(value("1"));
        assertThat(raw.compareAndSwap(key("k"), value("1"), null, FOR_EVER)
                        .join()
                        .succeeded())
                .isTrue();
        assertThat(raw.get(key("k")).join()).isEmpty();
    }

    @Test
    void whatAStoreRefusesInWordsComesBackTyped() {
        cluster.store(1).nextTexts.add("ttl is not enabled, but get put request with ttl");
        assertThat(kindOf(raw.put(key("k"), value("v"), Duration.ofSeconds(1)))).isEqualTo(Kind.INVALID);
        cluster.store(1).nextTexts.add("max key size exceeded, size: 9000, limit: 8192");
        assertThat(kindOf(raw.get(key("k")))).isEqualTo(Kind.INVALID);
        cluster.store(1).nextTexts.add("engine corrupted");
        assertThat(kindOf(raw.delete(key("k")))).isEqualTo(Kind.SERVER);
        cluster.store(1).nextTexts.add("engine corrupted");
        assertThat(kindOf(raw.scan(new ScanRequest(KeyRange.ALL, 1, false, false))))
                .isEqualTo(Kind.SERVER);
        cluster.store(1).nextTexts.add("invalid cf name: x");
        assertThat(kindOf(raw.batchGet(List.of(key("k"))))).isEqualTo(Kind.INVALID);
    }

    @Test
    void aValueThatIsTooLargeForTheWireIsRefusedAsSuch() {
        assertThat(kindOf(raw.put(key("k"), new byte[17 << 20], FOR_EVER))).isEqualTo(Kind.TOO_LARGE);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 127, 128, 129, 1_023, 1_024, 1_025, 10_239, 10_240, 10_241})
    void batchesOfEverySizeArriveWhole(int size) {
        cluster.regions("", "k00300", "k05000");
        Map<ByteKey, byte[]> pairs = new HashMap<>();
        for (int i = 0; i < size; i++) {
            pairs.put(key(String.format("k%05d", i)), value("v" + i));
        }
        List<ByteKey> keys = List.copyOf(pairs.keySet());

        raw.batchPut(pairs, FOR_EVER).join();
        Map<ByteKey, byte[]> read = raw.batchGet(keys).join();

        assertThat(cluster.data).hasSize(size);
        assertThat(read).hasSize(size).allSatisfy((k, v) -> assertThat(v).isEqualTo(pairs.get(k)));
        raw.batchDelete(keys).join();
        assertThat(cluster.data).isEmpty();
        for (String method : List.of("RawBatchPut", "RawBatchGet", "RawBatchDelete")) {
            List<Integer> items = cluster.stores.stream()
                    .flatMap(s -> s.items(method).stream())
                    .toList();
            assertThat(items).allMatch(n -> n >= 1 && n <= RegionBatches.ITEMS_MAX);
            assertThat(items.stream().mapToInt(n -> n).sum()).isEqualTo(size);
        }
    }

    @Test
    void batchesAreCutByBytesToo() {
        Map<ByteKey, byte[]> pairs = new HashMap<>();
        for (int i = 0; i < 10; i++) {
            pairs.put(key("k" + i), new byte[400 << 10]);
        }

        raw.batchPut(pairs, FOR_EVER).join();

        assertThat(cluster.data).hasSize(10);
        assertThat(cluster.store(1).items("RawBatchPut")).hasSize(5).allMatch(n -> n == 2);
    }

    @Test
    void aBatchWhoseRegionSplitMeanwhileIsTakenApartAgain() {
        raw.get(key("warm")).join();
        cluster.split(1, key("k500"), 2);
        cluster.lead(2, 3);
        Map<ByteKey, byte[]> pairs = new HashMap<>();
        for (int i = 0; i < 1_000; i++) {
            pairs.put(key(String.format("k%03d", i)), value("v"));
        }

        raw.batchPut(pairs, FOR_EVER).join();

        assertThat(cluster.data).hasSize(1_000);
        assertThat(raw.batchGet(List.copyOf(pairs.keySet())).join()).hasSize(1_000);
    }

    @Test
    void batchGetNamesOnlyWhatIsThereAndEachKeyOnce() {
        raw.put(key("a"), value("1"), FOR_EVER).join();

        Map<ByteKey, byte[]> found =
                raw.batchGet(List.of(key("a"), key("a"), key("b"))).join();

        assertThat(found).containsOnlyKeys(key("a"));
        assertThat(cluster.store(1).items("RawBatchGet")).containsExactly(2);
    }

    @ParameterizedTest
    @CsvSource({
        "'', '', false",
        "'', '', true",
        "'k100', 'k900', false",
        "'k100', 'k900', true",
        "'k300', 'k600', false",
        "'k300', 'k600', true",
        "'k2', '', true",
        "'', 'k2', true",
        "'k2', '', false",
        "'z', '', true",
        "'z', '', false",
        "'k5', 'k5', false",
        "'k5', 'k5', true",
        "'k6', 'k5', true"
    })
    void scansOverRegionsInBothDirectionsAgreeWithTheData(String start, String end, boolean reverse) {
        cluster.regions("", "k300", "k600", "k601");
        fill(1_000);
        KeyRange range = new KeyRange(key(start), key(end));
        List<ByteKey> inRange = cluster.data.keySet().stream()
                .filter(range::contains)
                .sorted(reverse ? Comparator.reverseOrder() : Comparator.naturalOrder())
                .toList();

        for (int limit : new int[] {0, 1, 2, 299, 300, 301, 1_000, Integer.MAX_VALUE}) {
            List<Pair> pairs =
                    raw.scan(new ScanRequest(range, limit, reverse, false)).join();

            assertThat(pairs)
                    .extracting(Pair::key)
                    .containsExactlyElementsOf(inRange.subList(0, Math.min(limit, inRange.size())));
            assertThat(pairs).allSatisfy(p -> assertThat(p.value()).isEqualTo(cluster.data.get(p.key())));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aScanGoesOnWhereAStoreEndedAPageEarly(boolean reverse) {
        cluster.regions("", "k002");
        for (int i = 0; i < 4; i++) {
            cluster.data.put(key("k00" + i), new byte[5 << 20]);
        }
        cluster.stores.forEach(s -> s.scanBytesMax = 1);

        assertThat(raw.scan(new ScanRequest(KeyRange.ALL, 100, reverse, false)).join())
                .hasSize(4);
        assertThat(raw.scan(new ScanRequest(KeyRange.ALL, 100, reverse, true)).join())
                .hasSize(4)
                .allMatch(p -> p.value().length == 0);
    }

    @Test
    void aPageThatIsTooLargeForTheWireIsAskedForInHalves() {
        for (int i = 0; i < 5; i++) {
            cluster.data.put(key(String.format("k%02d", i)), new byte[7 << 20]);
        }
        cluster.stores.forEach(s -> s.scanBytesMax = Long.MAX_VALUE);
        List<ByteKey> keys = new ArrayList<>();

        raw.scan(new ScanRequest(KeyRange.ALL, 100, false, false), pairs -> {
                    pairs.forEach(p -> keys.add(p.key()));
                    return CompletableFuture.completedFuture(null);
                })
                .join();

        assertThat(keys).hasSize(5).isSorted();
    }

    @Test
    void aPagedScanTakesItsTimeFromTheConsumer() {
        cluster.regions("", "k1500");
        fill(3_000);
        List<CompletableFuture<Void>> taken = new ArrayList<>();
        List<ByteKey> keys = new ArrayList<>();

        CompletableFuture<Void> scan = raw.scan(new ScanRequest(KeyRange.ALL, 2_500, false, true), pairs -> {
            pairs.forEach(p -> keys.add(p.key()));
            CompletableFuture<Void> page = new CompletableFuture<>();
            synchronized (taken) {
                taken.add(page);
            }
            return page;
        });

        int pages = 0;
        while (!scan.isDone()) {
            Optional<CompletableFuture<Void>> page = awaitPage(taken, pages, scan);
            if (page.isPresent()) {
                assertThat(scan).isNotDone();
                pages++;
                page.get().complete(null);
            }
        }
        scan.join();
        assertThat(pages).isBetween(3, 6);
        assertThat(keys).hasSize(2_500).isSorted().doesNotHaveDuplicates();
    }

    /** The page after so many, if the scan is not over. */
    private static Optional<CompletableFuture<Void>> awaitPage(
            List<CompletableFuture<Void>> taken, int pages, CompletableFuture<Void> scan) {
        await().until(() -> scan.isDone() || sizeOf(taken) > pages);
        synchronized (taken) {
            return taken.size() > pages ? Optional.of(taken.get(pages)) : Optional.empty();
        }
    }

    private static int sizeOf(List<?> list) {
        synchronized (list) {
            return list.size();
        }
    }

    @Test
    void aConsumerThatFailsEndsTheScan() {
        fill(10);

        CompletableFuture<Void> scan = raw.scan(
                new ScanRequest(KeyRange.ALL, 10, false, false),
                pairs -> CompletableFuture.failedFuture(new IllegalStateException("full")));

        assertThatThrownBy(scan::join).hasCauseInstanceOf(IllegalStateException.class);
    }

    @Test
    void deletesARangeOverRegionsAndNothingElse() {
        cluster.regions("", "k300", "k600");
        fill(1_000);

        raw.deleteRange(new KeyRange(key("k250"), key("k700"))).join();

        assertThat(cluster.data).hasSize(550).doesNotContainKey(key("k250")).containsKey(key("k700"));
        raw.deleteRange(new KeyRange(key("k9"), key("k1"))).join();
        assertThat(cluster.data).hasSize(550);
        raw.deleteRange(KeyRange.ALL).join();
        assertThat(cluster.data).isEmpty();
    }

    @Test
    void aNegativeLimitIsRefused() {
        assertThatThrownBy(() -> new ScanRequest(KeyRange.ALL, -1, false, false))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private void fill(int count) {
        for (int i = 0; i < count; i++) {
            cluster.data.put(key(String.format(count > 1_000 ? "k%04d" : "k%03d", i)), value("v" + i));
        }
    }

    static Kind kindOf(CompletableFuture<?> failing) {
        try {
            failing.join();
        } catch (CompletionException e) {
            assertThat(e.getCause()).isInstanceOf(KvClientException.class);
            return ((KvClientException) e.getCause()).kind();
        }
        throw new AssertionError("the call succeeded");
    }

    private static ByteKey key(String text) {
        return ByteKey.wrap(text.getBytes(UTF_8));
    }

    private static byte[] value(String text) {
        return text.getBytes(UTF_8);
    }
}
