package io.rutile.storage.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.RegionException;
import io.rutile.storage.command.Latches.Held;
import io.rutile.storage.engine.Cf;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class LatchesTest {

    private final Latches latches = new Latches(1024, 1_000_000);

    @Test
    void sharedHoldersAreAmongThemselves() {
        Held first = latches.acquire(shared("k")).join();
        Held second = latches.acquire(shared("k")).join();
        CompletableFuture<Held> alone = latches.acquire(exclusive("k"));

        first.release();
        assertThat(alone).isNotDone();
        second.release();

        assertThat(alone).isDone();
    }

    @Test
    void p1AnExclusiveHolderIsAlone() {
        Held alone = latches.acquire(exclusive("k")).join();
        CompletableFuture<Held> shared = latches.acquire(shared("k"));
        CompletableFuture<Held> exclusive = latches.acquire(exclusive("k"));
        assertThat(latches.acquire(exclusive("another key"))).isDone();

        alone.release();
        assertThat(shared).isDone();
        assertThat(exclusive).isNotDone();
        shared.join().release();

        assertThat(exclusive).isDone();
    }

    @Test
    void aSlotServesInTheOrderOfArrival() {
        Held first = latches.acquire(shared("k")).join();
        CompletableFuture<Held> alone = latches.acquire(exclusive("k"));
        CompletableFuture<Held> behind = latches.acquire(shared("k"));
        assertThat(behind).as("nobody overtakes who waits").isNotDone();

        first.release();
        assertThat(alone).isDone();
        assertThat(behind).isNotDone();

        alone.join().release();
        assertThat(behind).isDone();
    }

    @Test
    void sharedWaitersGoInTogether() {
        Held alone = latches.acquire(exclusive("k")).join();
        CompletableFuture<Held> one = latches.acquire(shared("k"));
        CompletableFuture<Held> two = latches.acquire(shared("k"));
        CompletableFuture<Held> next = latches.acquire(exclusive("k"));

        alone.release();

        assertThat(one).isDone();
        assertThat(two).isDone();
        assertThat(next).isNotDone();
    }

    @Test
    void releasingTwiceReleasesOnce() {
        Held first = latches.acquire(shared("k")).join();
        latches.acquire(shared("k")).join();
        CompletableFuture<Held> alone = latches.acquire(exclusive("k"));

        first.release();
        first.release();

        assertThat(alone).isNotDone();
    }

    @Test
    void aKeyWantedTwiceIsTakenOnceInTheStrongerMode() {
        LatchSet twice = LatchSet.builder()
                .shared(Cf.RAW, key("k"))
                .exclusive(Cf.RAW, key("k"))
                .shared(Cf.RAW, key("k"))
                .build();

        Held held = latches.acquire(twice).join();
        CompletableFuture<Held> other = latches.acquire(shared("k"));
        assertThat(other).isNotDone();
        held.release();

        assertThat(other).isDone();
    }

    @Test
    void aRangeKeepsDecidersOutAndBlindWritersIn() {
        Held range =
                latches.acquire(LatchSet.builder().exclusiveRange(7).build()).join();

        CompletableFuture<Held> decider = latches.acquire(
                LatchSet.builder().exclusive(Cf.RAW, key("k")).sharedRange(7).build());
        assertThat(decider).isNotDone();
        assertThat(latches.acquire(LatchSet.builder()
                        .exclusive(Cf.RAW, key("m"))
                        .sharedRange(8)
                        .build()))
                .isDone();

        range.release();
        assertThat(decider).isDone();
    }

    @Test
    void r10WaitersAreBounded() {
        Latches two = new Latches(1024, 2);
        Held first = two.acquire(exclusive("k")).join();
        CompletableFuture<Held> second = two.acquire(exclusive("k"));
        CompletableFuture<Held> third = two.acquire(exclusive("k"));
        // Refused half-way: what it held already must be given back.
        CompletableFuture<Held> refused = two.acquire(LatchSet.builder()
                .exclusive(Cf.RAW, key("k"))
                .exclusive(Cf.RAW, key("a"))
                .exclusive(Cf.RAW, key("z"))
                .build());

        assertThatThrownBy(refused::join)
                .cause()
                .isInstanceOfSatisfying(
                        RegionException.class,
                        e -> assertThat(e.error().getServerIsBusy().getReason()).isEqualTo("scheduler is busy"));
        assertThat(two.waiting()).isEqualTo(2);
        assertThat(two.acquire(exclusive("a"))).isDone();
        assertThat(two.acquire(exclusive("z"))).isDone();

        first.release();
        second.join().release();
        third.join().release();
        assertThat(two.waiting()).isZero();
        assertThat(two.acquire(exclusive("k"))).isDone();
    }

    @Test
    void aLongQueueThatReleasesAtOnceNeedsNoDeepStack() {
        Held first = latches.acquire(exclusive("k")).join();
        AtomicInteger turns = new AtomicInteger();
        List<CompletableFuture<Void>> waiting = new ArrayList<>();
        for (int i = 0; i < 200_000; i++) {
            waiting.add(latches.acquire(exclusive("k")).thenAccept(held -> {
                turns.incrementAndGet();
                held.release();
            }));
        }

        first.release();

        assertThat(waiting).allMatch(CompletableFuture::isDone);

        assertThat(turns).hasValue(200_000);
    }

    /** Many commands on few slots: nobody waits for ever (no dead lock), and exclusive holders are alone. */
    @Test
    void p1StressedLatchesNeitherLockUpNorLetTwoIn() throws Exception {
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("LatchesTest -Dseed=" + seed);
        int keys = 12;
        Latches few = new Latches(8, 1_000_000);
        AtomicInteger[] alone = counters(keys);
        AtomicInteger[] together = counters(keys);
        AtomicInteger violations = new AtomicInteger();
        ExecutorService threads = Executors.newFixedThreadPool(4);
        List<CompletableFuture<?>> commands = Collections.synchronizedList(new ArrayList<>());
        for (int t = 0; t < 4; t++) {
            Random random = new Random(seed + t);
            threads.execute(() -> {
                for (int i = 0; i < 5000; i++) {
                    commands.add(hold(few, random, keys, alone, together, violations, threads));
                }
            });
        }
        await().until(() -> commands.size() == 20_000);
        CompletableFuture.allOf(commands.toArray(CompletableFuture[]::new)).get(30, TimeUnit.SECONDS);
        threads.shutdown();

        assertThat(violations).hasValue(0);
        assertThat(few.waiting()).isZero();
    }

    private static CompletableFuture<?> hold(
            Latches latches,
            Random random,
            int keys,
            AtomicInteger[] alone,
            AtomicInteger[] together,
            AtomicInteger violations,
            ExecutorService threads) {
        LatchSet.Builder wanted = LatchSet.builder();
        List<Integer> exclusive = new ArrayList<>();
        List<Integer> shared = new ArrayList<>();
        for (int k = 0; k < keys; k++) {
            int dice = random.nextInt(8);
            if (dice == 0) {
                wanted.exclusive(Cf.RAW, key("k" + k));
                exclusive.add(k);
            } else if (dice == 1) {
                wanted.shared(Cf.RAW, key("k" + k));
                shared.add(k);
            }
        }
        boolean later = random.nextBoolean();
        return latches.acquire(wanted.build()).thenCompose(held -> {
            exclusive.forEach(k -> {
                if (alone[k].incrementAndGet() != 1 || together[k].get() != 0) {
                    violations.incrementAndGet();
                }
            });
            shared.forEach(k -> {
                together[k].incrementAndGet();
                if (alone[k].get() != 0) {
                    violations.incrementAndGet();
                }
            });
            Runnable release = () -> {
                exclusive.forEach(k -> alone[k].decrementAndGet());
                shared.forEach(k -> together[k].decrementAndGet());
                held.release();
            };
            return later
                    ? CompletableFuture.runAsync(release, threads)
                    : CompletableFuture.runAsync(release, Runnable::run);
        });
    }

    private static AtomicInteger[] counters(int n) {
        AtomicInteger[] counters = new AtomicInteger[n];
        for (int i = 0; i < n; i++) {
            counters[i] = new AtomicInteger();
        }
        return counters;
    }

    private static LatchSet shared(String key) {
        return LatchSet.builder().shared(Cf.RAW, key(key)).build();
    }

    private static LatchSet exclusive(String key) {
        return LatchSet.builder().exclusive(Cf.RAW, key(key)).build();
    }

    private static ByteKey key(String text) {
        return ByteKey.wrap(text.getBytes(StandardCharsets.UTF_8));
    }
}
