package io.rutile.cli.bench;

import io.rutile.cli.cluster.ClusterException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteOptions;

/**
 * The floor: RocksDB alone in this process, every write synced to disk before it returns, as a store's Raft log does it. What a
 * cluster costs more than this is the price of replication and network.
 */
final class RocksSubject implements Subject {

    private static final int LOAD_BATCH_PAIRS = 256;

    private final Path dir;
    private final Options options;
    private final WriteOptions synced;
    private final RocksDB db;

    RocksSubject(Path dir) {
        RocksDB.loadLibrary();
        this.dir = dir;
        this.options = new Options().setCreateIfMissing(true);
        this.synced = new WriteOptions().setSync(true);
        try {
            this.db = RocksDB.open(options, Files.createDirectories(dir).toString());
        } catch (RocksDBException | IOException e) {
            throw new ClusterException("can't open the floor's RocksDB in " + dir + ": " + e.getMessage(), e);
        }
    }

    @Override
    public String name() {
        return "RocksDB alone";
    }

    @Override
    public void load(KeySpace keys) throws RocksDBException {
        SplittableRandom random = new SplittableRandom(keys.seed());
        try (WriteOptions unsynced = new WriteOptions()) {
            for (int from = 0; from < keys.count(); from += LOAD_BATCH_PAIRS) {
                try (WriteBatch batch = new WriteBatch()) {
                    for (int i = from; i < Math.min(keys.count(), from + LOAD_BATCH_PAIRS); i++) {
                        batch.put(bytes(keys.key(i)), keys.randomValue(random));
                    }
                    db.write(unsynced, batch);
                }
            }
        }
    }

    @Override
    public void get(String key) throws RocksDBException {
        if (db.get(bytes(key)) == null) {
            throw new IllegalStateException("a loaded key is not there in " + dir);
        }
    }

    @Override
    public void put(String key, byte[] value) throws RocksDBException {
        db.put(synced, bytes(key), value);
    }

    /** One synced batch: what a transaction's keys cost where nothing can be in their way. */
    @Override
    public void transaction(List<String> keys, byte[] value) throws RocksDBException {
        try (WriteBatch batch = new WriteBatch()) {
            for (String key : keys) {
                batch.put(bytes(key), value);
            }
            db.write(synced, batch);
        }
    }

    @Override
    public boolean isTransactional() {
        return true;
    }

    @Override
    public void scan(String start, int limit) throws RocksDBException {
        long bytesRead = 0;
        try (RocksIterator cursor = db.newIterator()) {
            cursor.seek(bytes(start));
            for (int i = 0; i < limit && cursor.isValid(); i++) {
                bytesRead += cursor.key().length + cursor.value().length;
                cursor.next();
            }
            cursor.status();
        }
        if (bytesRead == 0) {
            throw new IllegalStateException("a scan found nothing in " + dir);
        }
    }

    /** Of this process: it is the server. */
    @Override
    public Duration cpu() {
        return ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO);
    }

    @Override
    public void close() {
        db.close();
        synced.close();
        options.close();
    }

    private static byte[] bytes(String key) {
        return key.getBytes(StandardCharsets.US_ASCII);
    }
}
