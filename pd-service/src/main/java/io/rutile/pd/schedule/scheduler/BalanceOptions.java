package io.rutile.pd.schedule.scheduler;

import java.time.Duration;

/**
 * When balancing is worth it.
 *
 * @param tolerance stores that differ by less than this part of the mean are even, 0 to 1
 * @param leaderBatch operators that one round of balance-leader makes at most
 * @param regionBatch the same of balance-region
 * @param samples Regions of one store that a round looks at
 * @param slowScoreRecovered a slow store whose score, 1 to 100, is not above this counts as well again
 * @param slowRecovery how long it must have been well before it leads again
 */
public record BalanceOptions(
        double tolerance,
        int leaderBatch,
        int regionBatch,
        int samples,
        int slowScoreRecovered,
        Duration slowRecovery) {

    public static final BalanceOptions DEFAULTS = new BalanceOptions(0.02, 8, 8, 16, 10, Duration.ofMinutes(10));

    public BalanceOptions {
        if (!(tolerance >= 0 && tolerance <= 1)) {
            throw new IllegalArgumentException("the tolerance must be 0 to 1, not " + tolerance);
        }
        if (leaderBatch < 1 || regionBatch < 1 || samples < 1) {
            throw new IllegalArgumentException(
                    "batches and samples must be positive, not " + leaderBatch + ", " + regionBatch + ", " + samples);
        }
    }
}
