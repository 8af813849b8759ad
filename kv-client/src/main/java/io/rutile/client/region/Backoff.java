package io.rutile.client.region;

import io.opentelemetry.context.Context;
import io.rutile.client.KvClientException;
import io.rutile.client.KvClientException.Kind;
import io.rutile.client.rpc.BackoffCurve;
import io.rutile.client.rpc.CallDeadline;
import io.rutile.protocol.errorpb.Error;
import io.rutile.trace.TraceParent;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * How a call waits between attempts, and what it says when its one deadline is over: each reason has its own curve and its own
 * count, so a short wait for a leader is not lengthened by an earlier busy store.
 *
 * <p>Threads: one attempt at a time touches it; attempts hand it over through futures and the timer.
 */
public final class Backoff {

    /** Why an attempt is repeated. */
    public enum Reason {
        /** PD did not answer, or is not ready. */
        PD(50, 500),
        /** PD knows no such Region, or no such store, yet. */
        REGION_UNKNOWN(20, 500),
        /** Who leads is not known, or moves. */
        NOT_LEADER(20, 300),
        /** The Region is not what it was: split, merged, other members. */
        REGION_CHANGED(5, 200),
        /** The store cannot be reached or says nothing. */
        STORE_UNREACHABLE(30, 400),
        /** The store asked to slow down. */
        BUSY(100, 2_000),
        /** The Region is not ready for this yet. */
        NOT_READY(20, 500);

        // A record of two durations: as immutable as they come.
        @SuppressWarnings("ImmutableEnumChecker")
        private final BackoffCurve curve;

        Reason(int baseMs, int capMs) {
            curve = new BackoffCurve(Duration.ofMillis(baseMs), Duration.ofMillis(capMs));
        }
    }

    private final CallDeadline deadline;
    private final @Nullable Context trace;
    private final Map<Reason, Integer> failures = new EnumMap<>(Reason.class);
    private volatile boolean maybeCarriedOut;
    private @Nullable Reason lastReason;
    private String lastWords = "";
    private @Nullable Error lastRegionError;

    /** For a call that begins here, as a part of the trace that this thread works for. */
    public Backoff(CallDeadline deadline) {
        this(deadline, TraceParent.current());
    }

    /** @param trace what the call is a part of; null if that is not traced */
    public Backoff(CallDeadline deadline, @Nullable Context trace) {
        this.deadline = deadline;
        this.trace = trace;
    }

    /** For a part of the call that remembers nothing: same deadline, same trace. */
    public Backoff afresh() {
        return new Backoff(deadline, trace);
    }

    /** For a part of the call that goes its own way from here: same deadline, same memory, own counts. */
    public Backoff fork() {
        Backoff fork = afresh();
        fork.maybeCarriedOut = maybeCarriedOut;
        fork.lastReason = lastReason;
        fork.lastWords = lastWords;
        fork.lastRegionError = lastRegionError;
        return fork;
    }

    public CallDeadline deadline() {
        return deadline;
    }

    /** What the call is a part of; null if that is not traced. */
    public @Nullable Context trace() {
        return trace;
    }

    /**
     * Notes a failure.
     *
     * @param words what to tell if it was the last; no user keys in it
     */
    void note(Reason reason, String words, @Nullable Error regionError) {
        failures.merge(reason, 1, Integer::sum);
        lastReason = reason;
        lastWords = words;
        if (regionError != null) {
            lastRegionError = regionError;
        }
    }

    /** How often this reason was noted. */
    int count(Reason reason) {
        return failures.getOrDefault(reason, 0);
    }

    /** How long to wait for this reason before the next attempt; never past the deadline. */
    long delayNanos(Reason reason) {
        return Math.min(reason.curve.delayNanos(count(reason)), Math.max(0, deadline.remainingNanos()));
    }

    /** As {@link #delayNanos}, but at least as long as the store asked for. */
    long delayNanos(Reason reason, long askedMs) {
        long asked = TimeUnit.MILLISECONDS.toNanos(Math.min(askedMs, TimeUnit.MINUTES.toMillis(1)));
        return Math.min(Math.max(asked, delayNanos(reason)), Math.max(0, deadline.remainingNanos()));
    }

    /** An attempt may have reached a store and its answer never came back. */
    void maybeCarriedOut() {
        maybeCarriedOut = true;
    }

    /** True if an attempt's answer was lost, so that it is not known whether it took effect. */
    public boolean mayHaveBeenCarriedOut() {
        return maybeCarriedOut;
    }

    /** What the call fails with, now that the client is closed under it. */
    KvClientException closed(String method) {
        return new KvClientException(
                maybeCarriedOut ? Kind.TIMEOUT : Kind.UNAVAILABLE,
                method + ": the client is closed",
                lastRegionError,
                null);
    }

    /** What the call fails with, now that its deadline is over. */
    KvClientException outOfTime(String method) {
        Kind kind;
        String what;
        if (maybeCarriedOut) {
            kind = Kind.TIMEOUT;
            what = "no answer in time";
        } else if (lastReason == Reason.BUSY) {
            kind = Kind.BUSY;
            what = "the store is busy";
        } else {
            kind = Kind.UNAVAILABLE;
            what = "nobody could serve it in time";
        }
        String last = lastWords.isEmpty() ? "" : "; last: " + lastWords;
        return new KvClientException(
                kind, method + ": " + what + " (" + deadline.timeoutMs() + " ms)" + last, lastRegionError, null);
    }
}
