package io.rutile.node.raftstore;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.KvCursor;
import io.rutile.storage.engine.KvSnapshot;
import io.rutile.storage.engine.ReadBuffer;
import io.rutile.storage.engine.RocksEngine;
import io.rutile.storage.engine.RocksOptions;
import io.rutile.storage.engine.WriteBatch;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CountedSnapshotTest {

    @TempDir
    private Path directory;

    private RocksEngine engine;
    private final RegionTraffic traffic = new RegionTraffic();
    private final RegionLoad load = new RegionLoad();

    @BeforeEach
    void open() {
        engine = RocksEngine.open(directory, RocksOptions.withMemory(16 << 20));
        WriteBatch batch = new WriteBatch();
        for (String key : new String[] {"a", "bb", "c"}) {
            batch.put(Cf.RAW, key(key), key("value").bytes());
        }
        engine.write(batch, false);
    }

    @AfterEach
    void close() {
        engine.close();
    }

    @Test
    void aWalkCountsTheSameHoweverItReads() {
        walk(cursor -> {
            cursor.value();
            cursor.key();
            cursor.key();
        });
        RegionTraffic.Totals byArrays = traffic.totals();
        ReadBuffer key = new ReadBuffer();
        ReadBuffer value = new ReadBuffer();
        walk(cursor -> {
            cursor.value(value);
            cursor.key(key);
        });

        assertThat(byArrays).isEqualTo(new RegionTraffic.Totals(0, 0, 4 + 3 * 5, 3));
        assertThat(traffic.totals().minus(byArrays)).isEqualTo(byArrays);
    }

    @Test
    void aSampledWalkTellsItsFirstKeyAndItsLast() {
        load.sample();
        ReadBuffer key = new ReadBuffer();
        while (load.samples().isEmpty()) {
            walk(cursor -> cursor.key(key));
        }

        assertThat(load.samples()).containsExactly(new RegionLoad.Touched(key("a"), key("c")));
    }

    private void walk(Consumer<KvCursor> look) {
        try (KvSnapshot snapshot = new CountedSnapshot(engine.snapshot(), traffic, load);
                KvCursor cursor = snapshot.cursor(Cf.RAW, KeyRange.ALL)) {
            for (cursor.seekToFirst(); cursor.isValid(); cursor.next()) {
                look.accept(cursor);
            }
        }
    }

    private static ByteKey key(String text) {
        return ByteKey.wrap(text.getBytes(StandardCharsets.UTF_8));
    }
}
