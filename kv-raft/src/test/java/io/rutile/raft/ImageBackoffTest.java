package io.rutile.raft;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ImageBackoffTest {

    private static final Replica REPLICA = new Replica(2, 102);

    @Test
    void thePauseDoublesUpToItsBoundAndBeginsAnewWithAnImageThatIsTaken() {
        ImageBackoff backoff = new ImageBackoff(() -> 1);

        assertThat(IntStream.range(0, 8).mapToLong(i -> backoff.refusedBy(REPLICA)))
                .containsExactly(200L, 400L, 800L, 1_600L, 3_200L, 6_400L, 10_000L, 10_000L);
        assertThat(backoff.refusedBy(new Replica(3, 103))).isEqualTo(200);
        for (int i = 0; i < 100; i++) {
            assertThat(backoff.refusedBy(REPLICA)).isEqualTo(ImageBackoff.PAUSE_MS_MAX);
        }

        backoff.takenBy(REPLICA);

        assertThat(backoff.refusedBy(REPLICA)).isEqualTo(200);
    }

    @Test
    void halfOfThePauseIsDrawn() {
        ImageBackoff least = new ImageBackoff(() -> 0);

        assertThat(least.refusedBy(REPLICA)).isEqualTo(100);
        assertThat(least.refusedBy(REPLICA)).isEqualTo(200);
    }
}
