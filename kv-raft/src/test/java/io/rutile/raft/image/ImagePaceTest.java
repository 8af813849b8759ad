package io.rutile.raft.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class ImagePaceTest {

    private static final int CHUNK = 256 << 10;

    private long nowNanos = Duration.ofDays(1).toNanos();

    private ImagePace pace(long bytesPerSecond) {
        return new ImagePace(bytesPerSecond, () -> nowNanos);
    }

    private static long ms(long nanos) {
        return Duration.ofNanos(nanos).toMillis();
    }

    @Test
    void whatIsSentTogetherIsWithinTheLimit() {
        ImagePace pace = pace(1 << 20);

        assertThat(ms(pace.owed(CHUNK))).isEqualTo(250);
        // Another image at the same moment: both together.
        assertThat(ms(pace.owed(CHUNK))).isEqualTo(500);
        nowNanos += Duration.ofMillis(500).toNanos();
        assertThat(ms(pace.owed(CHUNK))).isEqualTo(250);
    }

    @Test
    void anIdleHourIsNotMadeUpFor() {
        ImagePace pace = pace(1 << 20);
        nowNanos += Duration.ofHours(1).toNanos();

        assertThat(ms(pace.owed(CHUNK))).isEqualTo(250);
    }

    @Test
    void zeroIsNoLimit() {
        ImagePace pace = pace(0);

        assertThat(pace.owed(Integer.MAX_VALUE)).isZero();
        assertThat(pace.owed(Integer.MAX_VALUE)).isZero();
    }
}
