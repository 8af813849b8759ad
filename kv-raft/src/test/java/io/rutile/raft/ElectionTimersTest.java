package io.rutile.raft;

import static org.assertj.core.api.Assertions.assertThat;

import com.alipay.sofa.jraft.util.timer.Timer;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ElectionTimersTest {

    private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    @Test
    void everyDelayEndsOnATickAndIsNeverShorter() {
        long seed = System.nanoTime();
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < 10_000; i++) {
            // The clock may be anywhere, below zero too.
            long now = random.nextLong();
            long delay = random.nextLong(TimeUnit.SECONDS.toNanos(5));

            long until = ElectionTimers.untilTick(now, delay);

            assertThat(until).as("seed %d", seed).isBetween(delay, delay + TICK_NANOS - 1);
            assertThat((now + until) % TICK_NANOS).as("seed %d", seed).isZero();
        }
    }

    @Test
    void whatIsSetGoesOff() throws InterruptedException {
        Timer timer = new ElectionTimers().getStepDownTimer(false, "ElectionTimersTest");
        CountDownLatch wentOff = new CountDownLatch(1);
        long begunNanos = System.nanoTime();

        timer.newTimeout(timeout -> wentOff.countDown(), 30, TimeUnit.MILLISECONDS);
        wentOff.await();

        assertThat(System.nanoTime() - begunNanos).isGreaterThanOrEqualTo(TimeUnit.MILLISECONDS.toNanos(30));
        timer.stop();
    }
}
