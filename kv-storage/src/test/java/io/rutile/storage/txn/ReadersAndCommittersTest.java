package io.rutile.storage.txn;

import static io.rutile.storage.txn.TxnWords.put;
import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.protocol.kvrpcpb.KvPair;
import io.rutile.protocol.kvrpcpb.PrewriteResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * P4: a commit timestamp that the store chooses lies above every read that it has answered. Readers at rising timestamps race
 * async-commit and 1PC writers, over a replicator that takes its time.
 */
class ReadersAndCommittersTest {

    private static final Duration RACE = Duration.ofSeconds(2);
    private static final List<String> KEYS = List.of("a", "b");
    private static final int READERS = 3;

    /** What a read at a version answered; a read that met a lock answered nothing. */
    private record Read(String key, long version, String value) {}

    @TempDir
    Path directory;

    private final AtomicLong oracle = new AtomicLong(100);
    private final Map<String, ConcurrentSkipListMap<Long, String>> commits = Map.of(
            "a", new ConcurrentSkipListMap<>(Map.of(0L, "not_found")),
            "b", new ConcurrentSkipListMap<>(Map.of(0L, "not_found")));
    private final ConcurrentLinkedQueue<Read> reads = new ConcurrentLinkedQueue<>();
    private final AtomicInteger blocked = new AtomicInteger();

    @Test
    void p4NoReadMissesACommitBelowItsVersion() throws Exception {
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("ReadersAndCommittersTest -Dseed=" + seed);
        Random jitter = new Random(seed);
        ExecutorService apply = Executors.newSingleThreadExecutor();
        ExecutorService clients = Executors.newFixedThreadPool(KEYS.size() + READERS);
        try (TxnFixture db = TxnFixture.open(
                directory,
                task -> apply.execute(() -> {
                    LockSupport.parkNanos(jitter.nextInt(300_000));
                    task.run();
                }))) {
            long end = System.nanoTime() + RACE.toNanos();
            List<Future<?>> running = new ArrayList<>();
            for (String key : KEYS) { // one writer each: a conflict would only slow the race down
                Random random = new Random(seed + key.hashCode());
                running.add(clients.submit(() -> {
                    for (int i = 0; System.nanoTime() < end; i++) {
                        write(db, random, key, key + i);
                    }
                }));
            }
            for (int i = 0; i < READERS; i++) {
                Random random = new Random(seed + i);
                running.add(clients.submit(() -> {
                    while (System.nanoTime() < end) {
                        read(db, random);
                    }
                }));
            }
            for (Future<?> client : running) {
                client.get(60, TimeUnit.SECONDS);
            }
        } finally {
            clients.shutdown();
            apply.shutdown();
        }

        for (Read read : reads) {
            Map.Entry<Long, String> visible = commits(read.key()).floorEntry(read.version());
            assertThat(read.value())
                    .as("%s at %s, where %s is committed", read.key(), read.version(), visible)
                    .isEqualTo(visible.getValue());
        }
        assertThat(commits("a").size() + commits("b").size()).as("commits").isGreaterThan(100);
        assertThat(reads).as("reads answered").hasSizeGreaterThan(100);
        assertThat(blocked.get()).as("reads that met a lock").isPositive();
    }

    private ConcurrentSkipListMap<Long, String> commits(String key) {
        ConcurrentSkipListMap<Long, String> found = commits.get(key);
        assertThat(found).isNotNull();
        return found;
    }

    private void write(TxnFixture db, Random random, String key, String value) {
        long startTs = oracle.incrementAndGet();
        PrewriteCall call = db.prewrite(put(key, value)).at(startTs);
        if (random.nextBoolean()) {
            commits(key).put(call.onePc().ok().getOnePcCommitTs(), value);
        } else {
            PrewriteResponse prewritten = call.async().ok();
            long commitTs = prewritten.getMinCommitTs();
            commits(key).put(commitTs, value); // all prewritten: committed (P3)
            db.committed(startTs, commitTs, key);
        }
    }

    private void read(TxnFixture db, Random random) {
        long version = oracle.incrementAndGet();
        switch (random.nextInt(3)) {
            case 0 -> {
                String key = KEYS.get(random.nextInt(KEYS.size()));
                answered(key, version, db.get(key, version));
            }
            case 1 -> answered(version, db.reading(version).batchGet("a", "b").getPairsList());
            default -> answered(version, db.reading(version).scan("a", "", 10).getPairsList());
        }
    }

    private void answered(String key, long version, String value) {
        if (value.startsWith("locked")) {
            blocked.incrementAndGet();
        } else {
            reads.add(new Read(key, version, value));
        }
    }

    private void answered(long version, List<KvPair> pairs) {
        if (pairs.stream().anyMatch(KvPair::hasError)) {
            blocked.incrementAndGet();
            return;
        }
        for (String key : KEYS) {
            String value = pairs.stream()
                    .filter(pair -> pair.getKey().toStringUtf8().equals(key))
                    .map(pair -> pair.getValue().toStringUtf8())
                    .findAny()
                    .orElse("not_found");
            reads.add(new Read(key, version, value));
        }
    }
}
