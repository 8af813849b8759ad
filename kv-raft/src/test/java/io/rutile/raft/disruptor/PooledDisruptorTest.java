package io.rutile.raft.disruptor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.lmax.disruptor.ExceptionHandler;
import com.lmax.disruptor.RingBuffer;
import com.lmax.disruptor.dsl.ProducerType;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class PooledDisruptorTest {

    private static final class Event {
        int producer;
        long number;
    }

    private static PooledDisruptor<Event> ring(int size) {
        return PooledDisruptor.open(Event::new, size, ProducerType.MULTI, "Test");
    }

    @Test
    void everyEventIsHandledOnceAndInItsProducersOrder() throws InterruptedException {
        int producers = 4;
        int each = 100_000;
        PooledDisruptor<Event> disruptor = ring(64);
        long[] last = new long[producers];
        AtomicInteger handled = new AtomicInteger();
        AtomicInteger outOfOrder = new AtomicInteger();
        AtomicInteger inside = new AtomicInteger();
        disruptor.handleEventsWith((event, sequence, endOfBatch) -> {
            if (inside.incrementAndGet() != 1 || event.number != ++last[event.producer]) {
                outOfOrder.incrementAndGet();
            }
            inside.decrementAndGet();
            handled.incrementAndGet();
        });
        RingBuffer<Event> ring = disruptor.start();

        List<Thread> threads = new ArrayList<>();
        for (int producer = 0; producer < producers; producer++) {
            int mine = producer;
            Thread thread = new Thread(() -> {
                for (int number = 1; number <= each; number++) {
                    long expected = number;
                    ring.publishEvent((event, sequence) -> {
                        event.producer = mine;
                        event.number = expected;
                    });
                }
            });
            threads.add(thread);
            thread.start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        disruptor.shutdown();

        assertThat(handled).hasValue(producers * each);
        assertThat(outOfOrder).hasValue(0);
    }

    @Test
    void eventPublishedWhileTheConsumerGoesIdleIsNotForgotten() {
        PooledDisruptor<Event> disruptor = ring(8);
        AtomicLong handled = new AtomicLong();
        disruptor.handleEventsWith((event, sequence, endOfBatch) -> handled.set(event.number));
        RingBuffer<Event> ring = disruptor.start();

        for (long number = 1; number <= 20_000; number++) {
            long expected = number;
            ring.publishEvent((event, sequence) -> event.number = expected);
            long deadline = System.nanoTime() + Duration.ofSeconds(10).toNanos();
            while (handled.get() != expected && System.nanoTime() - deadline < 0) {
                Thread.onSpinWait();
            }
            assertThat(handled).hasValue(expected);
        }
    }

    @Test
    void slotsOfABatchAreNotGivenBackBeforeItsEnd() {
        PooledDisruptor<Event> disruptor = ring(16);
        Set<Event> batch = new HashSet<>();
        AtomicInteger reused = new AtomicInteger();
        AtomicInteger batches = new AtomicInteger();
        AtomicInteger handled = new AtomicInteger();
        disruptor.handleEventsWith((event, sequence, endOfBatch) -> {
            if (!batch.add(event)) {
                reused.incrementAndGet();
            }
            handled.incrementAndGet();
            if (endOfBatch) {
                batch.clear();
                batches.incrementAndGet();
            }
        });
        RingBuffer<Event> ring = disruptor.start();

        for (int i = 0; i < 10_000; i++) {
            ring.publishEvent((event, sequence) -> event.number = sequence);
        }
        disruptor.shutdown();

        assertThat(handled).hasValue(10_000);
        assertThat(reused).hasValue(0);
        assertThat(batches.get()).isPositive();
        assertThat(batch).isEmpty();
    }

    @Test
    void failureOfOneEventIsToldAndTheNextIsHandled() {
        PooledDisruptor<Event> disruptor = ring(8);
        List<Throwable> failures = new CopyOnWriteArrayList<>();
        AtomicInteger handled = new AtomicInteger();
        disruptor.handleEventsWith((event, sequence, endOfBatch) -> {
            if (sequence == 0) {
                throw new IllegalStateException("first");
            }
            handled.incrementAndGet();
        });
        disruptor.setDefaultExceptionHandler(new ExceptionHandler<Object>() {
            @Override
            public void handleEventException(Throwable cause, long sequence, Object event) {
                failures.add(cause);
            }

            @Override
            public void handleOnStartException(Throwable cause) {}

            @Override
            public void handleOnShutdownException(Throwable cause) {}
        });
        RingBuffer<Event> ring = disruptor.start();

        ring.publishEvent((event, sequence) -> event.number = 1);
        ring.publishEvent((event, sequence) -> event.number = 2);
        disruptor.shutdown();

        assertThat(failures)
                .singleElement()
                .satisfies(cause -> assertThat(cause).hasMessage("first"));
        assertThat(handled).hasValue(1);
    }

    @Test
    void fullRingRefusesAndGoesOnWhenThereIsRoom() throws InterruptedException {
        PooledDisruptor<Event> disruptor = ring(4);
        CountDownLatch hold = new CountDownLatch(1);
        disruptor.handleEventsWith((event, sequence, endOfBatch) -> hold.await());
        RingBuffer<Event> ring = disruptor.start();

        int taken = 0;
        while (ring.tryPublishEvent((event, sequence) -> event.number = 1)) {
            taken++;
        }
        hold.countDown();

        assertThat(taken).isEqualTo(4);
        await().until(() -> ring.tryPublishEvent((event, sequence) -> event.number = 1));
        disruptor.shutdown();
    }

    @Test
    void ringsHaveNoThreadsOfTheirOwn() {
        List<PooledDisruptor<Event>> rings = new ArrayList<>();
        AtomicInteger handled = new AtomicInteger();
        for (int i = 0; i < 500; i++) {
            PooledDisruptor<Event> disruptor = ring(8);
            disruptor.handleEventsWith((event, sequence, endOfBatch) -> handled.incrementAndGet());
            disruptor.start().publishEvent((event, sequence) -> event.number = 1);
            rings.add(disruptor);
        }
        rings.forEach(PooledDisruptor::shutdown);

        assertThat(handled).hasValue(500);
        assertThat(Thread.getAllStackTraces().keySet())
                .filteredOn(thread -> thread.getName().startsWith("raft-ring-Test"))
                .hasSizeLessThanOrEqualTo(2);
    }
}
