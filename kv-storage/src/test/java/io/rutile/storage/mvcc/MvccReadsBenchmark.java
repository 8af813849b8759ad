package io.rutile.storage.mvcc;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.metapb.Region;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.KvSnapshot;
import io.rutile.storage.engine.RocksEngine;
import io.rutile.storage.engine.RocksOptions;
import io.rutile.storage.engine.WriteBatch;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.infra.Blackhole;

/**
 * A point get and a scan of 100 pairs by the engine that a store has, from its snapshot on: 50,000 keys of three versions each, values of 100
 * bytes, all of them in tables and in the cache. Where the store is written to, memtables have newer versions of keys besides, and locks that
 * have come and gone.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class MvccReadsBenchmark {

    private static final int KEYS = 50_000;
    private static final int VERSIONS = 3;
    private static final int SCAN_PAIRS = 100;
    /** Fewer than make a memtable full. */
    private static final int WRITTEN = 25_000;

    private static final int BATCH_KEYS = 1_000;
    private static final long FIRST_TS = TimeStamp.of(1_800_000_000_000L, 0).value();
    private static final Region REGION = Region.newBuilder().setId(1).build();

    private final Path directory = temporary();
    private final RocksEngine engine = RocksEngine.open(directory, RocksOptions.withMemory(128 << 20));
    private final SplittableRandom random = new SplittableRandom(1);

    @Param({"false", "true"})
    public boolean writtenTo;

    @Setup
    public void load() {
        for (int version = 0; version < VERSIONS; version++) {
            for (int from = 0; from < KEYS; from += BATCH_KEYS) {
                WriteBatch batch = new WriteBatch();
                for (int i = from; i < from + BATCH_KEYS; i++) {
                    byte[] value = new byte[100];
                    random.nextBytes(value);
                    long startTs = FIRST_TS + 10L * version;
                    batch.put(
                            Cf.WRITE,
                            ByteKey.wrap(key(i).at(startTs + 1)),
                            Write.of(WriteKind.PUT, startTs, value, false).encode());
                }
                engine.write(batch, false);
            }
        }
        engine.flush();
        engine.compactRange(Cf.WRITE, KeyRange.ALL);
        for (int i = 0; writtenTo && i < WRITTEN; i++) {
            MvccKey key = key(random.nextInt(KEYS));
            ByteKey lock = key.encoded();
            long startTs = FIRST_TS + 1_000 + 10L * i;
            engine.write(new WriteBatch().put(Cf.LOCK, lock, new byte[60]), false);
            engine.write(
                    new WriteBatch()
                            .delete(Cf.LOCK, lock)
                            .put(
                                    Cf.WRITE,
                                    ByteKey.wrap(key.at(startTs + 1)),
                                    Write.of(WriteKind.PUT, startTs, null, false)
                                            .encode()),
                    false);
        }
    }

    private static Path temporary() {
        try {
            return Files.createTempDirectory("mvcc-benchmark-");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @TearDown
    public void close() throws IOException {
        engine.close();
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    private static MvccKey key(int i) {
        return MvccKey.of(ByteKey.wrap(ByteBuffer.allocate(20).putInt(16, i).array()));
    }

    /** Between the second version and the third: what is read is not the newest. */
    private static long readTs() {
        return FIRST_TS + 15;
    }

    @Benchmark
    public byte[] pointGet() {
        MvccKey key = key(random.nextInt(KEYS));
        try (KvSnapshot snapshot = engine.snapshot().within(REGION, 5, true);
                MvccReader reader = new MvccReader(snapshot)) {
            byte[] value = reader.lock(key) == null ? reader.value(key, readTs()) : null;
            if (value == null) {
                throw new IllegalStateException("a key is not there");
            }
            return value;
        }
    }

    @Benchmark
    public void scanOf100(Blackhole taken) {
        KeyRange range = new KeyRange(key(random.nextInt(KEYS - SCAN_PAIRS)).encoded(), ByteKey.EMPTY);
        try (KvSnapshot snapshot = engine.snapshot().within(REGION, 5, true);
                MvccScanner keys = new MvccScanner(snapshot, range, false)) {
            for (int i = 0; i < SCAN_PAIRS; i++) {
                MvccScanner.Found found = keys.next();
                if (found == null) {
                    throw new IllegalStateException("a scan ended early");
                }
                taken.consume(keys.reader().value(found.key(), readTs()));
            }
        }
    }
}
