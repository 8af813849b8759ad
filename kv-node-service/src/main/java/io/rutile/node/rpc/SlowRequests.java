package io.rutile.node.rpc;

import com.google.protobuf.Message;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.RequestTimes;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes a line for a request that took long, with where its time went: no keys, no values. At most ten lines a second; those that are
 * left out are counted, and the next line says how many. Safe from any thread; a quick request costs one comparison.
 */
final class SlowRequests {

    private static final Logger log = LoggerFactory.getLogger(SlowRequests.class);
    private static final int LINES_A_SECOND_MAX = 10;
    private static final long SECOND_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final long thresholdNanos;
    private final LongSupplier nanoClock;
    private final Counter slow;
    private long secondBegunNanos;
    private int saidInSecond;
    private long left;

    /** @param threshold from which on a request is slow; zero for never */
    SlowRequests(Duration threshold, LongSupplier nanoClock, MeterRegistry metrics) {
        this.thresholdNanos = threshold.isZero() ? Long.MAX_VALUE : threshold.toNanos();
        this.nanoClock = nanoClock;
        this.secondBegunNanos = nanoClock.getAsLong() - SECOND_NANOS;
        this.slow = Counter.builder("kv.rpc.slow")
                .description("Requests that took longer than rutile.node.rpc.slow-threshold")
                .register(metrics);
    }

    /** @param kind what {@link AnswerErrors#kind} says of the answer */
    void answered(String rpc, KvContext ctx, long tookNanos, Message request, Message answer, String kind) {
        if (tookNanos >= thresholdNanos) {
            slow.increment();
            say(rpc, ctx, tookNanos, request, answer, kind);
        }
    }

    private void say(String rpc, KvContext ctx, long tookNanos, Message request, Message answer, String kind) {
        long leftOut;
        synchronized (this) {
            long now = nanoClock.getAsLong();
            if (now - secondBegunNanos >= SECOND_NANOS) {
                secondBegunNanos = now;
                saidInSecond = 0;
            }
            if (saidInSecond == LINES_A_SECOND_MAX) {
                left++;
                return;
            }
            saidInSecond++;
            leftOut = left;
            left = 0;
        }
        RequestTimes times = ctx.times();
        long known = times.latchNanos()
                + times.queueNanos()
                + times.snapshotNanos()
                + times.readNanos()
                + times.commitNanos()
                + times.applyNanos();
        log.warn(
                "slow request rpc={} region={} kind={} ms={} latchMs={} queueMs={} snapshotMs={} readMs={} commitMs={} applyMs={}"
                        + " otherMs={} requestBytes={} answerBytes={} leftOut={}",
                rpc,
                ctx.request().getRegionId(),
                kind,
                ms(tookNanos),
                ms(times.latchNanos()),
                ms(times.queueNanos()),
                ms(times.snapshotNanos()),
                ms(times.readNanos()),
                ms(times.commitNanos()),
                ms(times.applyNanos()),
                ms(Math.max(0, tookNanos - known)),
                request.getSerializedSize(),
                answer.getSerializedSize(),
                leftOut);
    }

    private static long ms(long nanos) {
        return TimeUnit.NANOSECONDS.toMillis(nanos);
    }
}
