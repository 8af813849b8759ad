package io.rutile.storage.engine;

import static io.rutile.storage.engine.RocksEngineTest.bytes;
import static io.rutile.storage.engine.RocksEngineTest.key;
import static io.rutile.storage.engine.RocksEngineTest.keys;
import static io.rutile.storage.engine.RocksEngineTest.range;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SstFilesTest {

    private static final List<Cf> DATA = List.of(Cf.RAW, Cf.RAW_LOCK, Cf.WRITE);
    private static final KeyRange MIDDLE = range("k1", "k3");

    @TempDir
    Path directory;

    @SuppressWarnings("NullAway.Init")
    private RocksEngine source;

    @SuppressWarnings("NullAway.Init")
    private RocksEngine target;

    @SuppressWarnings("NullAway.Init")
    private Path image;

    @BeforeEach
    void open() throws IOException {
        source = RocksEngine.open(directory.resolve("source"), RocksOptions.withMemory(32 << 20));
        target = RocksEngine.open(directory.resolve("target"), RocksOptions.withMemory(32 << 20));
        image = Files.createDirectory(directory.resolve("image"));
        Random random = new Random(1);
        WriteBatch pairs = new WriteBatch();
        for (int i = 0; i < 4000; i++) {
            byte[] value = new byte[500];
            random.nextBytes(value);
            pairs.put(Cf.RAW, key("k%04d".formatted(i)), value);
        }
        source.write(pairs.put(Cf.WRITE, key("k1500"), bytes("w")), false);
    }

    @AfterEach
    void close() {
        source.close();
        target.close();
    }

    @Test
    void anImageReplacesARangeAndLeavesItsNeighbours() {
        target.write(
                new WriteBatch()
                        .put(Cf.RAW, key("k0"), bytes("neighbour below"))
                        .put(Cf.RAW, key("k1"), bytes("old"))
                        .put(Cf.RAW, key("k2999x"), bytes("old"))
                        .put(Cf.RAW_LOCK, key("k2"), bytes("old"))
                        .put(Cf.RAW, key("k3"), bytes("neighbour above"))
                        .put(Cf.REGION, key("k2"), bytes("not of the image")),
                false);

        List<SstFile> files = imageOf(MIDDLE, 200_000);
        assertThat(files)
                .hasSizeGreaterThan(3)
                .allSatisfy(f -> assertThat(f.sizeBytes()).isLessThan(400_000));
        SstFiles.replace(target, MIDDLE, DATA, image, files);

        List<String> found = keys(target, Cf.RAW, KeyRange.ALL);
        assertThat(found).hasSize(2002).startsWith("k0", "k1000").endsWith("k2999", "k3");
        assertThat(target.get(Cf.RAW, bytes("k1234"))).isEqualTo(source.get(Cf.RAW, bytes("k1234")));
        assertThat(keys(target, Cf.RAW_LOCK, KeyRange.ALL)).isEmpty();
        assertThat(keys(target, Cf.WRITE, KeyRange.ALL)).containsExactly("k1500");
        assertThat(keys(target, Cf.REGION, KeyRange.ALL)).containsExactly("k2");
        assertThat(image).isEmptyDirectory();
    }

    @Test
    void anIngestedImageSurvivesACrashAndLaterWritesWin() throws IOException {
        SstFiles.replace(target, MIDDLE, DATA, image, imageOf(MIDDLE, 1 << 20));
        target.write(new WriteBatch().put(Cf.RAW, key("k1000"), bytes("later")).delete(Cf.RAW, key("k1001")), false);
        Path crashed = Files.createDirectory(directory.resolve("crashed"));
        try (var found = Files.list(target.directory())) {
            for (Path file : found.toList()) {
                Files.copy(file, crashed.resolve(file.getFileName()));
            }
        }

        try (RocksEngine after = RocksEngine.open(crashed, RocksOptions.withMemory(32 << 20))) {
            assertThat(keys(after, Cf.RAW, KeyRange.ALL)).hasSize(1999).doesNotContain("k1001");
            assertThat(after.get(Cf.RAW, bytes("k1000"))).isEqualTo(bytes("later"));
        }
    }

    @Test
    void anImageIsOfTheSnapshotsMoment() {
        try (EngineSnapshot snapshot = source.snapshot()) {
            source.write(new WriteBatch().deleteRange(Cf.RAW, ByteKey.EMPTY, ByteKey.EMPTY), false);
            source.flush();
            List<SstFile> files = SstFiles.write(snapshot, DATA, KeyRange.ALL, image, 1 << 20);

            SstFiles.replace(target, KeyRange.ALL, DATA, image, files);
        }
        assertThat(keys(target, Cf.RAW, KeyRange.ALL)).hasSize(4000);
    }

    @Test
    void anEmptyImageEmptiesTheRange() {
        target.write(new WriteBatch().put(Cf.RAW, key("x"), bytes("v")), false);

        List<SstFile> files = imageOf(range("x", ""), 1 << 20);
        assertThat(files).isEmpty();
        SstFiles.replace(target, range("x", ""), DATA, image, files);

        assertThat(keys(target, Cf.RAW, KeyRange.ALL)).isEmpty();
    }

    @Test
    void aDamagedFileIsRefusedAndNothingChanges() throws IOException {
        target.write(new WriteBatch().put(Cf.RAW, key("k2"), bytes("old")), false);
        List<SstFile> files = imageOf(MIDDLE, 200_000);
        Path victim = image.resolve(files.get(2).name());
        byte[] whole = Files.readAllBytes(victim);

        byte[] flipped = whole.clone();
        flipped[flipped.length / 3] ^= 1;
        Files.write(victim, flipped);
        assertRefused(MIDDLE, files, "checksum");

        Files.write(victim, Arrays.copyOf(whole, whole.length - 1));
        assertRefused(MIDDLE, files, "bytes long");

        Files.delete(victim);
        assertRefused(MIDDLE, files, "missing");

        Files.write(victim, whole);
        SstFiles.replace(target, MIDDLE, DATA, image, files);
        assertThat(keys(target, Cf.RAW, KeyRange.ALL)).hasSize(2000);
    }

    @Test
    void r6AFileWithKeysOutsideTheRangeIsRefused() {
        target.write(new WriteBatch().put(Cf.RAW, key("k2"), bytes("old")), false);
        List<SstFile> files = imageOf(MIDDLE, 200_000);

        assertRefused(range("k1", "k2"), files, "outside");

        SstFile first = files.get(0);
        assertRefused(
                MIDDLE,
                List.of(new SstFile(
                        first.cf(), first.name(), first.sizeBytes(), first.crc32c(), key("k1001"), first.lastKey())),
                "announced");
        assertRefused(
                MIDDLE,
                List.of(new SstFile(
                        Cf.REGION, first.name(), first.sizeBytes(), first.crc32c(), first.firstKey(), first.lastKey())),
                "nobody asked");
    }

    @Test
    void e1AFileNameMustNotLeadElsewhere() throws IOException {
        target.write(new WriteBatch().put(Cf.RAW, key("k2"), bytes("old")), false);
        SstFile first = imageOf(MIDDLE, 200_000).get(0);
        Files.move(image.resolve(first.name()), directory.resolve("stolen.sst"));

        assertRefused(
                MIDDLE,
                List.of(new SstFile(
                        first.cf(),
                        "../stolen.sst",
                        first.sizeBytes(),
                        first.crc32c(),
                        first.firstKey(),
                        first.lastKey())),
                "leads elsewhere");
    }

    private void assertRefused(KeyRange range, List<SstFile> files, String why) {
        assertThatThrownBy(() -> SstFiles.replace(target, range, DATA, image, files))
                .isInstanceOfSatisfying(EngineException.class, e -> {
                    assertThat(e.kind()).isEqualTo(EngineException.Kind.CORRUPTION);
                    assertThat(e).hasMessageContaining(why);
                });
        assertThat(keys(target, Cf.RAW, KeyRange.ALL)).containsExactly("k2");
    }

    private List<SstFile> imageOf(KeyRange range, long fileBytesMax) {
        try (EngineSnapshot snapshot = source.snapshot()) {
            return SstFiles.write(snapshot, DATA, range, image, fileBytesMax);
        }
    }
}
