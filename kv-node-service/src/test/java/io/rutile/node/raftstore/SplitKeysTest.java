package io.rutile.node.raftstore;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.MemComparable;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.RocksEngine;
import io.rutile.storage.engine.RocksOptions;
import io.rutile.storage.engine.WriteBatch;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.function.IntFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where Regions are cut, on a real engine. */
class SplitKeysTest {

    private static final int RECORDS = 4_000;
    private static final int VALUE_BYTES = 1_024;

    @TempDir
    Path dir;

    private final Random random = new Random(Long.getLong("seed", 7));
    private RocksEngine engine;

    @BeforeEach
    void open() {
        engine = RocksEngine.open(dir.resolve("db"), RocksOptions.withMemory(32 << 20));
    }

    @AfterEach
    void close() {
        engine.close();
    }

    private void fill(Cf cf, int records, IntFunction<byte[]> key) {
        byte[] value = new byte[VALUE_BYTES];
        WriteBatch batch = new WriteBatch();
        for (int i = 0; i < records; i++) {
            random.nextBytes(value);
            batch.put(cf, ByteKey.wrap(key.apply(i)), value.clone());
        }
        engine.write(batch, false);
        engine.flush();
    }

    private static byte[] ascii(String format, Object... args) {
        return String.format(Locale.ROOT, format, args).getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] stamped(byte[] userKey, long ts) {
        byte[] encoded = MemComparable.encode(userKey);
        return ByteBuffer.allocate(encoded.length + Long.BYTES)
                .put(encoded)
                .putLong(~ts)
                .array();
    }

    private List<ByteKey> evenly(boolean encodedOnly, int pieces) {
        return new SplitKeys(engine, encodedOnly).evenly(KeyRange.ALL, pieces);
    }

    private static boolean isEncoding(ByteKey key) {
        try {
            MemComparable.decode(key.bytes());
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    /** Every piece has at least half of what it should, by the count of records of all column families. */
    private void assertEven(List<ByteKey> borders, int pieces) {
        assertThat(borders).hasSize(pieces - 1).isSorted();
        List<ByteKey> ends = new ArrayList<>(borders);
        ends.add(ByteKey.EMPTY);
        int all = count(KeyRange.ALL);
        ByteKey start = ByteKey.EMPTY;
        for (ByteKey end : ends) {
            assertThat(count(new KeyRange(start, end)))
                    .as("records in [%s, %s)", start, end)
                    .isBetween(all / pieces / 2, all * 2 / pieces);
            start = end;
        }
    }

    private int count(KeyRange range) {
        int count = 0;
        for (Cf cf : RegionStateStore.DATA) {
            try (var cursor = engine.cursor(cf, range)) {
                for (cursor.seekToFirst(); cursor.isValid(); cursor.next()) {
                    count++;
                }
            }
        }
        return count;
    }

    @Test
    void transactionalDataIsCutBetweenKeysNeverBetweenVersionsOfOne() {
        fill(Cf.WRITE, RECORDS, i -> stamped(ascii("account:%06d", i / 4), 1 + i % 4));

        List<ByteKey> borders = evenly(true, 4);

        assertEven(borders, 4);
        assertThat(borders).allMatch(SplitKeysTest::isEncoding);
    }

    @Test
    void rawDataIsCutAtEncodingsWhereOneLiesBetweenItsKeys() {
        fill(Cf.RAW, RECORDS, i -> ascii("%06d:x", i * 17));

        List<ByteKey> borders = evenly(false, 3);

        assertEven(borders, 3);
        assertThat(borders).allMatch(SplitKeysTest::isEncoding);
    }

    /** Random bytes: the first 8 differ, so an encoding lies everywhere. */
    @Test
    void hashedRawKeysAreCutAtEncodings() {
        fill(Cf.RAW, RECORDS, i -> {
            byte[] key = new byte[16];
            random.nextBytes(key);
            return key;
        });

        List<ByteKey> borders = evenly(true, 5);

        assertEven(borders, 5);
        assertThat(borders).allMatch(SplitKeysTest::isEncoding);
    }

    @Test
    void rawKeysThatBeginWithTheSame8BytesAreCutAtOneOfThemUnlessThatIsForbidden() {
        fill(Cf.RAW, RECORDS, i -> ascii("tenant-a:order:%08d", i));

        assertThat(evenly(true, 2)).isEmpty();
        assertEven(evenly(false, 2), 2);
    }

    @Test
    void rawAndTransactionalDataSideBySideAreCutAtEncodingsOnly() {
        fill(Cf.RAW, RECORDS, i -> ascii("tenant-a:order:%08d", i));
        fill(Cf.WRITE, RECORDS, i -> stamped(ascii("zz%08d", i), 5));

        List<ByteKey> borders = evenly(false, 2);

        assertEven(borders, 2);
        assertThat(borders).allMatch(SplitKeysTest::isEncoding);
    }

    @Test
    void aRegionThatOwnsAPartOfTheDataIsCutInsideItsRange() {
        fill(Cf.RAW, RECORDS, i -> ascii("%06d", i));
        KeyRange range = new KeyRange(ByteKey.wrap(ascii("001000")), ByteKey.wrap(ascii("002000")));

        List<ByteKey> borders = new SplitKeys(engine, false).evenly(range, 2);

        assertThat(borders).hasSize(1).allMatch(range::contains);
        assertThat(count(new KeyRange(range.start(), borders.get(0)))).isBetween(250, 750);
    }

    @Test
    void whatHoldsOneKeyOrNoneIsNotCut() {
        assertThat(evenly(false, 2)).isEmpty();

        byte[] one = ascii("a");
        fill(Cf.RAW, 1, i -> one);

        assertThat(evenly(false, 2)).isEmpty();
    }

    @Test
    void longCommonPrefixesAreLookedThrough() {
        String prefix = "p".repeat(100);
        fill(Cf.WRITE, RECORDS, i -> stamped(ascii("%s%08d", prefix, i), 9));

        List<ByteKey> borders = evenly(true, 2);

        assertEven(borders, 2);
        assertThat(borders).allMatch(SplitKeysTest::isEncoding);
    }
}
