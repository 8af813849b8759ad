package io.rutile.gateway.rest;

import io.rutile.gateway.kv.Deadline;
import io.rutile.gateway.kv.KvOperations;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.convert.DurationStyle;

/**
 * Durations as requests spell them: {@code 500ms}, {@code 10s}, {@code 5m}, {@code 12h}, {@code 30d}, ISO 8601 as {@code PT1H30M}, or
 * a bare number of seconds.
 */
final class TimeParameters {

    /** The header that gives a call its deadline. */
    static final String TIMEOUT_HEADER = "Rutile-Timeout";

    private final Duration timeoutDefault;
    private final Duration timeoutMax;

    TimeParameters(Duration timeoutDefault, Duration timeoutMax) {
        this.timeoutDefault = timeoutDefault;
        this.timeoutMax = timeoutMax;
    }

    /** Whole seconds, a century at most; zero, as if left out, for "for ever". */
    Duration ttl(@Nullable String text) {
        if (text == null) {
            return Duration.ZERO;
        }
        Duration ttl = parse(text, "ttl");
        if (ttl.isNegative() || ttl.toNanosPart() != 0 || ttl.compareTo(KvOperations.TTL_MAX) > 0) {
            throw ProblemType.INVALID_REQUEST.because("ttl is in whole seconds, from 0 (for ever) to 36500d");
        }
        return ttl;
    }

    /** Counts from now. */
    Deadline deadline(@Nullable String text) {
        return Deadline.after(timeout(text));
    }

    /** How long a call may take. */
    Duration timeout(@Nullable String text) {
        if (text == null) {
            return timeoutDefault;
        }
        Duration timeout = parse(text, TIMEOUT_HEADER);
        if (timeout.compareTo(Duration.ofMillis(1)) < 0 || timeout.compareTo(timeoutMax) > 0) {
            throw ProblemType.INVALID_REQUEST.because(
                    TIMEOUT_HEADER + " is from 1ms to " + timeoutMax.toMillis() + "ms");
        }
        return timeout;
    }

    /** How long a lock is waited for; zero for "not at all". */
    Duration lockWait(String text) {
        Duration wait = parse(text, "lockWait");
        if (wait.isNegative() || wait.compareTo(timeoutMax) > 0) {
            throw ProblemType.INVALID_REQUEST.because("lockWait is from 0 to " + timeoutMax.toMillis() + "ms");
        }
        return wait;
    }

    private static Duration parse(String text, String what) {
        try {
            return DurationStyle.detectAndParse(text, ChronoUnit.SECONDS);
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw ProblemType.INVALID_REQUEST.because(
                    what + " is a number of seconds, or a duration such as 500ms, 10s, 5m, 12h, 30d or PT1H30M");
        }
    }
}
