package io.rutile.cli.bench.load;

import java.util.SplittableRandom;

/**
 * Ranks by Zipf's law: the chance of rank {@code k} of {@code n} goes with {@code k^-theta}. Exact, in constant time and memory for any
 * {@code n}, which may differ from draw to draw: rejection-inversion after Hörmann and Derflinger, "Rejection-inversion to generate
 * variates from monotone discrete distributions" (1996). A draw takes 1.1 attempts on average.
 */
public final class Zipf {

    private final double theta;

    /** Up to here behind a rank's left edge the hat is so close that no test is needed. */
    private final double squeeze;

    private volatile Range range;

    /** Where the inverse is drawn from, for ranks up to {@code n}. */
    private record Range(long n, double first, double last) {}

    /**
     * Ranks of one law.
     *
     * @param theta above 0, not 1; YCSB's is 0.99
     */
    public Zipf(double theta) {
        if (!(theta > 0) || theta == 1) {
            throw new IllegalArgumentException("theta must be above 0 and not 1, not " + theta);
        }
        this.theta = theta;
        this.squeeze = 2 - inverse(integral(2.5) - density(2));
        this.range = rangeOf(1);
    }

    /** The next rank: 1 to {@code n}, 1 the most often. */
    public long next(SplittableRandom random, long n) {
        Range of = range;
        if (of.n() != n) {
            of = rangeOf(n);
            range = of;
        }
        while (true) {
            double drawn = of.last() + random.nextDouble() * (of.first() - of.last());
            double x = inverse(drawn);
            long rank = Math.max(1, Math.min(n, (long) (x + 0.5)));
            if (rank - x <= squeeze || drawn >= integral((double) rank + 0.5) - density((double) rank)) {
                return rank;
            }
        }
    }

    private Range rangeOf(long n) {
        if (n < 1) {
            throw new IllegalArgumentException("there is no rank among " + n);
        }
        return new Range(n, integral(1.5) - 1, integral((double) n + 0.5));
    }

    private double density(double x) {
        return Math.exp(-theta * Math.log(x));
    }

    /** Of the density, from 1. */
    private double integral(double x) {
        return Math.expm1((1 - theta) * Math.log(x)) / (1 - theta);
    }

    private double inverse(double y) {
        return Math.exp(Math.log1p((1 - theta) * y) / (1 - theta));
    }
}
