package io.rutile.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

class TimeStampTest {

    @Test
    void joinsAndSplitsItsParts() {
        TimeStamp ts = TimeStamp.of(1_790_000_000_000L, 262_143);

        assertThat(ts.physicalMs()).isEqualTo(1_790_000_000_000L);
        assertThat(ts.logical()).isEqualTo(262_143);
        assertThat(ts.value()).isEqualTo(1_790_000_000_000L * 262_144 + 262_143);
    }

    @Test
    void isComparedUnsigned() {
        assertThat(TimeStamp.MAX).isGreaterThan(TimeStamp.of(1L << 45, 0)).isGreaterThan(TimeStamp.ZERO);
        assertThat(TimeStamp.MAX).hasToString("18446744073709551615");
    }

    @Test
    void refusesPartsThatDoNotFit() {
        assertThatIllegalArgumentException().isThrownBy(() -> TimeStamp.of(-1, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> TimeStamp.of(1L << 46, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> TimeStamp.of(0, TimeStamp.LOGICAL_COUNT));
        assertThatIllegalArgumentException().isThrownBy(() -> TimeStamp.of(0, -1));
    }
}
