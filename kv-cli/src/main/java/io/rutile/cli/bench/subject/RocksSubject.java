package io.rutile.cli.bench.subject;

import io.rutile.cli.bench.load.Action;
import io.rutile.cli.bench.load.CommitWay;
import io.rutile.cli.bench.load.KeySpace;
import io.rutile.cli.bench.load.Subject;
import io.rutile.cli.cluster.ClusterException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteOptions;

/**
 * A floor: RocksDB alone in this process. With fsync every write is on disk before it returns, as in a store's Raft log; without, it is in
 * the log file's cache. What a cluster costs more than the first is the price of replication and network. Its cache holds all that is
 * read and its tables have bloom filters, so that it is not slower than it must be.
 *
 * <p>It has no server: its processor time is this process's, together with the load's.
 */
public final class RocksSubject implements Subject {

    public static final Set<Action> ACTIONS = Set.of(
            Action.READ,
            Action.UPDATE,
            Action.INSERT,
            Action.SCAN,
            Action.SCAN_FULL,
            Action.READ_MODIFY_WRITE,
            Action.TRANSACTION);

    private static final long CACHE_BYTES = 512L << 20;
    private static final double BLOOM_BITS_PER_KEY = 10;

    private final Path dir;
    private final boolean sync;
    private final LRUCache cache;
    private final BloomFilter filter;
    private final Options options;
    private final WriteOptions write;
    private final RocksDB db;

    /**
     * Opens a new one.
     *
     * @param dir on the disk that it is the floor of
     * @param sync whether a write waits for the disk
     * @throws ClusterException if it can't be opened
     */
    public RocksSubject(Path dir, boolean sync) {
        RocksDB.loadLibrary();
        this.dir = dir;
        this.sync = sync;
        this.cache = new LRUCache(CACHE_BYTES);
        this.filter = new BloomFilter(BLOOM_BITS_PER_KEY, false);
        this.options = new Options()
                .setCreateIfMissing(true)
                .setTableFormatConfig(
                        new BlockBasedTableConfig().setBlockCache(cache).setFilterPolicy(filter));
        this.write = new WriteOptions().setSync(sync);
        try {
            this.db = RocksDB.open(options, Files.createDirectories(dir).toString());
        } catch (RocksDBException | IOException e) {
            throw new ClusterException("can't open the floor's RocksDB in " + dir + ": " + e.getMessage(), e);
        }
    }

    @Override
    public String name() {
        return sync ? "RocksDB alone, fsync" : "RocksDB alone, no fsync";
    }

    @Override
    public Set<Action> actions() {
        return ACTIONS;
    }

    @Override
    public void load(KeySpace keys, Set<Action> actions) throws Exception {
        try (WriteOptions unsynced = new WriteOptions()) {
            keys.forEach(Calls.LOAD_BATCH_PAIRS, pairs -> {
                try (WriteBatch batch = new WriteBatch()) {
                    for (Map.Entry<String, byte[]> pair : pairs.entrySet()) {
                        batch.put(Calls.bytes(pair.getKey()), pair.getValue());
                    }
                    db.write(unsynced, batch);
                }
            });
        }
    }

    @Override
    public void read(String key) throws Exception {
        if (db.get(Calls.bytes(key)) == null) {
            throw Calls.missing();
        }
    }

    @Override
    public void update(String key, byte[] value) throws RocksDBException {
        db.put(write, Calls.bytes(key), value);
    }

    /** One batch: what a transaction's keys cost where nothing can be in their way. */
    @Override
    public void transaction(List<String> keys, byte[] value, CommitWay way) throws RocksDBException {
        try (WriteBatch batch = new WriteBatch()) {
            for (String key : keys) {
                batch.put(Calls.bytes(key), value);
            }
            db.write(write, batch);
        }
    }

    /** Keys and values are copied out, as whoever is to send them needs them. */
    @Override
    public int scan(String start, int limit) throws RocksDBException {
        int rows = 0;
        long bytesRead = 0;
        try (RocksIterator cursor = db.newIterator()) {
            cursor.seek(Calls.bytes(start));
            while (rows < limit && cursor.isValid()) {
                bytesRead += cursor.key().length + cursor.value().length;
                rows++;
                cursor.next();
            }
            cursor.status();
        }
        if (rows > 0 && bytesRead == 0) {
            throw new IllegalStateException("a scan found rows without bytes in " + dir);
        }
        return rows;
    }

    @Override
    public Map<String, Duration> cpu() {
        return Map.of();
    }

    @Override
    public void close() {
        db.close();
        write.close();
        options.close();
        filter.close();
        cache.close();
    }
}
