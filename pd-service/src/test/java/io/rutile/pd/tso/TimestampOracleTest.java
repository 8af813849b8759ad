package io.rutile.pd.tso;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.protocol.TimeStamp;
import org.junit.jupiter.api.Test;

class TimestampOracleTest {

    private static final long NOW = 1_700_000_000_000L;

    private final ManualClock clock = new ManualClock(NOW);

    @Test
    void followsTheClockAndCountsWithinAMillisecond() {
        TimestampOracle oracle = oracle(0, NOW + 3_000);

        assertThat(oracle.next(1)).contains(TimeStamp.of(NOW, 0));
        assertThat(oracle.next(10)).contains(TimeStamp.of(NOW, 10));
        clock.advance(5);
        assertThat(oracle.next(1)).contains(TimeStamp.of(NOW + 5, 0));
    }

    @Test
    void batchNeverSpansTwoMilliseconds() {
        TimestampOracle oracle = oracle(0, NOW + 3_000);
        int all = (int) TimeStamp.LOGICAL_COUNT;

        assertThat(oracle.next(all - 1)).contains(TimeStamp.of(NOW, all - 2));
        // One is left in this millisecond: two do not fit, so both come from the next one.
        assertThat(oracle.next(2)).contains(TimeStamp.of(NOW + 1, 1));
        assertThat(oracle.next(all)).contains(TimeStamp.of(NOW + 2, all - 1));
        assertThat(oracle.next(1)).contains(TimeStamp.of(NOW + 3, 0));
    }

    @Test
    void clockThatGoesBackStopsNothingT1() {
        TimestampOracle oracle = oracle(0, NOW + 3_000);
        TimeStamp before = oracle.next(1).orElseThrow();

        clock.set(NOW - 3_600_000);

        assertThat(oracle.next(1).orElseThrow()).isEqualTo(new TimeStamp(before.value() + 1));
    }

    @Test
    void clockThatJumpsAheadWaitsForTheWindowT1() {
        TimestampOracle oracle = oracle(0, NOW + 3_000);

        clock.set(NOW + 86_400_000);

        assertThat(oracle.next(1)).isEmpty();
        oracle.allowUntil(NOW + 86_400_001);
        assertThat(oracle.next(1)).contains(TimeStamp.of(NOW + 86_400_000, 0));
        clock.set(NOW);
        assertThat(oracle.next(1)).contains(TimeStamp.of(NOW + 86_400_000, 1));
    }

    @Test
    void nothingLeavesAtOrBehindTheLimit() {
        TimestampOracle oracle = oracle(0, NOW + 1);
        int all = (int) TimeStamp.LOGICAL_COUNT;

        assertThat(oracle.next(all)).contains(TimeStamp.of(NOW, all - 1));
        assertThat(oracle.next(1)).isEmpty();
    }

    @Test
    void beginsAtTheFloorWhenTheClockIsBehindIt() {
        TimestampOracle oracle = oracle(NOW + 500, NOW + 3_000);

        assertThat(oracle.next(1)).contains(TimeStamp.of(NOW + 500, 0));
    }

    @Test
    void countOutsideItsRangeIsRefused() {
        TimestampOracle oracle = oracle(0, NOW + 3_000);

        assertThatThrownBy(() -> oracle.next(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> oracle.next((int) TimeStamp.LOGICAL_COUNT + 1))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private TimestampOracle oracle(long floorMs, long limitMs) {
        TimestampOracle oracle = new TimestampOracle(clock, floorMs);
        oracle.allowUntil(limitMs);
        return oracle;
    }
}
