package io.rutile.node.gc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.kvrpcpb.CommitRequest;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.GetRequest;
import io.rutile.protocol.kvrpcpb.Mutation;
import io.rutile.protocol.kvrpcpb.Op;
import io.rutile.protocol.kvrpcpb.PrewriteRequest;
import io.rutile.storage.Storage;
import io.rutile.storage.StorageOptions;
import io.rutile.storage.command.ApiVersion;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.RocksEngine;
import io.rutile.storage.engine.RocksOptions;
import io.rutile.storage.mvcc.GcProgress;
import io.rutile.storage.mvcc.MvccKey;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** P7 over two Regions of one engine: keys below {@code m} are in the first. */
class GcWorkerTest {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final GcOptions AT_ONCE = new GcOptions(Duration.ofMillis(20), Duration.ZERO, 1);

    @TempDir
    Path dir;

    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final AtomicReference<TimeStamp> pd = new AtomicReference<>(TimeStamp.ZERO);
    private final AtomicInteger stretches = new AtomicInteger();
    private RocksEngine engine;
    private EngineKv kv;
    private Storage storage;
    private GcWorker worker;

    @BeforeEach
    void start() {
        engine = RocksEngine.open(dir, RocksOptions.withMemory(32 << 20));
        kv = new EngineKv(engine);
        ByteKey border = MvccKey.of(ByteString.copyFromUtf8("m")).encoded();
        kv.region(1, ByteKey.EMPTY, border);
        kv.region(2, border, ByteKey.EMPTY);
        storage = new Storage(kv, StorageOptions.of(ApiVersion.V1), Clock.systemUTC(), metrics);
        worker = worker(AT_ONCE, (ctx, safePoint, from) -> {
            stretches.incrementAndGet();
            return storage.gc(ctx, safePoint, from);
        });
    }

    private GcWorker worker(GcOptions options, GcWorker.Collection collection) {
        SafePointWatcher watcher = new SafePointWatcher(() -> CompletableFuture.completedFuture(pd.get()), metrics);
        return new GcWorker(options, collection, this::led, watcher, Clock.systemUTC(), metrics);
    }

    private List<GcRegion> led() {
        return List.of(new GcRegion(kv.context(1), 1, 0), new GcRegion(kv.context(2), 1, 0));
    }

    @AfterEach
    void stop() {
        worker.close();
        storage.close();
        engine.close();
    }

    private static long regionOf(String key) {
        return key.compareTo("m") < 0 ? 1 : 2;
    }

    private KvContext ctx(String key) {
        return KvContext.of(kv.context(regionOf(key)), System.nanoTime() + PATIENCE.toNanos());
    }

    private void write(Op op, List<String> keys, ByteString value, long startTs, long commitTs) {
        Context region = kv.context(regionOf(keys.get(0)));
        PrewriteRequest.Builder prewrite = PrewriteRequest.newBuilder()
                .setContext(region)
                .setPrimaryLock(ByteString.copyFromUtf8(keys.get(0)))
                .setStartVersion(startTs)
                .setLockTtl(3_000);
        CommitRequest.Builder commit = CommitRequest.newBuilder()
                .setContext(region)
                .setStartVersion(startTs)
                .setCommitVersion(commitTs);
        for (String key : keys) {
            ByteString bytes = ByteString.copyFromUtf8(key);
            prewrite.addMutations(Mutation.newBuilder().setOp(op).setKey(bytes).setValue(value));
            commit.addKeys(bytes);
        }
        assertThat(storage.kvPrewrite(ctx(keys.get(0)), prewrite.build()).join().getErrorsList())
                .isEmpty();
        assertThat(storage.kvCommit(ctx(keys.get(0)), commit.build()).join().hasError())
                .isFalse();
    }

    private void put(String key, String value, long ts) {
        write(Op.Put, List.of(key), ByteString.copyFromUtf8(value), ts - 1, ts);
    }

    private String get(String key, long ts) {
        return storage.kvGet(
                        ctx(key),
                        GetRequest.newBuilder()
                                .setContext(kv.context(regionOf(key)))
                                .setKey(ByteString.copyFromUtf8(key))
                                .setVersion(ts)
                                .build())
                .join()
                .getValue()
                .toStringUtf8();
    }

    private double count(String name) {
        return metrics.get("kv.gc." + name).counter().count();
    }

    @Test
    void d02_p7_theNewestAtTheSafePointStaysAndWhatItHidesGoes() throws Exception {
        for (String key : List.of("a", "z")) {
            put(key, "v10", 10);
            put(key, "v20", 20);
            put(key, "v30", 30);
        }
        put("deleted", "once", 10);
        write(Op.Del, List.of("deleted"), ByteString.EMPTY, 14, 15);
        pd.set(new TimeStamp(25));

        worker.round();

        for (String key : List.of("a", "z")) {
            assertThat(get(key, 15)).isEmpty();
            assertThat(get(key, 25)).isEqualTo("v20");
            assertThat(get(key, 35)).isEqualTo("v30");
        }
        assertThat(count("versions.removed")).isEqualTo(4);
        assertThat(count("regions.failed")).isZero();
        assertThat(metrics.get("kv.gc.round.duration").timer().count()).isEqualTo(1);
    }

    @Test
    void withoutASafePointNothingIsLookedAt() throws Exception {
        put("a", "v10", 10);
        put("a", "v20", 20);

        worker.round();

        assertThat(stretches).hasValue(0);
        assertThat(get("a", 15)).isEqualTo("v10");
    }

    @Test
    void aSafePointThatHasNotMovedIsNoWork() throws Exception {
        put("a", "v10", 10);
        pd.set(new TimeStamp(25));
        worker.round();
        int done = stretches.get();
        assertThat(done).isPositive();

        worker.round();
        assertThat(stretches).hasValue(done);

        pd.set(new TimeStamp(26));
        worker.round();
        assertThat(stretches.get()).isGreaterThan(done);
    }

    @Test
    void aRegionThatFailsIsTriedAgainAndTheOthersAreNot() throws Exception {
        put("a", "v10", 10);
        put("a", "v20", 20);
        put("z", "v10", 10);
        put("z", "v20", 20);
        kv.leads(1, false);
        pd.set(new TimeStamp(25));

        worker.round();
        assertThat(count("regions.failed")).isEqualTo(1);
        assertThat(count("versions.removed")).isEqualTo(1);
        int soFar = stretches.get();

        kv.leads(1, true);
        worker.round();
        assertThat(count("versions.removed")).isEqualTo(2);
        assertThat(count("regions.failed")).isEqualTo(1);
        assertThat(stretches).hasValue(soFar + 1);
    }

    @Test
    void d3_whilePdIsAwayTheLastSafePointCounts() throws Exception {
        AtomicReference<CompletableFuture<TimeStamp>> answer =
                new AtomicReference<>(CompletableFuture.completedFuture(new TimeStamp(25)));
        SafePointWatcher watcher = new SafePointWatcher(answer::get, new SimpleMeterRegistry());

        assertThat(watcher.look()).isEqualTo(new TimeStamp(25));
        answer.set(CompletableFuture.failedFuture(new IllegalStateException("PD is away")));
        assertThat(watcher.look()).isEqualTo(new TimeStamp(25));
        answer.set(CompletableFuture.completedFuture(new TimeStamp(24)));
        assertThat(watcher.look()).isEqualTo(new TimeStamp(25));
        assertThat(watcher.safePoint()).isEqualTo(new TimeStamp(25));
    }

    @Test
    void manyKeysAreCollectedStretchByStretch() throws Exception {
        List<String> keys = new ArrayList<>();
        for (int i = 0; i < 700; i++) {
            keys.add("k%04d".formatted(i));
        }
        write(Op.Put, keys, ByteString.copyFromUtf8("old"), 9, 10);
        write(Op.Put, keys, ByteString.copyFromUtf8("new"), 19, 20);
        pd.set(new TimeStamp(25));

        worker.round();

        assertThat(count("versions.removed")).isEqualTo(700);
        assertThat(stretches.get()).isGreaterThan(3);
        assertThat(get("k0699", 25)).isEqualTo("new");
        assertThat(get("k0699", 15)).isEmpty();
    }

    @Test
    void theSpaceComesBackByItself() throws Exception {
        List<String> keys = new ArrayList<>();
        for (int i = 0; i < 500; i++) {
            keys.add("k%04d".formatted(i));
        }
        byte[] noise = new byte[1_000];
        Random random = new Random(7);
        for (int version = 1; version <= 20; version++) {
            random.nextBytes(noise);
            write(Op.Put, keys, ByteString.copyFrom(noise), version * 10L - 1, version * 10L);
        }
        engine.flush();
        long full = engine.stats().tableBytes();
        assertThat(full).isGreaterThan(500L * 1_000);
        pd.set(new TimeStamp(1_000));

        worker.round();
        engine.flush();

        assertThat(count("versions.removed")).isEqualTo(500 * 19);
        await().atMost(PATIENCE).until(() -> engine.stats().tableBytes() < full / 5);
        assertThat(get("k0001", 1_000)).hasSizeGreaterThan(0);
    }

    @Test
    void theWorkerFollowsTheSafePointByItself() {
        put("a", "v10", 10);
        put("a", "v20", 20);
        worker.start();

        pd.set(TimeStamp.of(5_000, 0));

        await().atMost(PATIENCE).until(() -> count("versions.removed") == 1);
        assertThat(metrics.get("kv.gc.safepoint").gauge().value()).isEqualTo(5);
    }

    @Test
    void itPausesInProportionToItsWork() throws Exception {
        pd.set(new TimeStamp(25));
        List<Long> began = new CopyOnWriteArrayList<>();
        GcWorker sparing = worker(new GcOptions(Duration.ofMillis(20), Duration.ZERO, 0.2), (ctx, safePoint, from) -> {
            began.add(System.nanoTime());
            return CompletableFuture.supplyAsync(
                    () -> new GcProgress(0, null), CompletableFuture.delayedExecutor(50, TimeUnit.MILLISECONDS));
        });

        sparing.round();

        assertThat(began).hasSize(2);
        assertThat(began.get(1) - began.get(0)).isGreaterThanOrEqualTo(TimeUnit.MILLISECONDS.toNanos(245));
    }

    @Test
    void closingDoesNotWaitForWhatIsUnderWay() {
        pd.set(new TimeStamp(25));
        CompletableFuture<Void> asked = new CompletableFuture<>();
        GcWorker stuck = worker(AT_ONCE, (ctx, safePoint, from) -> {
            asked.complete(null);
            return new CompletableFuture<>();
        });
        stuck.start();
        asked.orTimeout(PATIENCE.toSeconds(), TimeUnit.SECONDS).join();
        long began = System.nanoTime();

        stuck.close();

        assertThat(System.nanoTime() - began).isLessThan(TimeUnit.SECONDS.toNanos(5));
    }

    @Test
    void aBugInOneRegionDoesNotEndTheRounds() throws Exception {
        pd.set(new TimeStamp(25));
        List<Long> asked = new CopyOnWriteArrayList<>();
        GcWorker unlucky = worker(AT_ONCE, (ctx, safePoint, from) -> {
            asked.add(ctx.request().getRegionId());
            if (ctx.request().getRegionId() == 1) {
                throw new IllegalStateException("a bug");
            }
            return CompletableFuture.failedFuture(RegionErrors.serverIsBusy("busy", 0));
        });

        unlucky.round();
        unlucky.round();

        assertThat(asked).containsExactly(1L, 2L, 1L, 2L);
        assertThat(count("regions.failed")).isEqualTo(4);
    }
}
