package io.rutile.node.raftstore;

import com.google.protobuf.ByteString;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.protocol.metapb.Region;
import io.rutile.storage.engine.EngineSnapshot;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The consistency check of a store: what its replicas hold at an index of the log, and whether that is what their leaders hold. In
 * memory only, the last check of each Region.
 *
 * <p>A difference is told loudly and changes nothing else: nobody knows which replica is right, and one that stopped for it would
 * take the only good copy along.
 *
 * <p>Threads: one of its own reads, at a bounded pace; the rest may be called from any and never waits.
 */
@SuppressWarnings("FutureReturnValueIgnored") // outcomes are looked up, by whoever wants to know
final class ReplicaHashes implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(ReplicaHashes.class);

    /** Each pins a snapshot of the engine. A replica beyond has no hash of that index, and whoever wants one asks again. */
    static final int WAITING_MAX = 16;

    private static final long CLOSE_PATIENCE_MS = 5_000;

    private final long bytesPerSecond;
    private final ConcurrentHashMap<Long, Check> checks = new ConcurrentHashMap<>();
    private final ConcurrentHashMap<Long, ReplicaReport.Mismatch> mismatched = new ConcurrentHashMap<>();
    private final ThreadPoolExecutor reader;
    private final CountDownLatch closing = new CountDownLatch(1);
    private final Counter equal;
    private final Counter different;
    private final Counter refused;
    private final Counter failed;

    ReplicaHashes(ConsistencyOptions options, MeterRegistry metrics) {
        this.bytesPerSecond = options.bytesPerSecond();
        this.reader =
                new ThreadPoolExecutor(1, 1, 10, TimeUnit.SECONDS, new ArrayBlockingQueue<>(WAITING_MAX), task -> {
                    Thread thread = new Thread(task, "consistency");
                    thread.setDaemon(true);
                    return thread;
                });
        reader.allowCoreThreadTimeOut(true);
        this.equal = metrics.counter("kv.raftstore.consistency.matches");
        this.different = metrics.counter("kv.raftstore.consistency.mismatches");
        this.refused = metrics.counter("kv.raftstore.consistency.refusals");
        this.failed = metrics.counter("kv.raftstore.consistency.failures");
        metrics.gaugeMapSize("kv.raftstore.consistency.mismatched", List.of(), mismatched);
    }

    /**
     * One Region at one index.
     *
     * @param finding completes when the result is noted everywhere: nobody is told of a difference that can't be asked for yet
     */
    private record Check(
            long regionId,
            long index,
            CompletableFuture<RegionHash> own,
            CompletableFuture<ByteString> leaders,
            CompletableFuture<ReplicaReport.State> finding) {

        Check(long regionId, long index) {
            this(regionId, index, new CompletableFuture<>(), new CompletableFuture<>(), new CompletableFuture<>());
        }
    }

    /**
     * Begins to hash.
     *
     * @param snapshot of exactly that index; closed here
     * @return the hash; fails if the store has too many under way, closes, or its disk fails
     */
    CompletableFuture<RegionHash> compute(long index, Region region, EngineSnapshot snapshot) {
        Check check = new Check(region.getId(), index);
        checks.put(region.getId(), check);
        check.own().thenAcceptBoth(check.leaders(), (mine, theirs) -> compare(check, mine, theirs));
        Task task = new Task(check, region, snapshot);
        try {
            reader.execute(task);
        } catch (RejectedExecutionException e) {
            refused.increment();
            task.giveUp("too many replicas are being hashed");
        }
        return check.own();
    }

    /** A result that nobody waits for, or is gone, is no finding: whoever wants one asks again. */
    void verify(long regionId, long index, ByteString hash) {
        Check check = checks.get(regionId);
        if (check != null && check.index() == index) {
            check.leaders().complete(hash);
        }
    }

    private void compare(Check check, RegionHash mine, ByteString theirs) {
        if (mine.value().equals(theirs)) {
            equal.increment();
            mismatched.remove(check.regionId());
            check.finding().complete(ReplicaReport.State.EQUAL);
            return;
        }
        different.increment();
        log.error(
                "replica differs from its leader region={} index={} hash={} hashOfLeader={} records={} bytes={}",
                check.regionId(),
                check.index(),
                mine.hex(),
                RegionHash.hex(theirs),
                mine.records(),
                mine.bytes());
        if (checks.get(check.regionId()) == check) {
            mismatched.put(
                    check.regionId(), new ReplicaReport.Mismatch(check.index(), mine.hex(), RegionHash.hex(theirs)));
        }
        check.finding().complete(ReplicaReport.State.DIFFERENT);
    }

    /** The replica is gone; another one of the Region starts without a past. */
    void forget(long regionId) {
        checks.remove(regionId);
        mismatched.remove(regionId);
    }

    /** When this replica has its hash of that index. */
    CompletableFuture<RegionHash> own(long regionId, long index) {
        Check check = checks.get(regionId);
        return check != null && check.index() == index
                ? check.own()
                : CompletableFuture.failedFuture(new CancellationException("another check has begun"));
    }

    /** The last check of a Region. */
    Optional<ReplicaReport.Hash> last(long regionId) {
        Check check = checks.get(regionId);
        return check == null ? Optional.empty() : Optional.of(reported(check));
    }

    private static ReplicaReport.Hash reported(Check check) {
        long index = check.index();
        if (check.own().isCompletedExceptionally()) {
            return new ReplicaReport.Hash(index, ReplicaReport.State.FAILED, null, 0, 0);
        }
        RegionHash mine = check.own().getNow(null);
        if (mine == null) {
            return new ReplicaReport.Hash(index, ReplicaReport.State.COMPUTING, null, 0, 0);
        }
        ReplicaReport.State state = check.finding().getNow(ReplicaReport.State.COMPUTED);
        return new ReplicaReport.Hash(index, state, mine.hex(), mine.records(), mine.bytes());
    }

    /** The last difference that was found, until a later check finds none. */
    ReplicaReport.@Nullable Mismatch mismatch(long regionId) {
        return mismatched.get(regionId);
    }

    /** Regions with a difference, ascending. */
    List<Long> mismatched() {
        return mismatched.keySet().stream().sorted().toList();
    }

    private void pace(long bytes) throws InterruptedException {
        if (closing.await(bytes * 1_000_000_000 / bytesPerSecond, TimeUnit.NANOSECONDS)) {
            throw new InterruptedException("the store closes");
        }
    }

    /** Reads one snapshot. */
    private final class Task implements Runnable {

        private final Check check;
        private final Region region;
        private final EngineSnapshot snapshot;

        Task(Check check, Region region, EngineSnapshot snapshot) {
            this.check = check;
            this.region = region;
            this.snapshot = snapshot;
        }

        @Override
        public void run() {
            RegionHash hash;
            try (snapshot) {
                hash = RegionHash.of(snapshot, region, ReplicaHashes.this::pace);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                check.own().completeExceptionally(new CancellationException("the store closes"));
                return;
            } catch (RuntimeException e) {
                failed.increment();
                log.warn("replica can't be hashed region={} index={}", check.regionId(), check.index(), e);
                check.own().completeExceptionally(e);
                return;
            }
            check.own().complete(hash);
        }

        void giveUp(String why) {
            snapshot.close();
            check.own().completeExceptionally(new CancellationException(why));
        }
    }

    /** No snapshot is open afterwards. */
    @Override
    public void close() {
        closing.countDown();
        for (Runnable waiting : reader.shutdownNow()) {
            ((Task) waiting).giveUp("the store closes");
        }
        try {
            if (!reader.awaitTermination(CLOSE_PATIENCE_MS, TimeUnit.MILLISECONDS)) {
                log.warn("a replica is still being hashed at close");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
