package io.rutile.raft.disruptor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.lmax.disruptor.RingBuffer;
import com.lmax.disruptor.dsl.ProducerType;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class TurnTest {

    private static final Executor NOBODY = task -> {
        throw new AssertionError("a pool was asked");
    };

    private final List<String> done = new ArrayList<>();

    @Test
    void whatIsDeferredRunsOnThisThreadOnceTheBodyHasReturned() {
        Turn.run(() -> {
            assertThat(Turn.defer(() -> done.add("later"), NOBODY)).isTrue();
            done.add("body");
        });

        assertThat(done).containsExactly("body", "later");
    }

    @Test
    void outsideOfATurnNothingIsDeferred() {
        Turn.run(() -> {});

        assertThat(Turn.defer(() -> done.add("never"), NOBODY)).isFalse();
        assertThat(done).isEmpty();
    }

    @Test
    void aTurnInsideAnotherLeavesItsTasksToThatOne() {
        Turn.run(() -> {
            Turn.run(() -> Turn.defer(() -> done.add("later"), NOBODY));
            done.add("body");
        });

        assertThat(done).containsExactly("body", "later");
    }

    @Test
    void whatADeferredTaskDefersRunsInTheSameTurn() {
        Turn.run(() -> Turn.defer(
                () -> {
                    done.add("first");
                    Turn.defer(() -> done.add("second"), NOBODY);
                },
                NOBODY));

        assertThat(done).containsExactly("first", "second");
    }

    @Test
    void aTurnThatHasDoneEnoughGivesTheRestAway() {
        AtomicInteger given = new AtomicInteger();
        AtomicInteger run = new AtomicInteger();
        Turn.run(() -> {
            for (int i = 0; i < Turn.TASKS_MAX + 5; i++) {
                Turn.defer(run::incrementAndGet, task -> given.incrementAndGet());
            }
        });

        assertThat(run).hasValue(Turn.TASKS_MAX);
        assertThat(given).hasValue(5);
    }

    @Test
    void failuresKeepNobodyElseFromRunning() {
        assertThatThrownBy(() -> Turn.run(() -> {
                    Turn.defer(
                            () -> {
                                throw new IllegalStateException("a task's");
                            },
                            NOBODY);
                    Turn.defer(() -> done.add("still"), NOBODY);
                    throw new IllegalStateException("the body's");
                }))
                .hasMessage("the body's");

        assertThat(done).containsExactly("still");
        assertThat(Turn.defer(() -> {}, NOBODY)).as("the turn is over").isFalse();
    }

    @Test
    void aThreadThatOthersWaitForTakesNone() throws InterruptedException {
        AtomicReference<Boolean> deferred = new AtomicReference<>();
        Thread thread = new Thread(() -> {
            Turn.never();
            Turn.run(() -> deferred.set(Turn.defer(() -> {}, NOBODY)));
        });
        thread.start();
        thread.join();

        assertThat(deferred.get()).isFalse();
    }

    @Test
    void aRingThatMayRunAnywhereIsRunByItsPublisherInOneBatch() {
        List<String> batches = new ArrayList<>();
        PooledDisruptor<AtomicInteger> disruptor = new PooledDisruptor<>(
                AtomicInteger::new,
                8,
                ProducerType.MULTI,
                new RingThreads.Home(NOBODY, true, 2, 4, null),
                new PooledDisruptor.WakeUp());
        disruptor.handleEventsWith((event, sequence, endOfBatch) -> batches.add(
                event.get() + (endOfBatch ? "." : "") + Thread.currentThread().getName()));
        Turn.run(disruptor::start);
        RingBuffer<AtomicInteger> ring = disruptor.getRingBuffer();

        Turn.run(() -> {
            for (int i = 1; i <= 3; i++) {
                int number = i;
                ring.publishEvent((event, sequence) -> event.set(number));
            }
            assertThat(batches).as("while the caller may hold locks").isEmpty();
        });

        String me = Thread.currentThread().getName();
        assertThat(batches).containsExactly("1" + me, "2" + me, "3." + me);
    }

    @Test
    void aRingThatMayNotIsRunByItsPool() {
        PooledDisruptor<AtomicInteger> disruptor =
                PooledDisruptor.open(AtomicInteger::new, 8, ProducerType.MULTI, "Test");
        AtomicReference<String> thread = new AtomicReference<>();
        disruptor.handleEventsWith((event, sequence, endOfBatch) ->
                thread.set(Thread.currentThread().getName()));
        RingBuffer<AtomicInteger> ring = disruptor.start();

        Turn.run(() -> ring.publishEvent((event, sequence) -> event.set(1)));

        await().until(() -> thread.get() != null);
        assertThat(thread.get()).startsWith("raft-ring-Test");
    }
}
