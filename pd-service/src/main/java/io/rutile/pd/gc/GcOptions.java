package io.rutile.pd.gc;

import java.time.Duration;

/**
 * How garbage is collected.
 *
 * @param enabled false if somebody else moves the safe points, or nobody should
 * @param life how long a version that was overwritten can still be read, and a transaction can last
 * @param interval between two rounds
 * @param grace how long the transaction safe point stands before the GC safe point follows. Clients look for it every ten
 *     seconds or so and trust what they saw for up to 90 s
 */
public record GcOptions(boolean enabled, Duration life, Duration interval, Duration grace) {

    public static final GcOptions DEFAULTS =
            new GcOptions(true, Duration.ofMinutes(10), Duration.ofMinutes(1), Duration.ofSeconds(100));
}
