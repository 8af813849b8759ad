package io.rutile.storage;

import io.rutile.storage.command.ApiVersion;
import java.time.Duration;

/**
 * The bounds within which a {@link Storage} works.
 *
 * @param apiVersion how raw values are encoded
 * @param readThreads threads that read from the engine, at least 1
 * @param readQueueMax reads that may wait for such a thread; more are answered with {@code ServerIsBusy}
 * @param latchSlots latches that order commands on the same keys, rounded up to a power of two
 * @param latchWaitersMax commands that may wait for a latch; more are answered with {@code ServerIsBusy}
 * @param pendingWriteBytesMax bytes of writes that are on their way; more are answered with {@code ServerIsBusy}
 * @param answerBytesMax bytes of pairs that one read may answer; a read that finds more is refused, never cut short
 * @param lockWaitDefault what a lock request that names no time-out waits for another's lock, and the longest that any may wait
 * @param lockWaitersMax transactions that may wait for locks; more are answered with {@code ServerIsBusy}
 * @param ttlSweepInterval pause between two passes that remove expired pairs
 * @param ttlSweepPairsPerSecond pairs that such a pass looks at in a second
 */
public record StorageOptions(
        ApiVersion apiVersion,
        int readThreads,
        int readQueueMax,
        int latchSlots,
        int latchWaitersMax,
        long pendingWriteBytesMax,
        long answerBytesMax,
        Duration lockWaitDefault,
        int lockWaitersMax,
        Duration ttlSweepInterval,
        int ttlSweepPairsPerSecond) {

    public StorageOptions {
        requirePositive("readThreads", readThreads);
        requirePositive("readQueueMax", readQueueMax);
        requirePositive("latchSlots", latchSlots);
        requirePositive("latchWaitersMax", latchWaitersMax);
        requirePositive("pendingWriteBytesMax", pendingWriteBytesMax);
        requirePositive("answerBytesMax", answerBytesMax);
        requirePositive("lockWaitDefault", lockWaitDefault.toMillis());
        requirePositive("lockWaitersMax", lockWaitersMax);
        requirePositive("ttlSweepInterval", ttlSweepInterval.toNanos());
        requirePositive("ttlSweepPairsPerSecond", ttlSweepPairsPerSecond);
    }

    /** Defaults for a store of this API version. */
    public static StorageOptions of(ApiVersion apiVersion) {
        return builder(apiVersion).build();
    }

    public static Builder builder(ApiVersion apiVersion) {
        return new Builder(apiVersion);
    }

    private static void requirePositive(String name, long value) {
        if (value <= 0) {
            throw new IllegalArgumentException(name + " must be positive: " + value);
        }
    }

    /** Begins with the defaults. */
    public static final class Builder {
        private final ApiVersion apiVersion;
        private int readThreads = Math.max(2, Runtime.getRuntime().availableProcessors());
        private int readQueueMax = 8192;
        private int latchSlots = 4096;
        private int latchWaitersMax = 8192;
        private long pendingWriteBytesMax = 100L << 20;
        private long answerBytesMax = 64L << 20;
        private Duration lockWaitDefault = Duration.ofSeconds(1);
        private int lockWaitersMax = 20_000;
        private Duration ttlSweepInterval = Duration.ofMinutes(1);
        private int ttlSweepPairsPerSecond = 100_000;

        private Builder(ApiVersion apiVersion) {
            this.apiVersion = apiVersion;
        }

        public Builder readThreads(int threads) {
            readThreads = threads;
            return this;
        }

        public Builder readQueueMax(int reads) {
            readQueueMax = reads;
            return this;
        }

        public Builder latchSlots(int slots) {
            latchSlots = slots;
            return this;
        }

        public Builder latchWaitersMax(int commands) {
            latchWaitersMax = commands;
            return this;
        }

        public Builder pendingWriteBytesMax(long bytes) {
            pendingWriteBytesMax = bytes;
            return this;
        }

        public Builder answerBytesMax(long bytes) {
            answerBytesMax = bytes;
            return this;
        }

        public Builder lockWaitDefault(Duration patience) {
            lockWaitDefault = patience;
            return this;
        }

        public Builder lockWaitersMax(int transactions) {
            lockWaitersMax = transactions;
            return this;
        }

        public Builder ttlSweepInterval(Duration interval) {
            ttlSweepInterval = interval;
            return this;
        }

        public Builder ttlSweepPairsPerSecond(int pairs) {
            ttlSweepPairsPerSecond = pairs;
            return this;
        }

        public StorageOptions build() {
            return new StorageOptions(
                    apiVersion,
                    readThreads,
                    readQueueMax,
                    latchSlots,
                    latchWaitersMax,
                    pendingWriteBytesMax,
                    answerBytesMax,
                    lockWaitDefault,
                    lockWaitersMax,
                    ttlSweepInterval,
                    ttlSweepPairsPerSecond);
        }
    }
}
