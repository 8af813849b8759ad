package io.rutile.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class SerialExecutorTest {

    @Test
    void aTaskRunsHereIfNothingElseRuns() {
        List<String> done = new ArrayList<>();
        Queue<Runnable> pool = new ArrayDeque<>();
        SerialExecutor serial = new SerialExecutor(pool::add);

        serial.executeHere(() -> done.add("here"));
        serial.execute(() -> done.add("pool"));
        serial.executeHere(() -> done.add("behind it"));

        assertThat(done).containsExactly("here");
        pool.remove().run();
        assertThat(done).containsExactly("here", "pool", "behind it");
        assertThat(pool).isEmpty();
    }

    @Test
    void whatComesWhileATaskRunsHereIsNotForgotten() {
        List<String> done = new ArrayList<>();
        Queue<Runnable> pool = new ArrayDeque<>();
        SerialExecutor serial = new SerialExecutor(pool::add);

        serial.executeHere(() -> {
            serial.execute(() -> done.add("later"));
            serial.executeHere(() -> done.add("last"));
            done.add("here");
        });

        assertThat(done).containsExactly("here");
        pool.remove().run();
        assertThat(done).containsExactly("here", "later", "last");
    }

    @Test
    void oneAtATimeWhicheverWayTheyCome() {
        int threads = 4;
        int each = 20_000;
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger together = new AtomicInteger();
        int[] count = new int[1];
        ExecutorService pool = Executors.newFixedThreadPool(2);
        ExecutorService callers = Executors.newFixedThreadPool(threads);
        try {
            SerialExecutor serial = new SerialExecutor(pool);
            Runnable task = () -> {
                if (inside.incrementAndGet() != 1) {
                    together.incrementAndGet();
                }
                count[0]++;
                inside.decrementAndGet();
            };
            for (int i = 0; i < threads; i++) {
                boolean here = i % 2 == 0;
                callers.execute(() -> {
                    for (int n = 0; n < each; n++) {
                        if (here) {
                            serial.executeHere(task);
                        } else {
                            serial.execute(task);
                        }
                    }
                });
            }
            AtomicInteger seen = new AtomicInteger();
            await().until(() -> {
                serial.execute(() -> seen.set(count[0]));
                return seen.get() == threads * each;
            });
            assertThat(together).hasValue(0);
        } finally {
            callers.shutdownNow();
            pool.shutdownNow();
        }
    }
}
