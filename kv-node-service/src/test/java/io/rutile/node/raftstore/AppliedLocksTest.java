package io.rutile.node.raftstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.EngineSnapshot;
import io.rutile.storage.engine.RocksEngine;
import io.rutile.storage.engine.RocksOptions;
import io.rutile.storage.engine.WriteBatch;
import io.rutile.storage.mvcc.Lock;
import io.rutile.storage.mvcc.LockKind;
import io.rutile.storage.mvcc.Ts;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** P8: what holds a Region's resolved timestamp back, while its locks come and go. */
class AppliedLocksTest {

    private static final List<AppliedLocks.Change> NOTHING = List.of();

    @TempDir
    Path dir;

    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final AtomicLong nanos = new AtomicLong();
    private final AppliedLocks locks = new AppliedLocks(new LockBudget(1_000, metrics), nanos::get);
    private RocksEngine engine;

    @BeforeEach
    void open() {
        engine = RocksEngine.open(dir.resolve("db"), RocksOptions.withMemory(16 << 20));
    }

    @AfterEach
    void close() {
        engine.close();
    }

    private static ByteKey key(String text) {
        return ByteKey.wrap(text.getBytes(StandardCharsets.UTF_8));
    }

    private static byte[] lock(LockKind kind, long startTs) {
        return Lock.builder(kind, key("p"), startTs).ttlMs(1).build().encode();
    }

    private static AppliedLocks.Change put(String key, LockKind kind, long startTs) {
        return AppliedLocks.Change.put(ByteBuffer.wrap(key(key).bytes()), ByteBuffer.wrap(lock(kind, startTs)));
    }

    private static AppliedLocks.Change put(String key, long startTs) {
        return put(key, LockKind.PUT, startTs);
    }

    private static AppliedLocks.Change delete(String key) {
        return AppliedLocks.Change.delete(ByteBuffer.wrap(key(key).bytes()));
    }

    private void stored(String key, LockKind kind, long startTs) {
        engine.write(new WriteBatch().put(Cf.LOCK, key(key), lock(kind, startTs)), false);
    }

    private void follow() {
        locks.follow(() -> KeyRange.ALL, engine::snapshot);
    }

    /** One batch from beginning to end. */
    private void apply(long index, AppliedLocks.Change... changes) {
        boolean wanted = locks.open();
        List<AppliedLocks.Change> noted = wanted ? List.of(changes) : NOTHING;
        locks.announce(index, noted, false);
        locks.settle(noted);
        locks.close();
    }

    private long oldest() {
        return Objects.requireNonNull(locks.look()).startTs();
    }

    @Test
    void findsWhatIsThereAndFollowsWhatIsApplied() {
        stored("a", LockKind.PUT, 30);
        stored("b", LockKind.DELETE, 20);
        stored("c", LockKind.PESSIMISTIC, 5);
        stored("d", LockKind.LOCK, 6);
        assertThat(locks.look()).isNull();

        follow();
        assertThat(oldest()).isEqualTo(20);
        apply(7, put("e", 10));
        assertThat(locks.look()).isEqualTo(new AppliedLocks.Oldest(10, 7));
        apply(8, delete("e"), delete("b"), delete("never"));
        assertThat(locks.look()).isEqualTo(new AppliedLocks.Oldest(30, 8));
        apply(9, put("a", LockKind.PESSIMISTIC, 30));
        assertThat(locks.look()).isEqualTo(new AppliedLocks.Oldest(Ts.MAX, 9));
    }

    /** Whoever sees a lock may go on to fetch its commit timestamp, so it counts before it can be seen; gone is what can't be seen. */
    @Test
    void p8_aLockCountsFromBeforeItIsWrittenUntilAfterItIsGone() {
        follow();
        apply(6, put("a", 10));

        locks.open();
        locks.announce(7, List.of(put("b", 5)), false);
        assertThat(oldest()).isEqualTo(5);
        locks.settle(List.of(put("b", 5)));
        locks.close();
        locks.open();
        locks.announce(8, List.of(delete("b"), delete("a")), false);
        assertThat(locks.look()).isEqualTo(new AppliedLocks.Oldest(5, 8));
        locks.settle(List.of(delete("b"), delete("a")));
        assertThat(locks.look()).isEqualTo(new AppliedLocks.Oldest(Ts.MAX, 8));
        locks.close();
    }

    /** A batch that nobody noted may be in the engine in part by what a snapshot shows; it is waited for. */
    @Test
    void p8_aBatchThatBeganUnnoticedIsOverBeforeTheScan() {
        assertThat(locks.open()).isFalse();
        follow();
        assertThat(locks.look()).isNull();
        locks.announce(6, NOTHING, false);
        stored("a", LockKind.PUT, 10);
        follow();
        assertThat(locks.look()).isNull();
        locks.settle(NOTHING);
        locks.close();

        follow();
        assertThat(oldest()).isEqualTo(10);
    }

    /** What is applied while the scan goes on counts more than what the scan finds. */
    @Test
    void p8_whatIsAppliedMeanwhileOutweighsTheScan() {
        stored("a", LockKind.PUT, 10);
        stored("b", LockKind.PUT, 20);
        locks.follow(() -> KeyRange.ALL, () -> {
            EngineSnapshot before = engine.snapshot();
            apply(7, delete("a"), put("b", 15), put("c", 12), delete("c"));
            assertThat(locks.look()).isNull();
            return before;
        });

        assertThat(locks.look()).isEqualTo(new AppliedLocks.Oldest(15, 7));
        apply(8, delete("b"));
        assertThat(oldest()).isEqualTo(Ts.MAX);
    }

    @Test
    void p8_anotherRangeOrImageMakesItBeginAnew() {
        follow();
        apply(6, put("a", 10));
        locks.open();
        locks.announce(7, NOTHING, true);
        assertThat(locks.look()).isNull();
        follow();
        assertThat(locks.look()).as("the batch may not be written yet").isNull();
        locks.settle(NOTHING);
        locks.close();
        stored("b", LockKind.PUT, 8);
        follow();
        assertThat(oldest()).isEqualTo(8);

        locks.replaced(20);
        assertThat(locks.look()).isNull();
        locks.follow(
                () -> {
                    locks.replaced(21);
                    return KeyRange.ALL;
                },
                engine::snapshot);
        assertThat(locks.look()).as("overtaken while it was under way").isNull();
        follow();
        assertThat(locks.look()).isEqualTo(new AppliedLocks.Oldest(8, 21));
    }

    @Test
    void r10_tooManyLocksAreGivenUpAndLookedForAgain() {
        follow();
        for (int i = 0; i < 20; i++) {
            apply(6 + i, put("k" + i, 10 + i));
        }
        assertThat(locks.look()).isNull();
        assertThat(metrics.get("kv.resolved.locks.refusals").counter().count()).isPositive();
        assertThat(metrics.get("kv.resolved.locks").gauge().value()).isZero();

        follow();
        assertThat(locks.look()).isNull();
        nanos.addAndGet(Duration.ofSeconds(31).toNanos());
        follow();
        assertThat(oldest()).isEqualTo(Ts.MAX);
    }

    /** UnsafeDestroyRange goes past the log. */
    @Test
    void aLockThatHoldsBackForLongIsLookedUpAgain() {
        stored("a", LockKind.PUT, 10);
        follow();
        follow();
        engine.write(new WriteBatch().delete(Cf.LOCK, key("a")), false);
        nanos.addAndGet(Duration.ofSeconds(20).toNanos());
        follow();
        assertThat(oldest()).isEqualTo(10);
        nanos.addAndGet(Duration.ofSeconds(11).toNanos());
        follow();
        assertThat(oldest()).isEqualTo(Ts.MAX);
    }

    @Test
    void whoDoesNotLeadKeepsNothing() {
        follow();
        apply(6, put("a", 10));
        assertThat(metrics.get("kv.resolved.locks").gauge().value()).isPositive();

        locks.rest();
        apply(7, put("b", 11));
        assertThat(locks.look()).isNull();
        assertThat(metrics.get("kv.resolved.locks").gauge().value()).isZero();
    }

    /** The oldest that is shown is never younger than the oldest at the index that is shown with it. */
    @Test
    void p8_itNeverShowsMoreThanWhatIsAppliedAtItsIndex() throws Exception {
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("AppliedLocksTest seed=" + seed);
        int batches = 3_000;
        AppliedLocks all = new AppliedLocks(new LockBudget(1 << 20, metrics), System::nanoTime);
        AtomicLongArray oldestAt = new AtomicLongArray(batches + 1);
        oldestAt.set(0, Ts.MAX);
        AtomicBoolean over = new AtomicBoolean();
        Thread applying = new Thread(() -> {
            Random random = new Random(seed);
            TreeMap<String, Long> state = new TreeMap<>();
            for (int index = 1; index <= batches; index++) {
                boolean wanted = all.open();
                List<AppliedLocks.Change> changes = new ArrayList<>();
                WriteBatch batch = new WriteBatch();
                for (int i = random.nextInt(4); i >= 0; i--) {
                    String key = "k" + random.nextInt(8);
                    if (random.nextInt(3) > 0) {
                        long startTs = index * 10L - random.nextInt(200) + 200;
                        batch.put(Cf.LOCK, key(key), lock(LockKind.PUT, startTs));
                        changes.add(put(key, startTs));
                        state.put(key, startTs);
                    } else {
                        batch.delete(Cf.LOCK, key(key));
                        changes.add(delete(key));
                        state.remove(key);
                    }
                }
                oldestAt.set(
                        index,
                        state.values().stream().min(Long::compareUnsigned).orElse(Ts.MAX));
                List<AppliedLocks.Change> noted = wanted ? changes : NOTHING;
                all.announce(index, noted, random.nextInt(200) == 0);
                engine.write(batch, false);
                all.settle(noted);
                all.close();
            }
            over.set(true);
        });
        applying.start();

        int looks = 0;
        while (!over.get()) {
            all.follow(() -> KeyRange.ALL, engine::snapshot);
            AppliedLocks.@Nullable Oldest seen = all.look();
            if (seen != null) {
                looks++;
                int index = (int) seen.index();
                assertThat(Ts.isAfter(seen.startTs(), oldestAt.get(index)))
                        .as("seed=%d index=%d shown=%d is=%d", seed, index, seen.startTs(), oldestAt.get(index))
                        .isFalse();
            }
        }
        applying.join();
        assertThat(looks).isPositive();
        await().until(() -> {
            all.follow(() -> KeyRange.ALL, engine::snapshot);
            return all.look() != null;
        });
        assertThat(Objects.requireNonNull(all.look()).startTs()).isEqualTo(oldestAt.get(batches));
    }
}
