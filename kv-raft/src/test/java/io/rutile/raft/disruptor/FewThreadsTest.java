package io.rutile.raft.disruptor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class FewThreadsTest {

    private static final int MAX = 4;

    private final ExecutorService pool = Executors.newFixedThreadPool(MAX);
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    private final CountDownLatch leave = new CountDownLatch(1);

    @AfterEach
    void close() throws InterruptedException {
        leave.countDown();
        timer.shutdownNow();
        pool.shutdown();
        assertThat(pool.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
    }

    private void stuck() {
        try {
            leave.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void oneThreadDoesEverythingInOrderWhileThatIsEnough() {
        // Nobody looks whether it is stuck.
        timer.shutdownNow();
        FewThreads few = new FewThreads(pool, timer, 1, MAX);
        Set<String> threads = ConcurrentHashMap.newKeySet();
        List<Integer> order = new CopyOnWriteArrayList<>();
        CountDownLatch begin = new CountDownLatch(1);
        few.execute(() -> {
            try {
                // All of them wait when the first ends.
                begin.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        for (int i = 0; i < 1_000; i++) {
            int number = i;
            few.execute(() -> {
                threads.add(Thread.currentThread().getName());
                order.add(number);
            });
        }
        begin.countDown();

        await().until(() -> order.size() == 1_000);
        assertThat(threads).hasSize(1);
        assertThat(order).isEqualTo(IntStream.range(0, 1_000).boxed().toList());
    }

    @Test
    void aTaskBehindOneThatIsStuckIsRunByAnotherThread() {
        FewThreads few = new FewThreads(pool, timer, 1, MAX);
        AtomicInteger done = new AtomicInteger();
        for (int i = 0; i < MAX - 1; i++) {
            few.execute(this::stuck);
        }

        few.execute(done::incrementAndGet);

        await().until(() -> done.get() == 1);
    }

    @Test
    void noMoreThanTheMostAreStuckAndTheRestIsDoneWhenTheyAreNot() {
        FewThreads few = new FewThreads(pool, timer, 1, 2);
        AtomicInteger entered = new AtomicInteger();
        for (int i = 0; i < 3; i++) {
            few.execute(() -> {
                entered.incrementAndGet();
                stuck();
            });
        }

        await().until(() -> entered.get() == 2);
        await().during(20 * FewThreads.LOOK_MS, TimeUnit.MILLISECONDS).until(() -> entered.get() == 2);
        leave.countDown();

        await().until(() -> entered.get() == 3);
    }

    @Test
    void aTaskThatIsGivenWhileTheThreadLeavesIsRun() {
        FewThreads few = new FewThreads(pool, timer, 1, MAX);
        AtomicInteger done = new AtomicInteger();
        for (int i = 1; i <= 20_000; i++) {
            int expected = i;
            few.execute(done::incrementAndGet);
            long deadline = System.nanoTime() + 10_000_000_000L;
            while (done.get() != expected && System.nanoTime() - deadline < 0) {
                Thread.onSpinWait();
            }
            assertThat(done).hasValue(expected);
        }
    }
}
