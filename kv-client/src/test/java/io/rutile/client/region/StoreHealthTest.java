package io.rutile.client.region;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class StoreHealthTest {

    private long nowNanos;
    private final StoreHealth health = new StoreHealth(() -> nowNanos);

    private void letPass(Duration time) {
        nowNanos += time.toNanos();
    }

    @Test
    void aStoreThatRefusesIsAvoidedForHalfASecondAtMost() {
        for (int i = 0; i < 40; i++) {
            health.refused(1);
        }

        assertThat(health.admits(1)).isFalse();
        letPass(Duration.ofMillis(500));
        assertThat(health.admits(1)).isTrue();
    }

    @Test
    void aStoreThatSaysNothingIsAvoidedForOneSecondThenTwoThenFour() {
        for (long seconds : new long[] {1, 2, 4, 4}) {
            health.silent(1);
            letPass(Duration.ofSeconds(seconds).minusNanos(1));
            assertThat(health.admits(1)).isFalse();
            letPass(Duration.ofNanos(1));
            assertThat(health.admits(1)).isTrue();
        }
    }

    @Test
    void oneCallerAtATimeTriesAStoreWhoseTimeHasCome() {
        health.silent(1);
        letPass(Duration.ofSeconds(1));

        assertThat(health.admits(1)).isTrue();
        assertThat(health.admits(1)).isFalse();
        letPass(Duration.ofSeconds(1));
        assertThat(health.admits(1)).isTrue();
    }

    /** It refused while it started; the one request that it swallows later is its first. */
    @Test
    void refusalsDoNotCountAsSilence() {
        for (int i = 0; i < 20; i++) {
            health.refused(1);
        }
        health.silent(1);

        letPass(Duration.ofSeconds(1));
        assertThat(health.admits(1)).isTrue();
    }

    @Test
    void anyAnswerMakesItWell() {
        health.silent(1);
        health.silent(1);
        health.answered(1);

        assertThat(health.isWell(1)).isTrue();
        assertThat(health.admits(1)).isTrue();
        assertThat(health.avoidedCount()).isZero();
    }
}
