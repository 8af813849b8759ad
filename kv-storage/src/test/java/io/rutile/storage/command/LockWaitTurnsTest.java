package io.rutile.storage.command;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.protocol.ByteKey;
import io.rutile.storage.mvcc.Lock;
import io.rutile.storage.mvcc.LockKind;
import io.rutile.storage.mvcc.MvccKey;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

class LockWaitTurnsTest {

    private static LockWait enqueue(LockWaitQueue queue, String key, long startTs, boolean resumable) {
        MvccKey waitedFor = MvccKey.of(ByteString.copyFromUtf8(key));
        Lock holder = Lock.builder(LockKind.PESSIMISTIC, ByteKey.of(ByteString.copyFromUtf8(key)), 5)
                .build();
        long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
        return queue.enqueue(waitedFor, startTs, resumable, holder, deadline, null, ByteString.EMPTY);
    }

    /** A waiter may give up, or be told of a deadlock, between being chosen and being let go. Its turn is then the next one's. */
    @Test
    void aTurnThatNobodyTakesIsPassedOn() throws Exception {
        try (LockWaitQueue queue = new LockWaitQueue(10, new SimpleMeterRegistry())) {
            CountDownLatch letGo = new CountDownLatch(1);
            LockWait busy = enqueue(queue, "other", 1, true);
            busy.ended().thenRun(() -> awaitUninterruptibly(letGo)); // keeps the thread that lets go busy
            LockWait chosen = enqueue(queue, "k", 10, true);
            LockWait behind = enqueue(queue, "k", 20, true);
            queue.nextTurn(busy.key());
            Awaitility.await().until(() -> busy.ended().isDone());

            queue.nextTurn(chosen.key());
            assertThat(chosen.end(new LockWait.End.TimedOut())).isTrue();
            letGo.countDown();

            assertThat(behind.ended().get(10, TimeUnit.SECONDS)).isEqualTo(new LockWait.End.Resumed());
        }
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
