package io.rutile.client.txn;

import java.time.Duration;

/**
 * How a transaction behaves.
 *
 * @param pessimisticLocks locks are taken while the transaction runs, and its conflicts are met there; otherwise at commit
 * @param asyncCommit commit as soon as every key is prewritten, where the transaction is small enough (256 keys, 4 KiB of keys)
 * @param onePhaseCommit commit with the prewrite itself, where one request holds the whole transaction
 * @param linearizable a transaction that begins after this one was committed sees it, also with the two faster ways; costs them a
 *     timestamp
 * @param lockTtl how long a lock outlives the last sign of life of this client; 100 ms to 10 min
 * @param callTimeout the deadline of every call but commit
 * @param commitTimeout the deadline of commit, retries included; finding out the fate of a lost answer may take up to 2 s more
 * @param lockWait how long a pessimistic lock is waited for; zero means "not at all"
 * @param maxLifetime locks are kept alive no longer than this after begin
 * @param bytesMax bytes of buffered keys and values
 * @param entriesMax buffered keys
 */
public record TxnOptions(
        boolean pessimisticLocks,
        boolean asyncCommit,
        boolean onePhaseCommit,
        boolean linearizable,
        Duration lockTtl,
        Duration callTimeout,
        Duration commitTimeout,
        Duration lockWait,
        Duration maxLifetime,
        long bytesMax,
        int entriesMax) {

    private static final Duration LOCK_TTL_MIN = Duration.ofMillis(100);
    private static final Duration LOCK_TTL_MAX = Duration.ofMinutes(10);

    public TxnOptions {
        if (lockTtl.compareTo(LOCK_TTL_MIN) < 0 || lockTtl.compareTo(LOCK_TTL_MAX) > 0) {
            throw new IllegalArgumentException("lockTtl must be 100 ms to 10 min: " + lockTtl);
        }
        positive("callTimeout", callTimeout);
        positive("commitTimeout", commitTimeout);
        positive("maxLifetime", maxLifetime);
        if (lockWait.isNegative()) {
            throw new IllegalArgumentException("lockWait is negative: " + lockWait);
        }
        if (bytesMax < 1 || entriesMax < 1) {
            throw new IllegalArgumentException("bounds must be positive: " + bytesMax + " bytes, " + entriesMax);
        }
    }

    private static void positive(String name, Duration duration) {
        if (duration.isNegative() || duration.isZero()) {
            throw new IllegalArgumentException(name + " must be positive: " + duration);
        }
    }

    /** Locks at commit. 5 s lock TTL, 10 s calls, 20 s commit, 100 MiB, 1 Mi keys. */
    public static TxnOptions optimistic() {
        return new TxnOptions(
                false,
                true,
                true,
                true,
                Duration.ofSeconds(5),
                Duration.ofSeconds(10),
                Duration.ofSeconds(20),
                Duration.ofSeconds(5),
                Duration.ofHours(1),
                100L << 20,
                1 << 20);
    }

    /** Locks as it goes. As {@link #optimistic}, but 20 s lock TTL. */
    public static TxnOptions pessimistic() {
        TxnOptions o = optimistic();
        return new TxnOptions(
                true,
                o.asyncCommit,
                o.onePhaseCommit,
                o.linearizable,
                Duration.ofSeconds(20),
                o.callTimeout,
                o.commitTimeout,
                o.lockWait,
                o.maxLifetime,
                o.bytesMax,
                o.entriesMax);
    }

    /** Ordinary two-phase commit, whatever would apply. */
    public TxnOptions withTwoPhaseCommitOnly() {
        return withCommit(false, false, linearizable);
    }

    /** Which of the faster ways may be taken. */
    public TxnOptions withCommit(boolean async, boolean onePhase, boolean inRealTimeOrder) {
        return new TxnOptions(
                pessimisticLocks,
                async,
                onePhase,
                inRealTimeOrder,
                lockTtl,
                callTimeout,
                commitTimeout,
                lockWait,
                maxLifetime,
                bytesMax,
                entriesMax);
    }

    public TxnOptions withTimeouts(Duration call, Duration commit) {
        return new TxnOptions(
                pessimisticLocks,
                asyncCommit,
                onePhaseCommit,
                linearizable,
                lockTtl,
                call,
                commit,
                lockWait,
                maxLifetime,
                bytesMax,
                entriesMax);
    }

    public TxnOptions withLocks(Duration ttl, Duration wait, Duration lifetime) {
        return new TxnOptions(
                pessimisticLocks,
                asyncCommit,
                onePhaseCommit,
                linearizable,
                ttl,
                callTimeout,
                commitTimeout,
                wait,
                lifetime,
                bytesMax,
                entriesMax);
    }

    public TxnOptions withBounds(long bytes, int entries) {
        return new TxnOptions(
                pessimisticLocks,
                asyncCommit,
                onePhaseCommit,
                linearizable,
                lockTtl,
                callTimeout,
                commitTimeout,
                lockWait,
                maxLifetime,
                bytes,
                entries);
    }
}
