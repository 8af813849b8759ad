package io.rutile.storage.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.RegionException;
import io.rutile.protocol.metapb.Region;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RocksEngineTest {

    private static final RocksOptions SMALL = RocksOptions.withMemory(32 << 20);

    @TempDir
    Path directory;

    @SuppressWarnings("NullAway.Init")
    private RocksEngine engine;

    @BeforeEach
    void open() {
        engine = RocksEngine.open(directory.resolve("db"), SMALL);
    }

    @AfterEach
    void close() {
        engine.close();
    }

    @Test
    void keepsWhatWasWrittenOverAClose() {
        put(Cf.RAW, "k", "v");
        engine.close();

        open();

        assertThat(get(Cf.RAW, "k")).isEqualTo("v");
        assertThat(get(Cf.DEFAULT, "k")).as("column families are apart").isNull();
    }

    @Test
    void aReadThatMayNotWaitForTheDiskSaysSoAndIsRightWhereItNeedNot() {
        put(Cf.RAW, "k", "v");
        engine.flush();
        engine.close();
        open();
        put(Cf.RAW, "young", "in the memtable");

        try (EngineSnapshot snapshot = engine.snapshot()) {
            snapshot.mayWaitForDisk(false);
            assertThat(snapshot.get(Cf.RAW, key("young"))).isEqualTo(bytes("in the memtable"));
            assertThatThrownBy(() -> snapshot.get(Cf.RAW, key("k"))).isInstanceOf(NotCachedException.class);
            try (KvCursor cursor = snapshot.cursor(Cf.RAW, KeyRange.ALL)) {
                cursor.seek(bytes("k"));
                assertThatThrownBy(cursor::isValid).isInstanceOf(NotCachedException.class);
            }

            snapshot.mayWaitForDisk(true);
            assertThat(snapshot.get(Cf.RAW, key("k"))).isEqualTo(bytes("v"));

            snapshot.mayWaitForDisk(false);
            assertThat(snapshot.get(Cf.RAW, key("k"))).as("cached meanwhile").isEqualTo(bytes("v"));
            try (KvCursor cursor = snapshot.cursor(Cf.RAW, KeyRange.ALL)) {
                cursor.seek(bytes("k"));
                assertThat(cursor.isValid()).isTrue();
                assertThat(cursor.value()).isEqualTo(bytes("v"));
            }
        }
    }

    @Test
    void r1ABatchSurvivesACrashWholeOverAllColumnFamilies() throws IOException {
        WriteBatch batch = new WriteBatch();
        for (Cf cf : Cf.values()) {
            batch.put(cf, key("k"), bytes(cf.cfName()));
        }
        engine.write(batch, false);

        // What a killed process leaves: the files as they are, nothing flushed and nothing closed.
        Path crashed = copyOf(directory.resolve("db"));

        try (RocksEngine after = RocksEngine.open(crashed, SMALL)) {
            for (Cf cf : Cf.values()) {
                assertThat(after.get(cf, bytes("k"))).isEqualTo(bytes(cf.cfName()));
            }
        }
    }

    @Test
    void r1ATornLogLosesWholeBatchesFromItsEndOnly() throws IOException {
        int batches = 200;
        for (int i = 0; i < batches; i++) {
            engine.write(
                    new WriteBatch()
                            .put(Cf.RAW, key("k%03d".formatted(i)), bytes("v"))
                            .put(Cf.REGION, key("k%03d".formatted(i)), bytes("v")),
                    false);
        }
        Path torn = copyOf(directory.resolve("db"));
        Path log;
        try (Stream<Path> files = Files.list(torn)) {
            log = files.filter(f -> f.toString().endsWith(".log")).findFirst().orElseThrow();
        }
        byte[] whole = Files.readAllBytes(log);
        Files.write(log, Arrays.copyOf(whole, whole.length - 100));

        try (RocksEngine after = RocksEngine.open(torn, SMALL)) {
            List<String> data = keys(after, Cf.RAW, KeyRange.ALL);
            assertThat(data).isEqualTo(keys(after, Cf.REGION, KeyRange.ALL));
            assertThat(data.size()).isBetween(batches - 10, batches - 1);
            assertThat(data.get(data.size() - 1)).isEqualTo("k%03d".formatted(data.size() - 1));
        }
    }

    /** Around every size at which a cursor reads in another way, growing and shrinking again. */
    @Test
    void cursorsReadKeysAndValuesOfEverySize() {
        int[] sizes = {0, 1, 511, 512, 513, 3, 1_024, 1_025, 65_535, 65_536, 65_537, 200_000, 5, 70_000, 600};
        Map<String, byte[]> pairs = new TreeMap<>();
        Random random = new Random(7);
        try (EngineBatch batch = engine.newBatch()) {
            for (int i = 0; i < sizes.length; i++) {
                byte[] value = new byte[sizes[i]];
                random.nextBytes(value);
                String key = "k%02d".formatted(i) + "x".repeat(sizes[sizes.length - 1 - i] % 2_000);
                pairs.put(key, value);
                batch.put(Cf.RAW, bytes(key), value);
            }
            engine.write(batch, false);
        }

        try (KvCursor cursor = engine.cursor(Cf.RAW, KeyRange.ALL)) {
            cursor.seekToFirst();
            for (Map.Entry<String, byte[]> pair : pairs.entrySet()) {
                byte[] value = cursor.value();
                assertThat(text(cursor.key())).isEqualTo(pair.getKey());
                assertThat(value).isEqualTo(pair.getValue());
                // What was given out stays as it is.
                assertThat(cursor.value()).isEqualTo(value);
                cursor.next();
                assertThat(value).isEqualTo(pair.getValue());
            }
            assertThat(cursor.isValid()).isFalse();
        }
    }

    @Test
    void aWalkMayReadIntoBuffersWhateverTheSizes() {
        int[] sizes = {3, 0, 512, 513, 1, 70_000, 2, 100_000};
        WriteBatch batch = new WriteBatch();
        for (int i = 0; i < sizes.length; i++) {
            String key = i + "x".repeat(sizes[sizes.length - 1 - i] % 9_000);
            batch.put(Cf.RAW, key(key), bytes("v".repeat(sizes[i])));
        }
        engine.write(batch, false);
        ReadBuffer key = new ReadBuffer();
        ReadBuffer value = new ReadBuffer();

        try (KvCursor cursor = engine.cursor(Cf.RAW, KeyRange.ALL)) {
            cursor.seekToFirst();
            for (int size : sizes) {
                cursor.value(value);
                cursor.key(key);
                assertThat(value.copy()).isEqualTo(bytes("v".repeat(size)));
                assertThat(key.copy()).isEqualTo(cursor.key());
                cursor.next();
            }
            assertThatThrownBy(() -> cursor.key(key)).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> cursor.value(value)).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void cursorsStayInsideTheirBounds() {
        putAll(Cf.RAW, "a", "b", "c", "d");

        try (KvCursor cursor = engine.cursor(Cf.RAW, range("b", "d"))) {
            assertThat(cursor.isValid()).isFalse();
            cursor.seekToFirst();
            assertThat(text(cursor.key())).isEqualTo("b");
            cursor.prev();
            assertThat(cursor.isValid()).isFalse();
            cursor.seekToLast();
            assertThat(text(cursor.key())).isEqualTo("c");
            cursor.next();
            assertThat(cursor.isValid()).isFalse();
            cursor.seek(bytes("a"));
            assertThat(text(cursor.key())).isEqualTo("b");
            cursor.seek(bytes("bb"));
            assertThat(text(cursor.key())).isEqualTo("c");
            cursor.seekForPrev(bytes("zz"));
            assertThat(text(cursor.key())).isEqualTo("c");
            cursor.seekForPrev(bytes("bb"));
            assertThat(text(cursor.key())).isEqualTo("b");
            cursor.seekForPrev(bytes("a"));
            assertThat(cursor.isValid()).isFalse();
            assertThatThrownBy(cursor::key).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(cursor::next).isInstanceOf(IllegalStateException.class);
        }
        assertThat(keys(engine, Cf.RAW, range("c", ""))).containsExactly("c", "d");
        assertThat(keys(engine, Cf.RAW, range("d", "b"))).isEmpty();
    }

    @Test
    void aSnapshotIsOneMoment() {
        putAll(Cf.RAW, "a", "b");
        try (EngineSnapshot snapshot = engine.snapshot()) {
            put(Cf.RAW, "a", "later");
            engine.write(new WriteBatch().deleteRange(Cf.RAW, key("b"), ByteKey.EMPTY), false);
            put(Cf.RAW, "c", "later");
            engine.flush();

            assertThat(snapshot.get(Cf.RAW, key("a"))).isEqualTo(bytes("a"));
            try (KvCursor cursor = snapshot.cursor(Cf.RAW, KeyRange.ALL)) {
                cursor.seekToLast();
                assertThat(text(cursor.key())).isEqualTo("b");
            }
            try (KvCursor cursor = snapshot.coldCursor(Cf.RAW, KeyRange.ALL)) {
                cursor.seekToLast();
                assertThat(text(cursor.key())).isEqualTo("b");
            }
        }
        assertThat(keys(engine, Cf.RAW, KeyRange.ALL)).containsExactly("a", "c");
    }

    @Test
    void aSnapshotWithinARegionAnswersForThatRegionOnly() {
        putAll(Cf.RAW, "a", "b", "c", "d");
        Region region = Region.newBuilder()
                .setId(9)
                .setStartKey(key("b").toByteString())
                .setEndKey(key("d").toByteString())
                .build();
        try (EngineSnapshot snapshot = engine.snapshot().within(region, 4, false)) {
            assertThat(snapshot.term()).isEqualTo(4);
            assertThat(snapshot.range()).isEqualTo(range("b", "d"));
            assertThat(snapshot.get(Cf.RAW, key("b"))).isEqualTo(bytes("b"));
            assertThatThrownBy(() -> snapshot.get(Cf.RAW, key("d")))
                    .isInstanceOfSatisfying(
                            RegionException.class,
                            e -> assertThat(e.error().getKeyNotInRegion().getRegionId())
                                    .isEqualTo(9));
            try (KvCursor cursor = snapshot.cursor(Cf.RAW, range("a", ""))) {
                cursor.seekToFirst();
                assertThat(text(cursor.key())).isEqualTo("b");
                cursor.seekToLast();
                assertThat(text(cursor.key())).isEqualTo("c");
            }
            try (KvCursor cursor = snapshot.cursor(Cf.RAW, range("x", "z"))) {
                cursor.seekToFirst();
                assertThat(cursor.isValid()).isFalse();
            }
        }
    }

    @Test
    void aRangeDeleteWithoutEndReachesEveryKey() {
        byte[] greatest = new byte[EngineKeys.BYTES_MAX];
        Arrays.fill(greatest, (byte) 0xFF);
        putAll(Cf.RAW, "a", "b");
        WriteBatch batch = new WriteBatch()
                .put(Cf.RAW, ByteKey.wrap(greatest), bytes("v"))
                .deleteRange(Cf.RAW, key("b"), ByteKey.EMPTY)
                .put(Cf.RAW, key("z"), bytes("after the delete"));

        engine.write(batch, false);

        assertThat(keys(engine, Cf.RAW, KeyRange.ALL)).containsExactly("a", "z");
        engine.write(new WriteBatch().deleteRange(Cf.RAW, key("z"), key("a")), false);
        assertThat(keys(engine, Cf.RAW, KeyRange.ALL)).containsExactly("a", "z");
        assertThatThrownBy(() -> put(Cf.RAW, "k".repeat(EngineKeys.BYTES_MAX + 1), "v"))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aNativeBatchTakesItsRecordsFromAnyBuffer() {
        byte[] encoded = bytes("..keyvalue..");
        byte[] large = new byte[3 << 20];
        new Random(1).nextBytes(large);
        ByteBuffer direct = ByteBuffer.allocateDirect(16).put(bytes("direct")).flip();
        try (EngineBatch batch = engine.newBatch()) {
            batch.put(Cf.RAW, encoded, 2, 3, 5, 5);
            batch.put(Cf.RAW, direct, ByteBuffer.wrap(bytes("")));
            batch.put(Cf.RAW, ByteBuffer.wrap(bytes("large")), ByteBuffer.wrap(large));
            batch.put(Cf.RAW, bytes("gone"), bytes("v")).delete(Cf.RAW, ByteBuffer.wrap(bytes("gone")));
            assertThat(batch.count()).isEqualTo(5);
            assertThat(batch.sizeBytes()).isGreaterThan(large.length);
            assertThat(direct.remaining()).isEqualTo(6);

            engine.write(batch, true);
            batch.clear();
            assertThat(batch.isEmpty()).isTrue();
        }
        assertThat(get(Cf.RAW, "key")).isEqualTo("value");
        assertThat(get(Cf.RAW, "direct")).isEmpty();
        assertThat(engine.get(Cf.RAW, bytes("large"))).isEqualTo(large);
        assertThat(get(Cf.RAW, "gone")).isNull();
    }

    @Test
    void aNativeBatchForgetsWhatCameAfterItsMark() {
        try (EngineBatch batch = engine.newBatch()) {
            batch.put(Cf.RAW, bytes("before"), bytes("v"));
            batch.mark();
            batch.put(Cf.RAW, bytes("after"), bytes("v"));
            batch.rollbackToMark();
            batch.mark();
            batch.put(Cf.RAW, bytes("kept"), bytes("v"));
            batch.forgetMark();
            engine.write(batch, false);
        }
        assertThat(keys(engine, Cf.RAW, KeyRange.ALL)).containsExactly("before", "kept");
    }

    @Test
    void sizeOfARangeFollowsItsData() {
        Random random = new Random(1);
        for (int i = 0; i < 2000; i++) {
            byte[] value = new byte[1000];
            random.nextBytes(value);
            engine.write(new WriteBatch().put(Cf.RAW, key("k%05d".formatted(i)), value), false);
        }
        assertThat(engine.approximateSizeBytes(Cf.RAW, KeyRange.ALL)).isBetween(1_000_000L, 4_000_000L);

        engine.flush();
        long all = engine.approximateSizeBytes(Cf.RAW, KeyRange.ALL);
        long half = engine.approximateSizeBytes(Cf.RAW, range("", "k01000"));
        assertThat(all).isBetween(1_900_000L, 2_300_000L);
        assertThat(half).isBetween(all * 4 / 10, all * 6 / 10);
        assertThat(engine.approximateSizeBytes(Cf.RAW, range("x", "a"))).isZero();

        engine.deleteFilesInRange(Cf.RAW, KeyRange.ALL);
        engine.write(new WriteBatch().deleteRange(Cf.RAW, ByteKey.EMPTY, ByteKey.EMPTY), false);
        engine.compactRange(Cf.RAW, KeyRange.ALL);
        assertThat(engine.approximateSizeBytes(Cf.RAW, KeyRange.ALL)).isLessThan(50_000);
        assertThat(keys(engine, Cf.RAW, KeyRange.ALL)).isEmpty();
    }

    @Test
    void r9ADirectoryInUseIsOneClearSentence() {
        assertThatThrownBy(() -> RocksEngine.open(directory.resolve("db"), SMALL))
                .isInstanceOf(EngineException.class)
                .hasMessageContaining("in use by another process");
    }

    @Test
    void r9DamageIsOneClearSentence() throws IOException {
        put(Cf.RAW, "k", "v");
        engine.close();
        try (Stream<Path> files = Files.list(directory.resolve("db"))) {
            for (Path manifest : files.filter(f -> f.getFileName().toString().startsWith("MANIFEST"))
                    .toList()) {
                byte[] bytes = Files.readAllBytes(manifest);
                bytes[bytes.length / 2] ^= 0x40;
                Files.write(manifest, bytes);
            }
        }

        assertThatThrownBy(() -> RocksEngine.open(directory.resolve("db"), SMALL))
                .isInstanceOfSatisfying(EngineException.class, e -> {
                    assertThat(e.kind()).isEqualTo(EngineException.Kind.CORRUPTION);
                    assertThat(e).hasMessageContaining("the data is damaged");
                });
    }

    @Test
    void r9AFullDiskRefusesWritesWithATypedError() {
        engine.close();
        engine = RocksEngine.open(directory.resolve("small"), SMALL.withSpaceBytesMax(4 << 20));
        Random random = new Random(1);

        assertThatThrownBy(() -> {
                    for (int i = 0; i < 64; i++) {
                        byte[] value = new byte[1 << 20];
                        random.nextBytes(value);
                        engine.write(new WriteBatch().put(Cf.RAW, key("k" + i), value), false);
                        engine.flush();
                    }
                })
                .isInstanceOfSatisfying(EngineException.class, e -> {
                    assertThat(e.kind()).isEqualTo(EngineException.Kind.NO_SPACE);
                    assertThat(e).hasMessageContaining("no space is left");
                });
        assertThat(engine.get(Cf.RAW, bytes("k0")))
                .as("what is there can still be read")
                .isNotNull();
    }

    @Test
    void aFileInTheWayOfTheDirectoryIsOneClearSentence() throws IOException {
        Path file = Files.writeString(directory.resolve("file"), "x");

        assertThatThrownBy(() -> RocksEngine.open(file.resolve("db"), SMALL))
                .isInstanceOfSatisfying(
                        EngineException.class, e -> assertThat(e.kind()).isEqualTo(EngineException.Kind.IO));
    }

    @Test
    void e1UseAfterCloseIsATypedErrorAndNotACrash() {
        engine.close();
        engine.close();

        List<Runnable> uses = List.of(
                () -> engine.get(Cf.RAW, bytes("k")),
                () -> engine.snapshot(),
                () -> engine.cursor(Cf.RAW, KeyRange.ALL),
                () -> engine.newBatch(),
                () -> put(Cf.RAW, "k", "v"),
                engine::syncWal,
                engine::flush,
                engine::stats,
                () -> engine.approximateSizeBytes(Cf.RAW, KeyRange.ALL));
        for (Runnable use : uses) {
            assertThatThrownBy(use::run)
                    .isInstanceOfSatisfying(
                            EngineException.class, e -> assertThat(e.kind()).isEqualTo(EngineException.Kind.CLOSED));
        }
    }

    @Test
    void e1UseOfClosedHandlesIsATypedErrorAndNotACrash() {
        put(Cf.RAW, "k", "v");
        EngineSnapshot snapshot = engine.snapshot();
        KvCursor cursor = snapshot.cursor(Cf.RAW, KeyRange.ALL);
        EngineBatch batch = engine.newBatch();
        snapshot.close();
        cursor.seekToFirst(); // pins what it needs
        assertThat(text(cursor.value())).isEqualTo("v");
        cursor.close();
        batch.close();
        snapshot.close();
        cursor.close();
        batch.close();

        assertThatThrownBy(() -> snapshot.get(Cf.RAW, key("k"))).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(cursor::isValid).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(batch::count).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void closingWaitsForWhoStillReads() throws Exception {
        put(Cf.RAW, "k", "v");
        EngineSnapshot snapshot = engine.snapshot();
        CompletableFuture<Void> closing = CompletableFuture.runAsync(engine::close);
        await().until(() -> engine.uses().isClosed());

        assertThat(snapshot.get(Cf.RAW, key("k"))).isEqualTo(bytes("v"));
        assertThat(closing).isNotDone();
        snapshot.close();

        closing.get(10, TimeUnit.SECONDS);
    }

    @Test
    void metricsTellSizesAndOutliveTheEngine() {
        put(Cf.RAW, "k", "v".repeat(10_000));
        engine.flush();
        SimpleMeterRegistry registry = new SimpleMeterRegistry();
        new EngineMetrics(engine).bindTo(registry);

        assertThat(registry.get("kv.engine.tables").gauge().value()).isPositive();
        assertThat(registry.get("kv.engine.writes.stopped").gauge().value()).isZero();
        engine.close();
        assertThat(registry.get("kv.engine.tables").gauge().value()).isPositive();
    }

    @Test
    void optionsAreChecked() {
        assertThatThrownBy(() -> RocksOptions.withMemory(1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new RocksOptions(32 << 20, 1, 2, 1, 0)).isInstanceOf(IllegalArgumentException.class);
    }

    private Path copyOf(Path from) throws IOException {
        Path to = Files.createDirectory(directory.resolve("copy"));
        try (Stream<Path> files = Files.list(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(file.getFileName()));
            }
        }
        return to;
    }

    private void putAll(Cf cf, String... keys) {
        for (String key : keys) {
            put(cf, key, key);
        }
    }

    private void put(Cf cf, String key, String value) {
        engine.write(new WriteBatch().put(cf, key(key), bytes(value)), false);
    }

    private @Nullable String get(Cf cf, String key) {
        byte[] value = engine.get(cf, bytes(key));
        return value == null ? null : text(value);
    }

    static List<String> keys(RocksEngine engine, Cf cf, KeyRange range) {
        List<String> keys = new ArrayList<>();
        try (KvCursor cursor = engine.cursor(cf, range)) {
            for (cursor.seekToFirst(); cursor.isValid(); cursor.next()) {
                keys.add(text(cursor.key()));
            }
        }
        return keys;
    }

    static KeyRange range(String start, String end) {
        return new KeyRange(key(start), key(end));
    }

    static ByteKey key(String text) {
        return ByteKey.wrap(bytes(text));
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
