package io.rutile.cli.bench.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Seeds are fixed: a draw is right or wrong, not right most of the time. */
class DistributionTest {

    private static final long SEED = 20_261_129;
    private static final int DRAWS = 400_000;
    private static final int KEYS = 500;

    @Test
    void uniformDrawsEveryKeyAlike() {
        double[] shares = new double[KEYS];
        Arrays.fill(shares, 1.0 / KEYS);

        assertThat(ChiSquare.fits(draw(Distribution.UNIFORM), shares)).isTrue();
        assertThat(ChiSquare.fits(draw(Distribution.ZIPFIAN), shares))
                .as("the test tells them apart")
                .isFalse();
    }

    @Test
    void zipfianFollowsZipfsLaw() {
        double[] shares = zipf(KEYS);

        assertThat(ChiSquare.fits(draw(Distribution.ZIPFIAN), shares)).isTrue();
        assertThat(ChiSquare.fits(draw(Distribution.SCRAMBLED), shares)).isFalse();
    }

    @Test
    void latestFollowsItFromTheEnd() {
        double[] forwards = zipf(KEYS);
        double[] shares = new double[KEYS];
        for (int i = 0; i < KEYS; i++) {
            shares[i] = forwards[KEYS - 1 - i];
        }

        assertThat(ChiSquare.fits(draw(Distribution.LATEST), shares)).isTrue();
    }

    @Test
    void latestFollowsInserts() {
        Inserts inserts = new Inserts(10);
        KeyChoice latest = Distribution.LATEST.over(inserts);
        SplittableRandom random = new SplittableRandom(SEED);
        for (int i = 0; i < 90; i++) {
            inserts.succeeded(inserts.begin());
        }

        long[] counts = new long[100];
        for (int i = 0; i < 10_000; i++) {
            counts[(int) latest.next(random)]++;
        }

        assertThat(counts[99]).isGreaterThan(counts[98]).isGreaterThan(1_500);
    }

    /** The hot ranks are where their hashes put them; the endless tail lies evenly. */
    @Test
    void scrambledSpreadsTheRanksOfTenThousandMillionItems() {
        int exact = 1_000_000;
        double all = harmonic(Distribution.SCRAMBLED_ITEMS);
        double[] shares = new double[KEYS];
        double seen = 0;
        for (int rank = 1; rank <= exact; rank++) {
            double share = density(rank) / all;
            seen += share;
            shares[(int) Long.remainderUnsigned(Hash.of(rank), KEYS)] += share;
        }
        for (int i = 0; i < KEYS; i++) {
            shares[i] += (1 - seen) / KEYS;
        }

        long[] counts = draw(Distribution.SCRAMBLED);

        assertThat(ChiSquare.fits(counts, shares)).isTrue();
        assertThat(Arrays.stream(counts).max().orElseThrow() / (double) DRAWS)
                .as("YCSB's hottest key")
                .isBetween(0.035, 0.045);
    }

    @Test
    void ranksOfAnyRangeAreExact() {
        SplittableRandom random = new SplittableRandom(SEED);
        Zipf zipf = new Zipf(0.7);
        for (long n : new long[] {1, 2, 3, 40}) {
            double[] shares = new double[(int) n];
            double sum = 0;
            for (int i = 0; i < n; i++) {
                shares[i] = Math.pow(i + 1, -0.7);
                sum += shares[i];
            }
            long[] counts = new long[(int) n];
            for (int i = 0; i < n; i++) {
                shares[i] /= sum;
            }
            for (int i = 0; i < 100_000; i++) {
                counts[(int) zipf.next(random, n) - 1]++;
            }

            assertThat(ChiSquare.fits(counts, shares)).as("%d ranks", n).isTrue();
        }
    }

    @Test
    void whatHasNoDistributionIsRefused() {
        assertThatThrownBy(() -> new Zipf(1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Zipf(0.99).next(new SplittableRandom(1), 0))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private static long[] draw(Distribution distribution) {
        KeyChoice choice = distribution.over(new Inserts(KEYS));
        SplittableRandom random = new SplittableRandom(SEED);
        long[] counts = new long[KEYS];
        for (int i = 0; i < DRAWS; i++) {
            counts[(int) choice.next(random)]++;
        }
        return counts;
    }

    private static double[] zipf(int n) {
        double[] shares = new double[n];
        double all = harmonic(n);
        for (int i = 0; i < n; i++) {
            shares[i] = density(i + 1) / all;
        }
        return shares;
    }

    private static double density(long rank) {
        return Math.pow((double) rank, -Distribution.THETA);
    }

    /** Of n ranks: the first term by term, the rest by Euler and Maclaurin. */
    private static double harmonic(long n) {
        long exact = Math.min(n, 100_000);
        double sum = 0;
        for (long rank = 1; rank <= exact; rank++) {
            sum += density(rank);
        }
        double power = 1 - Distribution.THETA;
        return sum
                + (Math.pow((double) n, power) - Math.pow((double) exact, power)) / power
                + (density(n) - density(exact)) / 2 * (n > exact ? 1 : 0);
    }
}
