package io.rutile.client.txn;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.client.KvClientException;
import io.rutile.client.KvClientException.Kind;
import io.rutile.client.pd.PdClient;
import io.rutile.client.region.Backoff;
import io.rutile.client.rpc.ClientTimer;
import io.rutile.client.rpc.ClientTimer.Alarm;
import io.rutile.client.rpc.Futures;
import io.rutile.protocol.TimeStamp;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Keeps reads from answering with holes (P7): what this client knows of PD's transaction safe point, and since when.
 *
 * <p>The GC safe point, up to which stores drop old versions, follows the transaction safe point after PD's grace time ({@code
 * rutile.pd.gc.grace}, 100 s), and neither goes back. So what a store has answered by now is whole if at some moment in the last
 * {@value #TRUSTED_SECONDS} s the safe point was not behind the version that was read. Two things say so:
 *
 * <ul>
 *   <li>PD's answer, good from the moment it was asked for;
 *   <li>a timestamp that PD has given: the safe point cannot be beyond it when it is given. A transaction is therefore whole for its
 *       first {@value #TRUSTED_SECONDS} s without a question.
 * </ul>
 *
 * <p><b>What is promised.</b> A version before a safe point that was heard of here is refused, {@link SnapshotTooOldException}, at once
 * and for ever. Every other answer is whole, or it is not given: when the last news is older than {@value #TRUSTED_SECONDS} s, a read
 * waits for PD, within its own deadline, and fails with {@code UNAVAILABLE} if PD says nothing. So with PD away, an open transaction
 * reads on for {@value #TRUSTED_SECONDS} s and no longer. The newest version there is, {@link TimeStamp#MAX}, is never garbage and always
 * read. A PD whose grace time is shorter, or one that knows only the older GC safe point, narrows the promise: then up to
 * {@value #TRUSTED_SECONDS} s may pass in which a read below a safe point that has just moved is not refused.
 *
 * <p>No read has a round trip more: while reads come, PD is asked in the background, every {@value #REFRESH_SECONDS} s at most.
 *
 * <p>Threads: any; the state is guarded by this object. Nothing blocks.
 */
public final class SafePoints {

    private static final long TRUSTED_SECONDS = 90;
    private static final long REFRESH_SECONDS = 10;
    private static final long TRUSTED_NANOS =
            Duration.ofSeconds(TRUSTED_SECONDS).toNanos();
    private static final long REFRESH_NANOS =
            Duration.ofSeconds(REFRESH_SECONDS).toNanos();

    /** Between two questions that failed. */
    private static final long RETRY_NANOS = Duration.ofSeconds(1).toNanos();

    private final Supplier<CompletableFuture<TimeStamp>> asking;
    private final ClientTimer timer;
    private final LongSupplier nanoClock;
    private final Counter tooOld;
    private final Counter notKnown;

    private TimeStamp known = TimeStamp.ZERO;
    private boolean heard;
    private long heardNanos;
    private CompletableFuture<Void> question = CompletableFuture.completedFuture(null);
    private long askedNanos;

    /**
     * @param pd not closed here
     * @param timer not closed here
     */
    public SafePoints(PdClient pd, ClientTimer timer, MeterRegistry registry) {
        this(pd::txnSafePoint, timer, System::nanoTime, registry);
    }

    /** @param nanoClock monotonic */
    SafePoints(
            Supplier<CompletableFuture<TimeStamp>> asking,
            ClientTimer timer,
            LongSupplier nanoClock,
            MeterRegistry registry) {
        this.asking = asking;
        this.timer = timer;
        this.nanoClock = nanoClock;
        tooOld = refusals(registry, "too_old");
        notKnown = refusals(registry, "not_known");
    }

    private static Counter refusals(MeterRegistry registry, String reason) {
        return Counter.builder("kv.client.txn.snapshots.refused")
                .description("Reads and commits refused because versions that they need are or may be gone")
                .tag("reason", reason)
                .register(registry);
    }

    long nowNanos() {
        return nanoClock.getAsLong();
    }

    /** For reads at a version of which nothing is known. */
    Guard guard(TimeStamp version) {
        return new Guard(version, false, 0);
    }

    /**
     * For reads at a version that PD has given just now.
     *
     * @param askedNanos when PD was asked for it, or later; on this object's clock
     */
    Guard guardFresh(TimeStamp version, long askedNanos) {
        return new Guard(version, true, askedNanos);
    }

    /** Watches over the reads at one version. */
    final class Guard {

        private final TimeStamp version;
        private final boolean fresh;
        private final long freshNanos;

        private Guard(TimeStamp version, boolean fresh, long freshNanos) {
            this.version = version;
            this.fresh = fresh;
            this.freshNanos = freshNanos;
        }

        /** Before anything is sent: what is wrong with the version, as far as is known; null if nothing is. */
        @Nullable SnapshotTooOldException refusal() {
            synchronized (SafePoints.this) {
                if (version.compareTo(known) >= 0) {
                    return null;
                }
                tooOld.increment();
                return new SnapshotTooOldException(version, known);
            }
        }

        /**
         * Whether what a store has answered is whole; to be called when the answer is there, not before.
         *
         * @return completes if it is; fails with {@link SnapshotTooOldException}, or with {@code UNAVAILABLE} no later than the
         *     deadline
         */
        CompletableFuture<Void> confirm(Backoff backoff) {
            if (version.equals(TimeStamp.MAX)) {
                return CompletableFuture.completedFuture(null);
            }
            CompletableFuture<Void> news;
            synchronized (SafePoints.this) {
                SnapshotTooOldException refusal = refusal();
                if (refusal != null) {
                    return CompletableFuture.failedFuture(refusal);
                }
                long newsAge = newsAgeNanos();
                if (newsAge < REFRESH_NANOS) {
                    return CompletableFuture.completedFuture(null);
                }
                boolean trusted = newsAge < TRUSTED_NANOS;
                news = ask(!trusted);
                if (trusted) {
                    return CompletableFuture.completedFuture(null);
                }
            }
            return await(news, backoff).thenCompose(answered -> confirm(backoff));
        }

        private long newsAgeNanos() {
            long now = nanoClock.getAsLong();
            long sinceHeard = heard ? now - heardNanos : Long.MAX_VALUE;
            return fresh ? Math.min(sinceHeard, now - freshNanos) : sinceHeard;
        }
    }

    /**
     * Asks PD, unless a question is under way.
     *
     * @param anyway also right after one that failed
     * @return the question, which may have failed
     */
    private CompletableFuture<Void> ask(boolean anyway) {
        long now = nanoClock.getAsLong();
        boolean resting = question.isCompletedExceptionally() && now - askedNanos < RETRY_NANOS;
        if (!question.isDone() || (resting && !anyway)) {
            return question;
        }
        askedNanos = now;
        question = asking.get().thenAccept(safePoint -> take(safePoint, now));
        return question;
    }

    private synchronized void take(TimeStamp safePoint, long askedAtNanos) {
        known = safePoint.compareTo(known) > 0 ? safePoint : known;
        heard = true;
        heardNanos = askedAtNanos;
    }

    private CompletableFuture<Void> await(CompletableFuture<Void> news, Backoff backoff) {
        CompletableFuture<Void> result = new CompletableFuture<>();
        Alarm alarm = timer.after(
                backoff.deadline().remainingNanos(),
                () -> result.completeExceptionally(unknown("no answer in time", null)));
        Futures.whenDone(news, result, (done, failure) -> {
            alarm.cancel();
            if (failure == null) {
                result.complete(null);
            } else {
                Throwable cause = Futures.causeOf(failure);
                result.completeExceptionally(unknown(String.valueOf(cause.getMessage()), cause));
            }
        });
        return result;
    }

    private KvClientException unknown(String why, @Nullable Throwable cause) {
        notKnown.increment();
        return new KvClientException(
                Kind.UNAVAILABLE,
                "PD has not said for " + TRUSTED_SECONDS + " s up to where versions may be gone: " + why,
                null,
                cause);
    }
}
