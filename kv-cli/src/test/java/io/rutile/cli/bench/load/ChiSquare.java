package io.rutile.cli.bench.load;

/** Pearson's test of drawn counts against expected shares. */
final class ChiSquare {

    /** Standard deviations of the statistic; beyond five it happens once in some hundred thousand tests. */
    private static final double DEVIATIONS_MAX = 5;

    private ChiSquare() {}

    /** @param shares of each bin, together 1, none so small that fewer than five draws are expected */
    static boolean fits(long[] counts, double[] shares) {
        long draws = 0;
        for (long count : counts) {
            draws += count;
        }
        double statistic = 0;
        for (int i = 0; i < counts.length; i++) {
            double expected = shares[i] * draws;
            if (expected < 5) {
                throw new IllegalArgumentException("bin " + i + " expects " + expected + " draws");
            }
            statistic += (counts[i] - expected) * (counts[i] - expected) / expected;
        }
        double degrees = counts.length - 1;
        return statistic <= degrees + DEVIATIONS_MAX * Math.sqrt(2 * degrees);
    }
}
