package io.rutile.storage.command;

import static io.rutile.storage.StoreFixture.await;
import static io.rutile.storage.StoreFixture.ctx;
import static io.rutile.storage.StoreFixture.regionError;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.RegionErrors;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.KvCursor;
import io.rutile.storage.engine.KvSnapshot;
import io.rutile.storage.engine.NotCachedException;
import io.rutile.storage.engine.ReplicatedKv;
import io.rutile.storage.engine.WriteBatch;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ReadPoolTest {

    private final SnapshotSource source = new SnapshotSource();
    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final ReadPool pool = new ReadPool(source, 1, 2, metrics);

    @AfterEach
    void everySnapshotIsClosed() {
        pool.close();
        assertThat(source.open).hasValue(0);
    }

    @Test
    void readsOnItsOwnThreads() {
        String thread =
                await(pool.read(ctx(), snapshot -> Thread.currentThread().getName()));

        assertThat(thread).startsWith("kv-read-");
    }

    @Test
    void readsOnItsOwnThreadsAlsoWhenTheSnapshotComesLater() {
        CompletableFuture<KvSnapshot> coming = source.answerLater();
        CompletableFuture<String> read =
                pool.read(ctx(), snapshot -> Thread.currentThread().getName());

        coming.complete(source.newSnapshot());

        assertThat(await(read)).startsWith("kv-read-");
    }

    @Test
    void timesSayWhatAReadWaitedFor() throws Exception {
        CountDownLatch release = new CountDownLatch(1);
        KvContext reading = ctx();
        KvContext queued = ctx();
        CompletableFuture<KvSnapshot> coming = source.answerLater();

        CompletableFuture<String> first = pool.read(reading, snapshot -> waitFor(release));
        // Waits for its snapshot, and not for the only thread.
        Awaitility.await().until(() -> source.answers.isEmpty());
        CountDownLatch running = new CountDownLatch(1);
        CompletableFuture<String> second = pool.read(ctx(), snapshot -> {
            running.countDown();
            return waitFor(release);
        });
        running.await();
        coming.complete(source.newSnapshot());
        CompletableFuture<String> third = pool.read(queued, snapshot -> "read");
        release.countDown();
        await(first);
        await(second);
        await(third);

        assertThat(reading.times().snapshotNanos()).isPositive();
        assertThat(reading.times().readNanos()).isPositive();
        assertThat(queued.times().queueNanos()).isPositive();
        assertThat(metrics.timer("kv.command.reads.wait").count()).isEqualTo(4);
    }

    @Test
    void fewKeysThatMemoryHasAreReadAtOnce() {
        CompletableFuture<String> read =
                pool.readFew(ctx(), snapshot -> Thread.currentThread().getName());

        assertThat(read).isCompletedWithValue(Thread.currentThread().getName());
        assertThat(metrics.counter("kv.command.reads.direct").count()).isEqualTo(1);
    }

    @Test
    void fewKeysThatMemoryDoesNotHaveAreReadByTheThreadsThatMayWait() {
        AtomicInteger tries = new AtomicInteger();
        CompletableFuture<String> read = pool.readFew(ctx(), snapshot -> {
            tries.incrementAndGet();
            snapshot.get(Cf.RAW, ByteKey.EMPTY);
            return Thread.currentThread().getName();
        });
        assertThat(await(read)).isEqualTo(Thread.currentThread().getName());
        source.onDisk = true;

        CompletableFuture<String> other = pool.readFew(ctx(), snapshot -> {
            tries.incrementAndGet();
            snapshot.get(Cf.RAW, ByteKey.EMPTY);
            return Thread.currentThread().getName();
        });

        assertThat(await(other)).startsWith("kv-read-");
        assertThat(tries).hasValue(3);
    }

    @Test
    void aReadOfFewKeysWaitsForItsSnapshotOnNoThread() {
        CompletableFuture<KvSnapshot> coming = source.answerLater();
        CompletableFuture<String> read =
                pool.readFew(ctx(), snapshot -> Thread.currentThread().getName());
        assertThat(read).isNotDone();

        coming.complete(source.newSnapshot());

        assertThat(await(read)).startsWith("kv-read-");
    }

    @Test
    void whileMostIsOnDiskFewReadsAreTriedInVain() {
        source.onDisk = true;
        AtomicInteger tries = new AtomicInteger();
        int reads = 1_000;
        for (int i = 0; i < reads; i++) {
            await(pool.readFew(ctx(), snapshot -> {
                tries.incrementAndGet();
                return snapshot.get(Cf.RAW, ByteKey.EMPTY) == null;
            }));
        }
        assertThat(tries.get() - reads).as("in vain").isPositive().isLessThan(reads / 4);

        source.onDisk = false;
        for (int i = 0; i < 2 * reads; i++) {
            await(pool.readFew(ctx(), snapshot -> snapshot.get(Cf.RAW, ByteKey.EMPTY) == null));
        }
        CompletableFuture<String> again =
                pool.readFew(ctx(), snapshot -> Thread.currentThread().getName());
        assertThat(await(again))
                .as("noticed again")
                .isEqualTo(Thread.currentThread().getName());
    }

    @Test
    void aReadOfFewKeysThatFailsFailsItsAnswer() {
        assertThatThrownBy(() -> await(pool.readFew(ctx(), snapshot -> {
                    throw new IllegalStateException("broken");
                })))
                .hasMessage("broken");
        assertThat(regionError(pool.readFew(ctx(Duration.ofNanos(1)), snapshot -> "late"))
                        .getMessage())
                .isEqualTo("Deadline is exceeded");
    }

    @Test
    void aRefusedSnapshotFailsTheRead() {
        source.answerLater().completeExceptionally(RegionErrors.notLeader(7, null));

        assertThat(regionError(pool.read(ctx(), snapshot -> "")).hasNotLeader()).isTrue();
    }

    @Test
    void aFailingReadFailsItsAnswerAndNoThread() {
        assertThatThrownBy(() -> await(pool.read(ctx(), snapshot -> {
                    throw new IllegalStateException("broken");
                })))
                .hasMessage("broken");

        String next = await(pool.read(ctx(), snapshot -> "next"));
        assertThat(next).isEqualTo("next");
    }

    @Test
    void r10AFullQueueIsServerIsBusy() throws Exception {
        CountDownLatch release = new CountDownLatch(1);
        CountDownLatch running = new CountDownLatch(1);
        CompletableFuture<String> first = pool.read(ctx(), snapshot -> {
            running.countDown();
            return waitFor(release);
        });
        running.await();
        CompletableFuture<String> queued = pool.read(ctx(), snapshot -> "queued");
        CompletableFuture<String> late = pool.read(ctx(Duration.ofNanos(1)), snapshot -> "read for nobody");

        assertThat(regionError(pool.read(ctx(), snapshot -> "refused"))
                        .getServerIsBusy()
                        .getReason())
                .isEqualTo("read pool is busy");
        assertThat(metrics.counter("kv.command.reads.refused").count()).isEqualTo(1);
        assertThat(metrics.get("kv.command.reads.queued").gauge().value()).isEqualTo(2);

        release.countDown();
        assertThat(await(first)).isEqualTo("released");
        assertThat(await(queued)).isEqualTo("queued");
        assertThat(regionError(late).getMessage()).isEqualTo("Deadline is exceeded");
    }

    @Test
    void aClosedPoolSaysSoAndClosesSnapshotsThatComeLate() {
        CompletableFuture<KvSnapshot> coming = source.answerLater();
        CompletableFuture<String> waiting = pool.read(ctx(), snapshot -> "");
        Awaitility.await().until(source.answers::isEmpty);

        pool.close();
        coming.complete(source.newSnapshot());

        assertThat(regionError(waiting).getMessage()).isEqualTo("the store is closing");
        assertThat(regionError(pool.read(ctx(), snapshot -> "")).getMessage()).isEqualTo("the store is closing");
    }

    private static String waitFor(CountDownLatch release) {
        try {
            release.await();
            return "released";
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Gives empty snapshots and counts those that are open. */
    private static final class SnapshotSource implements ReplicatedKv {
        private final AtomicInteger open = new AtomicInteger();
        private final Deque<CompletableFuture<KvSnapshot>> answers = new ArrayDeque<>();
        private volatile boolean onDisk;

        synchronized CompletableFuture<KvSnapshot> answerLater() {
            CompletableFuture<KvSnapshot> answer = new CompletableFuture<>();
            answers.add(answer);
            return answer;
        }

        @Override
        public synchronized CompletableFuture<KvSnapshot> snapshot(KvContext ctx) {
            CompletableFuture<KvSnapshot> answer = answers.poll();
            return answer != null ? answer : CompletableFuture.completedFuture(newSnapshot());
        }

        @Override
        public CompletableFuture<Void> write(KvContext ctx, WriteBatch batch) {
            throw new UnsupportedOperationException();
        }

        KvSnapshot newSnapshot() {
            open.incrementAndGet();
            return new KvSnapshot() {
                private boolean mayWait = true;

                @Override
                public void mayWaitForDisk(boolean may) {
                    mayWait = may;
                }

                @Override
                public long term() {
                    return 1;
                }

                @Override
                public boolean maxTsSynced() {
                    return true;
                }

                @Override
                public KeyRange range() {
                    return KeyRange.ALL;
                }

                @Override
                public byte @Nullable [] get(Cf cf, ByteKey key) {
                    if (onDisk && !mayWait) {
                        throw new NotCachedException();
                    }
                    return null;
                }

                @Override
                public KvCursor cursor(Cf cf, KeyRange bounds) {
                    throw new UnsupportedOperationException();
                }

                @Override
                public void close() {
                    open.decrementAndGet();
                }
            };
        }
    }
}
