package io.rutile.node.raftstore;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Latencies by hand and a clock in hand. */
class SlowScoreTest {

    private static final long FAST = Duration.ofMillis(1).toNanos();
    private static final long SLOW = Duration.ofMillis(500).toNanos();

    private long nowNanos = Duration.ofHours(1).toNanos();
    private final SlowScore score = new SlowScore(() -> nowNanos);

    private int window(int fast, int slow) {
        for (int i = 0; i < fast; i++) {
            score.syncBegins();
            score.syncEnds(FAST);
        }
        for (int i = 0; i < slow; i++) {
            score.applied(SLOW);
        }
        nowNanos += SlowScore.WINDOW.toNanos();
        return score.score();
    }

    @Test
    void aStoreIsWellUntilItIsSlow() {
        assertThat(score.current()).isEqualTo(1);
        assertThat(window(1_000, 0)).isEqualTo(1);
        assertThat(window(0, 0)).isEqualTo(1);
    }

    @Test
    void aTenthOfSlowOnesDoublesItUntilItIsHundred() {
        int[] expected = {2, 4, 8, 16, 32, 64, 100, 100};
        for (int score : expected) {
            assertThat(window(900, 100)).isEqualTo(score);
        }
    }

    @Test
    void fewerSlowOnesRaiseItLess() {
        for (int i = 0; i < 4; i++) {
            window(900, 100);
        }
        assertThat(score.current()).isEqualTo(16);

        assertThat(window(950, 50)).isEqualTo(24);
    }

    @Test
    void fiveGoodMinutesMakeTheSlowestStoreWell() {
        for (int i = 0; i < 7; i++) {
            window(0, 100);
        }
        assertThat(score.current()).isEqualTo(100);

        assertThat(window(10, 0)).isEqualTo(97);
        for (int i = 0; i < 29; i++) {
            window(10, 0);
        }
        assertThat(score.current()).isEqualTo(1);
    }

    @Test
    void oneHiccupOfAnIdleStoreIsNoSlowStore() {
        assertThat(window(0, 1)).isEqualTo(2);
        assertThat(window(0, 0)).isEqualTo(1);
    }

    @Test
    void aSyncThatDoesNotComeBackCountsAsAll() {
        score.syncBegins();

        assertThat(window(0, 0)).isEqualTo(2);
        nowNanos += SlowScore.WINDOW.toNanos();
        assertThat(score.score()).isEqualTo(4);
        score.syncEnds(25L * 1_000_000_000);

        assertThat(window(1_000, 0)).isEqualTo(4);
        assertThat(window(1_000, 0)).isEqualTo(1);
    }

    @Test
    void askedTooEarlyItSaysWhatItSaidBefore() {
        score.applied(SLOW);
        nowNanos += SlowScore.WINDOW.toNanos() - 1;

        assertThat(score.score()).isEqualTo(1);
        nowNanos += 1;
        assertThat(score.score()).isEqualTo(2);
    }
}
