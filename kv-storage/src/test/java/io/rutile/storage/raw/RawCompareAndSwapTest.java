package io.rutile.storage.raw;

import static io.rutile.storage.StoreFixture.await;
import static io.rutile.storage.StoreFixture.bytes;
import static io.rutile.storage.StoreFixture.ctx;
import static io.rutile.storage.StoreFixture.key;
import static io.rutile.storage.StoreFixture.range;
import static io.rutile.storage.StoreFixture.regionError;
import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.protocol.KeyRange;
import io.rutile.protocol.RegionErrors;
import io.rutile.storage.Storage;
import io.rutile.storage.StorageOptions;
import io.rutile.storage.StoreFixture;
import io.rutile.storage.command.ApiVersion;
import io.rutile.storage.engine.LocalKv;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RawCompareAndSwapTest {

    private static final int CLIENTS = 6;
    private static final int OPERATIONS_EACH = 400;
    private static final List<String> KEYS = List.of("a", "b");

    @TempDir
    Path directory;

    /**
     * Swaps, puts, deletes, range deletes and reads of the same two keys at once, over a replicator that takes its time. None of the
     * others says that there are swaps about.
     */
    @Test
    void p1SwapsAreLinearizableWhateverOthersDo() throws Exception {
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("RawCompareAndSwapTest -Dseed=" + seed);
        ExecutorService apply = Executors.newSingleThreadExecutor();
        ExecutorService clients = Executors.newFixedThreadPool(CLIENTS);
        Random jitter = new Random(seed);
        LocalKv kv = LocalKv.open(
                directory,
                KeyRange.ALL,
                task -> apply.execute(() -> {
                    LockSupport.parkNanos(jitter.nextInt(100_000));
                    task.run();
                }));
        List<RegisterHistory> histories = List.of(new RegisterHistory(), new RegisterHistory());
        AtomicInteger swapped = new AtomicInteger();
        try (StoreFixture store = new StoreFixture(kv, StorageOptions.of(ApiVersion.V1))) {
            List<Future<?>> running = new ArrayList<>();
            for (int c = 0; c < CLIENTS; c++) {
                int client = c;
                running.add(clients.submit(() -> {
                    Random random = new Random(seed + 1 + client);
                    for (int i = 0; i < OPERATIONS_EACH; i++) {
                        int k = random.nextInt(KEYS.size());
                        operate(store.storage, random, KEYS.get(k), histories.get(k), client + "-" + i, swapped);
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

        assertThat(swapped.get()).as("swaps that succeeded").isGreaterThan(20);
        assertThat(histories).allMatch(RegisterHistory::isLinearizable);
        assertThat(histories.stream().mapToInt(RegisterHistory::size).sum()).isEqualTo(CLIENTS * OPERATIONS_EACH);
    }

    private static void operate(
            Storage storage, Random random, String key, RegisterHistory history, String value, AtomicInteger swapped) {
        long called = history.call();
        switch (random.nextInt(10)) {
            case 0, 1, 2 -> history.read(called, read(storage, key));
            case 3, 4 -> {
                await(storage.rawPut(ctx(), "", key(key), bytes(value), 0));
                history.write(called, Optional.of(value));
            }
            case 5 -> {
                await(storage.rawDelete(ctx(), "", key(key)));
                history.write(called, Optional.empty());
            }
            case 6 -> {
                await(storage.rawDeleteRange(ctx(), "", range(key, key + "~")));
                history.write(called, Optional.empty());
            }
            default -> {
                Optional<String> expected = read(storage, key);
                RawCasResult result = await(storage.rawCompareAndSwap(
                        ctx(),
                        "",
                        new RawCasRequest(
                                key(key), expected.map(StoreFixture::bytes).orElse(null), bytes(value), 0)));
                swapped.addAndGet(result.succeeded() ? 1 : 0);
                history.swap(
                        called,
                        result.succeeded(),
                        Optional.ofNullable(result.previous()).map(StoreFixture::text),
                        Optional.of(value));
            }
        }
    }

    private static Optional<String> read(Storage storage, String key) {
        return await(storage.rawGet(ctx(), "", key(key))).map(StoreFixture::text);
    }

    @Test
    void r7ASwapDecidedUnderAnEarlierLeaderIsNotWritten() {
        try (StoreFixture store = StoreFixture.of(ApiVersion.V1, directory)) {
            store.put("k", "v");
            CompletableFuture<Void> gate = store.kv.holdWrites();
            CompletableFuture<RawCasResult> swap = swap(store, "v", "w");
            Awaitility.await().until(() -> store.kv.writes().size() == 2);

            store.kv.newTerm();
            gate.complete(null);

            assertThat(regionError(swap).hasStaleCommand()).isTrue();
            assertThat(store.get("k")).isEqualTo("v");
        }
    }

    @Test
    void aSwapsWriteMustNotBeReplayedAndAPutsMay() {
        try (StoreFixture store = StoreFixture.of(ApiVersion.V1, directory)) {
            store.put("k", "v");
            await(swap(store, "v", "w"));

            assertThat(store.kv.writes().get(0).ctx().replayable()).isTrue();
            assertThat(store.kv.writes().get(0).ctx().decidedInTerm()).isZero();
            assertThat(store.kv.writes().get(1).ctx().replayable()).isFalse();
            assertThat(store.kv.writes().get(1).ctx().decidedInTerm()).isEqualTo(5);
        }
    }

    @Test
    void p1ASwapWaitsForAPutThatIsOnItsWay() {
        try (StoreFixture store = StoreFixture.of(ApiVersion.V1, directory)) {
            CompletableFuture<Void> gate = store.kv.holdWrites();
            CompletableFuture<Void> put = store.storage.rawPut(ctx(), "", key("k"), bytes("v"), 0);
            CompletableFuture<Void> another = store.storage.rawPut(ctx(), "", key("k"), bytes("v2"), 0);
            assertThat(store.kv.writes()).as("puts don't wait for each other").hasSize(2);
            CompletableFuture<RawCasResult> swap = swap(store, "v2", "w");
            assertThat(waiters(store)).isEqualTo(1);

            gate.complete(null);

            await(put);
            await(another);
            assertThat(await(swap).succeeded()).isTrue();
            assertThat(store.get("k")).isEqualTo("w");
        }
    }

    @Test
    void aFailedWriteLetsTheNextOneIn() {
        try (StoreFixture store = StoreFixture.of(ApiVersion.V1, directory)) {
            store.put("k", "v");
            store.kv.failNextWrite(RegionErrors.notLeader(LocalKv.REGION_ID, null));

            assertThat(regionError(swap(store, "v", "w")).hasNotLeader()).isTrue();

            assertThat(await(swap(store, "v", "w")).succeeded()).isTrue();
            assertThat(pendingBytes(store)).isZero();
        }
    }

    @Test
    void r10PendingWritesAreBounded() {
        StorageOptions small =
                StorageOptions.builder(ApiVersion.V1).pendingWriteBytesMax(1000).build();
        try (StoreFixture store = new StoreFixture(LocalKv.open(directory), small)) {
            CompletableFuture<Void> gate = store.kv.holdWrites();
            // One always fits, however large.
            CompletableFuture<Void> first = store.storage.rawPut(ctx(), "", key("k"), new byte[5000], 0);

            var busy = regionError(store.storage.rawPut(ctx(), "", key("m"), bytes("v"), 0));
            assertThat(busy.getServerIsBusy().getReason()).isEqualTo("scheduler is busy");
            assertThat(store.metrics.counter("kv.command.writes.refused").count())
                    .isEqualTo(1);

            gate.complete(null);
            await(first);
            assertThat(pendingBytes(store)).isZero();
            store.put("m", "v");
        }
    }

    @Test
    void r10WaitersForALatchAreBounded() {
        StorageOptions small =
                StorageOptions.builder(ApiVersion.V1).latchWaitersMax(1).build();
        try (StoreFixture store = new StoreFixture(LocalKv.open(directory), small)) {
            CompletableFuture<Void> gate = store.kv.holdWrites();
            CompletableFuture<Void> put = store.storage.rawPut(ctx(), "", key("k"), bytes("v"), 0);
            CompletableFuture<RawCasResult> waits = swap(store, "v", "w");

            assertThat(regionError(swap(store, "v", "x")).getServerIsBusy().getReason())
                    .isEqualTo("scheduler is busy");

            gate.complete(null);
            await(put);
            assertThat(await(waits).succeeded()).isTrue();
        }
    }

    private static CompletableFuture<RawCasResult> swap(StoreFixture store, String previous, String value) {
        return store.storage.rawCompareAndSwap(
                ctx(), "", new RawCasRequest(key("k"), bytes(previous), bytes(value), 0));
    }

    private static double waiters(StoreFixture store) {
        return store.metrics.get("kv.command.latch.waiters").gauge().value();
    }

    private static double pendingBytes(StoreFixture store) {
        return store.metrics.get("kv.command.writes.pending").gauge().value();
    }
}
