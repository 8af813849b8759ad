package io.rutile.gateway.kv;

import io.github.bucket4j.Bandwidth;
import io.github.bucket4j.Bucket;
import io.github.bucket4j.BucketConfiguration;
import io.github.bucket4j.TimeMeter;
import io.github.bucket4j.TokensInheritanceStrategy;
import io.rutile.gateway.kv.CallerQuota.Bound;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What each caller has in flight, and how fast they ask (R10). Remembered are callers with requests under way, and those of the last seconds.
 * Safe from any thread.
 */
final class CallerShares {

    /** Between two looks for callers who are gone. */
    private static final Duration SWEEP = Duration.ofSeconds(10);

    /** Requests a second from which on a rate is no bound: nobody asks faster, and a bucket counts no more than one in a nanosecond. */
    private static final long RATE_MAX = 1_000_000_000;

    private final Map<String, Share> shares = new ConcurrentHashMap<>();
    private final LongSupplier nanoClock;
    private final AtomicLong sweptNanos;

    /** @param nanoClock monotonic, as {@link System#nanoTime} counts */
    CallerShares(LongSupplier nanoClock) {
        this.nanoClock = nanoClock;
        this.sweptNanos = new AtomicLong(nanoClock.getAsLong());
    }

    /**
     * Counts one more request of a caller, until {@link Share#leave}.
     *
     * @param held bytes that it has already
     * @throws FailureException {@code TOO_MANY_REQUESTS} if they have as much as they may, or ask faster; nothing is counted then
     */
    Share enter(String caller, CallerQuota quota, long held) {
        sweep();
        while (true) {
            Share share = shares.computeIfAbsent(caller, Share::new);
            if (share.enter(quota, held)) {
                return share;
            }
        }
    }

    private void sweep() {
        long before = sweptNanos.get();
        long now = nanoClock.getAsLong();
        if (now - before > SWEEP.toNanos() && sweptNanos.compareAndSet(before, now)) {
            shares.values().forEach(Share::goIfIdle);
        }
    }

    int callerCount() {
        return shares.size();
    }

    /** One caller's. */
    final class Share {

        private final String caller;
        private CallerQuota quota = CallerQuota.NONE;
        private int requests;
        private long bytes;
        private @Nullable Bucket pace;
        /** What {@link #pace} has when nothing was asked for a second. */
        private long paceMax;
        /** Whoever has it from the map before it was taken out looks for another one. */
        private boolean gone;

        private Share(String caller) {
            this.caller = caller;
        }

        /** @return false if it is gone */
        private synchronized boolean enter(CallerQuota current, long held) {
            if (gone) {
                return false;
            }
            quota = current;
            if (requests >= quota.max(Bound.REQUESTS)) {
                throw quota.exceeded(Bound.REQUESTS);
            }
            requireRoom(held);
            if (!isSlowEnough(quota.max(Bound.REQUESTS_PER_SECOND))) {
                throw quota.exceeded(Bound.REQUESTS_PER_SECOND);
            }
            requests++;
            bytes += held;
            return true;
        }

        /** What has been asked counts on when the caller's rate changes, or tokens of two roles taken in turn would have none. */
        private boolean isSlowEnough(long perSecond) {
            if (perSecond >= RATE_MAX) {
                return true;
            }
            if (pace == null) {
                pace = Bucket.builder()
                        .addLimit(ofASecond(perSecond))
                        .withCustomTimePrecision(new Clock())
                        .build();
            } else if (perSecond != paceMax) {
                pace.replaceConfiguration(
                        BucketConfiguration.builder()
                                .addLimit(ofASecond(perSecond))
                                .build(),
                        TokensInheritanceStrategy.AS_IS);
            }
            paceMax = perSecond;
            return pace.tryConsume(1);
        }

        /** @throws FailureException {@code TOO_MANY_REQUESTS} if the caller's requests would hold more than they may */
        synchronized void reserve(long count) {
            requireRoom(count);
            bytes += count;
        }

        private void requireRoom(long count) {
            if (bytes + count > quota.max(Bound.BYTES)) {
                throw quota.exceeded(Bound.BYTES);
            }
        }

        synchronized void release(long count) {
            bytes -= count;
        }

        /** @param held bytes that the request had not given back */
        synchronized void leave(long held) {
            bytes -= held;
            requests--;
            goIfIdle();
        }

        private synchronized void goIfIdle() {
            boolean isFull = pace == null || pace.getAvailableTokens() >= paceMax;
            if (requests == 0 && isFull) {
                gone = true;
                shares.remove(caller, this);
            }
        }
    }

    /** A second's worth may come at once. */
    private static Bandwidth ofASecond(long perSecond) {
        return Bandwidth.builder()
                .capacity(perSecond)
                .refillGreedy(perSecond, Duration.ofSeconds(1))
                .build();
    }

    private final class Clock implements TimeMeter {

        @Override
        public long currentTimeNanos() {
            return nanoClock.getAsLong();
        }

        @Override
        public boolean isWallClockBased() {
            return false;
        }
    }
}
