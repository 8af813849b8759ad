package io.rutile.storage.raw;

import static io.rutile.storage.StoreFixture.await;
import static io.rutile.storage.StoreFixture.bytes;
import static io.rutile.storage.StoreFixture.ctx;
import static io.rutile.storage.StoreFixture.key;
import static io.rutile.storage.StoreFixture.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.RegionErrors;
import io.rutile.storage.ManualClock;
import io.rutile.storage.StorageOptions;
import io.rutile.storage.StoreFixture;
import io.rutile.storage.command.ApiVersion;
import io.rutile.storage.command.CommandScheduler;
import io.rutile.storage.command.Latches;
import io.rutile.storage.command.ReadPool;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.LocalKv;
import io.rutile.storage.engine.RocksEngine;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RawTtlSweeperTest {

    @TempDir
    Path directory;

    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final ManualClock clock = new ManualClock();
    private final RawFormat format = new RawFormat(ApiVersion.V1TTL, clock);

    @SuppressWarnings("NullAway.Init")
    private LocalKv kv;

    @SuppressWarnings("NullAway.Init")
    private ReadPool reads;

    @SuppressWarnings("NullAway.Init")
    private CommandScheduler scheduler;

    @SuppressWarnings("NullAway.Init")
    private RawTtlSweeper sweeper;

    @BeforeEach
    void open() {
        kv = LocalKv.open(directory);
        reads = new ReadPool(kv, 2, 100, metrics);
        scheduler = new CommandScheduler(kv, new Latches(64, 100), reads, 100 << 20, metrics);
        sweeper = new RawTtlSweeper(reads, scheduler, format, Duration.ofMinutes(1), 10_000_000, metrics);
    }

    @AfterEach
    void close() {
        sweeper.close();
        reads.close();
        kv.close();
    }

    @Test
    void deletesWhatHasExpiredAndNothingElse() throws Exception {
        RawWrites writes = new RawWrites(scheduler, format);
        for (int i = 0; i < 3000; i++) {
            String cf = i % 3 == 0 ? "" : i % 3 == 1 ? "lock" : "write";
            await(writes.put(ctx(), cf, key("k" + i), bytes("v"), i % 2 == 0 ? 10 : 0));
        }
        await(writes.put(ctx(), "", key("long"), bytes("v"), 11));
        clock.advance(Duration.ofSeconds(10));

        assertThat(sweeper.sweep(request())).isEqualTo(1500);

        assertThat(storedKeys()).hasSize(1501).contains("long", "k1").doesNotContain("k0", "k2");
        assertThat(sweeper.sweep(request())).isZero();
        assertThat(metrics.counter("kv.raw.ttl.removed").count()).isEqualTo(1500);
    }

    @Test
    void p1APairThatIsWrittenAnewMeanwhileStays() throws Exception {
        RawWrites writes = new RawWrites(scheduler, format);
        await(writes.put(ctx(), "", key("k"), bytes("old"), 10));
        clock.advance(Duration.ofSeconds(10));
        // The new value is on its way while the sweeper looks, and applied before it may decide.
        CompletableFuture<Void> gate = kv.holdWrites();
        CompletableFuture<Void> put = writes.put(ctx(), "", key("k"), bytes("new"), 0);
        CompletableFuture<Long> sweep = CompletableFuture.supplyAsync(() -> {
            try {
                return sweeper.sweep(request());
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        await().until(() -> metrics.get("kv.command.latch.waiters").gauge().value() == 1);

        gate.complete(null);

        await(put);
        assertThat(await(sweep)).isZero();
        assertThat(storedKeys()).containsExactly("k");
    }

    @Test
    void itsDeletesMustNotBeReplayedAndCarryTheTermTheyWereDecidedIn() throws Exception {
        await(new RawWrites(scheduler, format).put(ctx(), "", key("k"), bytes("v"), 10));
        clock.advance(Duration.ofSeconds(10));

        sweeper.sweep(request());

        LocalKv.Written delete = kv.writes().get(kv.writes().size() - 1);
        assertThat(delete.ctx().replayable()).isFalse();
        assertThat(delete.ctx().decidedInTerm()).isEqualTo(5);
    }

    @Test
    void aRegionThatRefusesIsLeftForTheNextPass() throws Exception {
        await(new RawWrites(scheduler, format).put(ctx(), "", key("k"), bytes("v"), 10));
        clock.advance(Duration.ofSeconds(10));
        kv.failNextWrite(RegionErrors.notLeader(LocalKv.REGION_ID, null));
        RawTtlSweeper often = new RawTtlSweeper(reads, scheduler, format, Duration.ofMillis(1), 10_000_000, metrics);

        often.start(() -> List.of(request()));

        await().until(() -> storedKeys().isEmpty());
        assertThat(metrics.counter("kv.raw.ttl.regions.skipped").count()).isEqualTo(1);
        often.close();
    }

    @Test
    void givesTheSpaceOnDiskBack() throws Exception {
        RocksEngine engine = kv.engine();
        RawWrites writes = new RawWrites(scheduler, format);
        Random random = new Random(1);
        int pairs = 20_000;
        for (int from = 0; from < pairs; from += 500) {
            List<RawPair> batch = new ArrayList<>();
            for (int i = from; i < from + 500; i++) {
                byte[] value = new byte[1000];
                random.nextBytes(value);
                batch.add(new RawPair(key("k%08d".formatted(i)), value));
            }
            await(writes.batchPut(ctx(), "", batch, List.of(10L)));
        }
        engine.flush();
        long before = engine.stats().tableBytes();
        assertThat(before).isGreaterThan(15_000_000);
        clock.advance(Duration.ofSeconds(10));

        assertThat(sweeper.sweep(request())).isEqualTo(pairs);
        engine.flush();

        // No compaction is asked for here: the tables full of deletes ask for it themselves.
        await().atMost(Duration.ofSeconds(20)).until(() -> engine.stats().tableBytes() < before / 10);
    }

    @Test
    void aStoreSweepsByItselfOnceStarted() {
        try (StoreFixture store = new StoreFixture(
                LocalKv.open(directory.resolve("store")),
                StorageOptions.builder(ApiVersion.V1TTL)
                        .ttlSweepInterval(Duration.ofMillis(5))
                        .build())) {
            store.put("k", "v", 10);
            store.clock.advance(Duration.ofSeconds(10));

            store.storage.startTtlSweeper(() -> List.of(request()));

            await().until(() -> store.kv.engine().get(Cf.RAW, bytes("k")) == null);
        }
    }

    private List<String> storedKeys() {
        List<String> keys = new ArrayList<>();
        for (Cf cf : List.of(Cf.RAW, Cf.RAW_LOCK, Cf.RAW_WRITE)) {
            try (var cursor = kv.engine().cursor(cf, KeyRange.ALL)) {
                for (cursor.seekToFirst(); cursor.isValid(); cursor.next()) {
                    keys.add(StoreFixture.text(cursor.key()));
                }
            }
        }
        return keys;
    }
}
