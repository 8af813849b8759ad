package io.rutile.raft.disruptor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class RoundExecutorTest {

    private final List<String> events = new CopyOnWriteArrayList<>();

    @Test
    void aRoundIsThoseThatWaitWhenItBeginsAndIsSettledAfterThem() throws InterruptedException {
        CountDownLatch entered = new CountDownLatch(1);
        CountDownLatch leave = new CountDownLatch(1);
        try (RoundExecutor rounds = new RoundExecutor("test", () -> events.add("settled"))) {
            rounds.execute(() -> {
                entered.countDown();
                awaited(leave);
                events.add("first");
            });
            entered.await();
            rounds.execute(() -> {
                events.add("a");
                rounds.execute(() -> events.add("later"));
            });
            rounds.execute(() -> {
                events.add("b");
                throw new IllegalStateException("bug");
            });
            leave.countDown();

            await().untilAsserted(() ->
                    assertThat(events).containsExactly("first", "settled", "a", "b", "settled", "later", "settled"));
        }
    }

    @Test
    void aTaskThatIsGivenWhileTheThreadFallsAsleepIsRun() {
        AtomicInteger done = new AtomicInteger();
        try (RoundExecutor rounds = new RoundExecutor("test", () -> {})) {
            for (int i = 1; i <= 20_000; i++) {
                int expected = i;
                rounds.execute(done::incrementAndGet);
                long deadline = System.nanoTime() + 10_000_000_000L;
                while (done.get() != expected && System.nanoTime() - deadline < 0) {
                    Thread.onSpinWait();
                }
                assertThat(done).hasValue(expected);
            }
        }
    }

    @Test
    void closeWaitsForWhatWasGivenBefore() {
        AtomicInteger done = new AtomicInteger();
        RoundExecutor rounds = new RoundExecutor("test", () -> {});
        for (int i = 0; i < 1_000; i++) {
            rounds.execute(done::incrementAndGet);
        }

        rounds.close();

        assertThat(done).hasValue(1_000);
    }

    private static void awaited(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
