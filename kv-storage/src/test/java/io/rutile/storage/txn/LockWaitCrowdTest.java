package io.rutile.storage.txn;

import static io.rutile.storage.StoreFixture.await;
import static io.rutile.storage.txn.TxnWords.utf8;
import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.protocol.RegionException;
import io.rutile.protocol.kvrpcpb.GetLockWaitInfoRequest;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.PessimisticLockRequest;
import io.rutile.protocol.kvrpcpb.PessimisticLockResponse;
import io.rutile.protocol.kvrpcpb.PessimisticLockWakeUpMode;
import io.rutile.protocol.kvrpcpb.PessimisticRollbackRequest;
import io.rutile.storage.ManualClock;
import io.rutile.storage.Storage;
import io.rutile.storage.StorageOptions;
import io.rutile.storage.command.ApiVersion;
import io.rutile.storage.command.ConcurrencyManager;
import io.rutile.storage.command.DeadlockDetector;
import io.rutile.storage.engine.LocalKv;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** R10: ten thousand transactions that want one key. Whoever cannot wait is told at once, whoever waits is answered, nothing stays. */
class LockWaitCrowdTest {

    private static final int CROWD = 10_000;
    private static final int WAITERS_MAX = 4_000;
    private static final long HOLDER = 5;

    /** One transaction in so many waits for the lock itself, the others for news of it. */
    private static final int FORCE_EVERY = 40;

    private enum Fate {
        GRANTED,
        TOLD_TO_RETRY,
        TIMED_OUT,
        SERVER_IS_BUSY
    }

    @TempDir
    Path directory;

    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final DeadlockDetector deadlocks = new DeadlockDetector(Duration.ofMinutes(1), WAITERS_MAX);
    private final BlockingQueue<Long> granted = new ArrayBlockingQueue<>(CROWD);

    @SuppressWarnings("NullAway.Init") // opened before each test
    private LocalKv kv;

    @SuppressWarnings("NullAway.Init")
    private Storage storage;

    @BeforeEach
    void open() {
        kv = LocalKv.open(directory);
        storage = new Storage(
                kv,
                ConcurrencyManager.unlimited(),
                deadlocks,
                StorageOptions.builder(ApiVersion.V1)
                        .lockWaitersMax(WAITERS_MAX)
                        .lockWaitDefault(Duration.ofSeconds(30))
                        .build(),
                new ManualClock(),
                meters);
    }

    @AfterEach
    void close() {
        storage.close();
        kv.close();
    }

    private static long startTs(int i) {
        return 100 + i;
    }

    private CompletableFuture<PessimisticLockResponse> lock(long startTs, boolean force, long waitMs) {
        PessimisticLockRequest.Builder request = PessimisticLockRequest.newBuilder()
                .setContext(TxnFixture.context())
                .addMutations(TxnWords.mutation(io.rutile.protocol.kvrpcpb.Op.PessimisticLock, "k"))
                .setPrimaryLock(utf8("k"))
                .setStartVersion(startTs)
                .setForUpdateTs(startTs)
                .setLockTtl(60_000)
                .setWaitTimeout(waitMs);
        if (force) {
            request.setWakeUpMode(PessimisticLockWakeUpMode.WakeUpModeForceLock);
        }
        return storage.kvPessimisticLock(TxnFixture.ctx(), request.build());
    }

    private void release(long startTs) {
        await(storage.kvPessimisticRollback(
                TxnFixture.ctx(),
                PessimisticRollbackRequest.newBuilder()
                        .setContext(TxnFixture.context())
                        .addKeys(utf8("k"))
                        .setStartVersion(startTs)
                        .setForUpdateTs(startTs)
                        .build()));
    }

    private CompletableFuture<Fate> fate(long startTs, boolean force, long waitMs) {
        return lock(startTs, force, waitMs).handle((response, failure) -> {
            if (failure != null) {
                Throwable cause = failure.getCause() == null ? failure : failure.getCause();
                assertThat(cause).isInstanceOf(RegionException.class);
                assertThat(((RegionException) cause).error().hasServerIsBusy()).isTrue();
                return Fate.SERVER_IS_BUSY;
            }
            if (response.getErrorsCount() == 0) {
                granted.add(startTs);
                return Fate.GRANTED;
            }
            KeyError error = response.getErrors(0);
            assertThat(error.hasConflict() || error.hasLocked()).as("%s", error).isTrue();
            return error.hasConflict() ? Fate.TOLD_TO_RETRY : Fate.TIMED_OUT;
        });
    }

    /** Counts what became of each; all of them have been answered. */
    private static Map<Fate, Integer> counted(List<CompletableFuture<Fate>> crowd) {
        Map<Fate, Integer> counts = new EnumMap<>(Fate.class);
        crowd.forEach(one -> counts.merge(await(one), 1, Integer::sum));
        return counts;
    }

    private static int of(Map<Fate, Integer> counts, Fate fate) {
        return counts.getOrDefault(fate, 0);
    }

    private void assertNothingStays() {
        Awaitility.await()
                .untilAsserted(() -> assertThat(
                                meters.get("kv.command.lock.waits").gauge().value())
                        .isZero());
        assertThat(await(storage.getLockWaitInfo(
                                TxnFixture.ctx(),
                                GetLockWaitInfoRequest.newBuilder()
                                        .setContext(TxnFixture.context())
                                        .build()))
                        .getEntriesList())
                .isEmpty();
        assertThat(deadlocks.entries()).as("the wait-for graph").isEmpty();
        assertThat(storage.concurrency().lockCount()).as("locks in memory").isZero();
        assertThat(await(lock(99_999, false, -1)).getErrorsList())
                .as("the key is free")
                .isEmpty();
    }

    @Test
    void everybodyIsGrantedToldOrRefusedWhenTheHolderLetsGo() throws InterruptedException {
        assertThat(await(lock(HOLDER, false, -1)).getErrorsList()).isEmpty();
        List<CompletableFuture<Fate>> crowd = new ArrayList<>(CROWD);
        for (int i = 0; i < CROWD; i++) {
            crowd.add(fate(startTs(i), i % FORCE_EVERY == 0, 30_000));
        }
        Awaitility.await()
                .until(() -> meters.get("kv.command.lock.waits").gauge().value() == WAITERS_MAX
                        && crowd.stream().filter(CompletableFuture::isDone).count() == CROWD - WAITERS_MAX);

        release(HOLDER);
        while (crowd.stream().anyMatch(one -> !one.isDone())) {
            Long next = granted.poll(20, TimeUnit.MILLISECONDS);
            if (next != null) {
                release(next);
            }
        }

        Map<Fate, Integer> counts = counted(crowd);
        assertThat(of(counts, Fate.SERVER_IS_BUSY)).isEqualTo(CROWD - WAITERS_MAX);
        assertThat(counts).doesNotContainKey(Fate.TIMED_OUT);
        assertThat(of(counts, Fate.GRANTED)).isPositive();
        assertThat(of(counts, Fate.GRANTED) + of(counts, Fate.TOLD_TO_RETRY)).isEqualTo(WAITERS_MAX);
        for (Long next = granted.poll(); next != null; next = granted.poll()) {
            release(next);
        }
        assertNothingStays();
    }

    @Test
    void everybodyIsToldOrRefusedWhenTheHolderDoesNotLetGo() {
        assertThat(await(lock(HOLDER, false, -1)).getErrorsList()).isEmpty();
        List<CompletableFuture<Fate>> crowd = new ArrayList<>(CROWD);
        for (int i = 0; i < CROWD; i++) {
            crowd.add(fate(startTs(i), i % FORCE_EVERY == 0, 100));
        }

        Map<Fate, Integer> counts = counted(crowd);

        assertThat(counts.keySet())
                .as("a slow machine may see the first time out before the queue is full")
                .isSubsetOf(Fate.TIMED_OUT, Fate.SERVER_IS_BUSY);
        assertThat(of(counts, Fate.TIMED_OUT)).isPositive();
        Awaitility.await()
                .untilAsserted(() -> assertThat(meters.get("kv.command.lock.waits.timedout")
                                .counter()
                                .count())
                        .as("counted when all have been told")
                        .isEqualTo(of(counts, Fate.TIMED_OUT)));
        release(HOLDER);
        assertNothingStays();
    }

    @Test
    void aStoreThatClosesAnswersTheWholeCrowd() {
        assertThat(await(lock(HOLDER, false, -1)).getErrorsList()).isEmpty();
        List<CompletableFuture<Fate>> crowd = new ArrayList<>(WAITERS_MAX);
        for (int i = 0; i < WAITERS_MAX; i++) {
            crowd.add(fate(startTs(i), false, 30_000));
        }
        Awaitility.await()
                .until(() -> meters.get("kv.command.lock.waits").gauge().value() > 0);

        storage.close();

        assertThat(crowd).allSatisfy(one -> assertThat(await(one)).isNotEqualTo(Fate.GRANTED));
    }
}
