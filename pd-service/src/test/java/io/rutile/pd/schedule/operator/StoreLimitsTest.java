package io.rutile.pd.schedule.operator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.pd.schedule.operator.OperatorLimits.PerMinute;
import io.rutile.pd.schedule.operator.StoreLimits.Kind;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class StoreLimitsTest {

    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    private final StoreLimits limits = new StoreLimits(() -> new OperatorLimits.Stores(
            new PerMinute(6, 60), Map.of(9L, new PerMinute(0, 0), 8L, new PerMinute(0.5, 1))));

    @Test
    void minutesWorthMayComeAtOnceAndThenOneAfterTheOther() {
        for (int i = 0; i < 6; i++) {
            assertThat(limits.allows(1, Kind.ADD, 0)).isTrue();
            limits.take(1, Kind.ADD, 1, 0);
        }

        assertThat(limits.allows(1, Kind.ADD, 0)).isFalse();
        assertThat(limits.allows(1, Kind.ADD, SECOND))
                .as("a part of a token is enough to begin")
                .isTrue();
        limits.take(1, Kind.ADD, 1, SECOND);
        assertThat(limits.allows(1, Kind.ADD, 9 * SECOND))
                .as("but the debt comes first")
                .isFalse();
        assertThat(limits.allows(1, Kind.ADD, 11 * SECOND)).isTrue();
    }

    @Test
    void kindsAndStoresDoNotShare() {
        for (int i = 0; i < 6; i++) {
            limits.take(1, Kind.ADD, 1, 0);
        }

        assertThat(limits.allows(1, Kind.REMOVE, 0)).isTrue();
        assertThat(limits.allows(2, Kind.ADD, 0)).isTrue();
    }

    @Test
    void limitOfNothingIsNothingAndLessThanOneAMinuteIsStillOne() {
        assertThat(limits.allows(9, Kind.ADD, 0)).isFalse();
        assertThat(limits.allows(8, Kind.ADD, 0)).isTrue();
        limits.take(8, Kind.ADD, 1, 0);
        assertThat(limits.allows(8, Kind.ADD, 0)).isFalse();
        assertThat(limits.tokens(8, Kind.ADD, 600 * SECOND)).isEqualTo(1);
    }

    @Test
    void smallRegionCostsLess() {
        assertThat(StoreLimits.cost(96 << 20)).isEqualTo(1);
        assertThat(StoreLimits.cost(1 << 20)).isLessThan(0.5);
    }

    @Test
    void negativeLimitIsRefused() {
        assertThatThrownBy(() -> new PerMinute(-1, 1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new PerMinute(1, Double.NaN)).isInstanceOf(IllegalArgumentException.class);
    }
}
