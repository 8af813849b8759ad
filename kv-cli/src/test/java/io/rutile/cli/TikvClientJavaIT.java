package io.rutile.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tikv.common.TiConfiguration;
import org.tikv.common.TiSession;
import org.tikv.common.exception.RawCASConflictException;
import org.tikv.common.util.Pair;
import org.tikv.common.util.ScanOption;
import org.tikv.kvproto.Kvrpcpb.KvPair;
import org.tikv.raw.RawKVClient;
import org.tikv.shade.com.google.protobuf.ByteString;

/** Every raw operation of the published client, unmodified, against three nodes. */
@Tag("cluster")
@ExtendWith(SharedHouse.class)
class TikvClientJavaIT {

    private static final String PREFIX = "client-java/";

    private static TestHouse house;
    private static TiSession session;
    private static RawKVClient raw;

    @BeforeAll
    static void up(TestHouse shared) {
        house = shared;
        session = TikvClients.session(house, configuration -> configuration.setEnableAtomicForCAS(true));
        raw = session.createRawClient();
    }

    @AfterAll
    static void down() throws Exception {
        if (raw != null) {
            raw.close();
        }
        if (session != null) {
            session.close();
        }
    }

    @BeforeEach
    void empty() {
        raw.deletePrefix(text(PREFIX));
        raw.delete(ByteString.EMPTY);
        assertThat(raw.scanPrefix(text(PREFIX))).isEmpty();
    }

    @Test
    void sessionWithEveryDefaultWarmsUpAndWorks() throws Exception {
        try (TiSession defaults = TiSession.create(TiConfiguration.createRawDefault(
                        house.cluster().layout().pdEndpoints().get(0)));
                RawKVClient client = defaults.createRawClient()) {
            defaults.warmUp();

            client.put(key("k"), text("v"));

            assertThat(client.get(key("k"))).contains(text("v"));
            assertThat(client.get(ByteString.EMPTY))
                    .as("the key that warm-up writes and deletes")
                    .isEmpty();
        }
    }

    @Test
    void putGetDelete() {
        assertThat(raw.get(key("k"))).isEmpty();

        raw.put(key("k"), text("v1"));
        raw.put(key("k"), text("v2"));
        assertThat(raw.get(key("k"))).contains(text("v2"));

        raw.delete(key("k"));
        raw.delete(key("k"));
        assertThat(raw.get(key("k"))).isEmpty();
    }

    @Test
    void theEmptyKeyIsAKey() {
        raw.put(ByteString.EMPTY, text("of nothing"));

        assertThat(raw.get(ByteString.EMPTY)).contains(text("of nothing"));
        assertThat(keys(raw.scan(ByteString.EMPTY, 10))).startsWith(ByteString.EMPTY);
    }

    @Test
    void largeValuesAreKept() {
        ByteString large = ByteString.copyFrom(new byte[4 << 20]);

        raw.put(key("large"), large);

        assertThat(raw.get(key("large"))).contains(large);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 127, 128, 129, 1023, 1024, 1025, 3000})
    void batchesOfEverySize(int size) {
        Map<ByteString, ByteString> pairs = new HashMap<>();
        IntStream.range(0, size).forEach(i -> pairs.put(key("batch-" + i), text("value-" + i)));

        raw.batchPut(pairs);

        List<ByteString> wanted = new ArrayList<>(pairs.keySet());
        wanted.add(key("batch-missing"));
        Map<ByteString, ByteString> found = new HashMap<>();
        raw.batchGet(wanted).forEach(pair -> found.put(pair.getKey(), pair.getValue()));
        assertThat(found).isEqualTo(pairs);

        raw.batchDelete(wanted);
        assertThat(raw.batchGet(wanted)).isEmpty();
    }

    @Test
    void scans() {
        List<ByteString> all = fill("s", 300);

        assertThat(keys(raw.scan(key("s"), key("t")))).isEqualTo(all);
        assertThat(keys(raw.scan(key("s"), key("t"), true))).isEqualTo(all);
        assertThat(keys(raw.scan(key("s"), 10))).isEqualTo(all.subList(0, 10));
        assertThat(keys(raw.scan(key("s"), 10, true))).isEqualTo(all.subList(0, 10));
        assertThat(keys(raw.scan(key("s"), key("t"), 20))).isEqualTo(all.subList(0, 20));
        assertThat(keys(raw.scan(all.get(5), all.get(8), 20, true))).isEqualTo(all.subList(5, 8));
        assertThat(raw.scan(key("s"), key("t"), 20, false))
                .allMatch(pair -> pair.getValue().equals(valueOf(pair.getKey())));
        assertThat(raw.scan(key("s"), key("t"), 20, true))
                .allMatch(pair -> pair.getValue().isEmpty());
        assertThat(raw.scan(key("x"), key("y"))).isEmpty();
    }

    @Test
    void scansOfAPrefix() {
        List<ByteString> all = fill("p", 50);
        raw.put(key("q"), text("not of the prefix"));

        assertThat(keys(raw.scanPrefix(key("p")))).isEqualTo(all);
        assertThat(keys(raw.scanPrefix(key("p"), true))).isEqualTo(all);
        assertThat(keys(raw.scanPrefix(key("p"), 7, false))).isEqualTo(all.subList(0, 7));
    }

    @Test
    void scansThatIterate() {
        List<ByteString> all = fill("i", 2_500);

        List<ByteString> seen = new ArrayList<>();
        raw.scan0(key("i"), key("j")).forEachRemaining(pair -> seen.add(pair.getKey()));
        assertThat(seen).isEqualTo(all);
        seen.clear();
        raw.scan0(key("i"), 10).forEachRemaining(pair -> seen.add(pair.getKey()));
        assertThat(seen).isEqualTo(all.subList(0, 10));
        seen.clear();
        raw.scan0(key("i"), key("j"), true).forEachRemaining(pair -> seen.add(pair.getKey()));
        assertThat(seen).isEqualTo(all);
        seen.clear();
        raw.scanPrefix0(key("i")).forEachRemaining(pair -> seen.add(pair.getKey()));
        assertThat(seen).isEqualTo(all);
    }

    @Test
    void batchScans() {
        List<ByteString> all = fill("b", 100);

        List<List<KvPair>> scanned = raw.batchScan(List.of(
                ScanOption.newBuilder()
                        .setStartKey(all.get(0))
                        .setEndKey(all.get(10))
                        .setLimit(5)
                        .build(),
                ScanOption.newBuilder()
                        .setStartKey(all.get(50))
                        .setEndKey(all.get(60))
                        .setLimit(100)
                        .build()));
        List<List<ByteString>> keysOnly = raw.batchScanKeys(
                List.of(new Pair<>(all.get(0), all.get(10)), new Pair<>(all.get(50), all.get(60))), 3);

        assertThat(scanned.stream().map(TikvClientJavaIT::keys).toList())
                .containsExactly(all.subList(0, 5), all.subList(50, 60));
        assertThat(keysOnly).containsExactly(all.subList(0, 3), all.subList(50, 53));
    }

    @Test
    void deletesOfRangesAndPrefixes() {
        List<ByteString> all = fill("d", 100);
        fill("e", 10);

        raw.deleteRange(all.get(10), all.get(90));
        assertThat(raw.scan(key("d"), key("e"))).hasSize(20);

        raw.deletePrefix(key("d"));
        assertThat(raw.scan(key("d"), key("e"))).isEmpty();
        assertThat(raw.scan(key("e"), key("f"))).hasSize(10);
    }

    @Test
    void compareAndSet() {
        raw.compareAndSet(key("c"), Optional.empty(), text("1"));
        assertThat(raw.get(key("c"))).contains(text("1"));

        assertThatThrownBy(() -> raw.compareAndSet(key("c"), Optional.of(text("other")), text("2")))
                .isInstanceOf(RawCASConflictException.class);
        assertThatThrownBy(() -> raw.compareAndSet(key("c"), Optional.empty(), text("2")))
                .isInstanceOf(RawCASConflictException.class);
        assertThat(raw.get(key("c"))).contains(text("1"));

        raw.compareAndSet(key("c"), Optional.of(text("1")), text("2"));
        assertThat(raw.get(key("c"))).contains(text("2"));
    }

    @Test
    void putIfAbsent() {
        assertThat(raw.putIfAbsent(key("a"), text("first"))).isEmpty();
        assertThat(raw.putIfAbsent(key("a"), text("second"))).contains(text("first"));
        assertThat(raw.get(key("a"))).contains(text("first"));
    }

    @Test
    void timestampsGrow() {
        long last = 0;
        for (int i = 0; i < 100; i++) {
            long now = session.getTimestamp().getVersion();
            assertThat(now).isGreaterThan(last);
            last = now;
        }
    }

    /** As many pairs, in key order; the value of a key is its text backwards. */
    private static List<ByteString> fill(String prefix, int count) {
        Map<ByteString, ByteString> pairs = new HashMap<>();
        IntStream.range(0, count).forEach(i -> {
            ByteString key = key(String.format("%s-%06d", prefix, i));
            pairs.put(key, valueOf(key));
        });
        raw.batchPut(pairs);
        return pairs.keySet().stream()
                .sorted(Comparator.comparing(ByteString::toStringUtf8))
                .toList();
    }

    private static ByteString valueOf(ByteString key) {
        return text(new StringBuilder(key.toStringUtf8()).reverse().toString());
    }

    private static List<ByteString> keys(List<KvPair> pairs) {
        return pairs.stream().map(KvPair::getKey).toList();
    }

    private static ByteString key(String text) {
        return text(PREFIX + text);
    }

    private static ByteString text(String text) {
        return ByteString.copyFromUtf8(text);
    }
}
