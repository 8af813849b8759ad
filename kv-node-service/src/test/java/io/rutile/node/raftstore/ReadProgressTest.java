package io.rutile.node.raftstore;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.node.raftstore.ReadProgress.Mark;
import org.junit.jupiter.api.Test;

/** P8: what a replica makes of its leaders' words. */
class ReadProgressTest {

    private final ReadProgress progress = new ReadProgress();

    @Test
    void nothingIsPromisedBeforeAWord() {
        assertThat(progress.safeTs(1, 100)).isZero();
    }

    @Test
    void p8_aWordHoldsOnceItsIndexIsApplied() {
        progress.offer(new Mark(1, 10, 100));
        progress.offer(new Mark(1, 12, 120));

        assertThat(progress.safeTs(1, 9)).isZero();
        assertThat(progress.safeTs(1, 10)).isEqualTo(100);
        assertThat(progress.safeTs(1, 11)).isEqualTo(100);
        assertThat(progress.safeTs(1, 12)).isEqualTo(120);
    }

    @Test
    void p8_aWordHoldsForItsRangeAlone() {
        progress.offer(new Mark(1, 10, 100));
        assertThat(progress.safeTs(2, 11)).as("split or merged at 11").isZero();
        progress.offer(new Mark(2, 11, 90));

        assertThat(progress.safeTs(1, 10)).isEqualTo(100);
        assertThat(progress.safeTs(2, 11)).isEqualTo(90);
    }

    @Test
    void lateAndRepeatedWordsChangeNothing() {
        progress.offer(new Mark(2, 12, 120));
        progress.offer(new Mark(2, 12, 120));
        progress.offer(new Mark(2, 11, 130));
        progress.offer(new Mark(2, 13, 110));
        progress.offer(new Mark(1, 20, 200));

        assertThat(progress.safeTs(2, 50)).isEqualTo(120);
        assertThat(progress.safeTs(1, 50)).isZero();
    }

    @Test
    void inAQuietRegionTheLastWordIsEnough() {
        for (int ts = 100; ts < 1_000; ts++) {
            progress.offer(new Mark(1, 10, ts));
        }
        assertThat(progress.safeTs(1, 10)).isEqualTo(999);
    }

    /** R10: it still gets on with what it was told first. */
    @Test
    void r10_aReplicaThatLagsIsToldNoMoreThanItCanKeep() {
        for (int i = 0; i < 1_000; i++) {
            progress.offer(new Mark(1, 10 + i, 100 + i));
        }

        assertThat(progress.safeTs(1, 12)).isEqualTo(102);
        assertThat(progress.safeTs(1, 10 + ReadProgress.WAITING_MAX)).isEqualTo(100 + ReadProgress.WAITING_MAX - 2);
        assertThat(progress.safeTs(1, 1_009)).isEqualTo(1_099);
    }
}
