package io.rutile.pd.tso;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.pd.meta.LocalMeta;
import io.rutile.pd.meta.MetaException;
import io.rutile.protocol.TimeStamp;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TsoWindowTest {

    private static final long NOW = 1_700_000_000_000L;
    private static final Duration AHEAD = Duration.ofSeconds(3);

    @TempDir
    Path directory;

    private final ManualClock clock = new ManualClock(NOW);
    private LocalMeta meta;

    @BeforeEach
    void open() {
        meta = LocalMeta.in(directory);
    }

    @Test
    void windowIsDurableBeforeATimestampInsideItLeavesT1() {
        meta.log().hold();
        TsoWindow window = window();

        CompletableFuture<TimeStamp> taken = window.take(1);

        assertThat(taken).isNotDone();
        assertThat(meta.log().heldProposals()).isEqualTo(1);
        meta.log().release();
        assertThat(taken).isCompletedWithValue(TimeStamp.of(NOW, 0));
        assertThat(meta.state().tsoSavedMs()).isEqualTo(NOW + 3_000);
    }

    @Test
    void manyThatWaitShareOneExtension() {
        meta.log().hold();
        TsoWindow window = window();

        List<CompletableFuture<TimeStamp>> taken = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            taken.add(window.take(2));
        }

        assertThat(meta.log().heldProposals()).isEqualTo(1);
        meta.log().release();
        assertThat(taken.stream().map(CompletableFuture::join).distinct()).hasSize(50);
    }

    @Test
    void newTermBeginsAboveTheSavedBoundT1() {
        TimeStamp before = window().take(1).join();
        meta.log().elect();
        clock.set(NOW - 60_000);

        TimeStamp after = window().take(1).join();

        assertThat(after).isGreaterThan(before);
        assertThat(after.physicalMs()).isGreaterThanOrEqualTo(NOW + 3_000);
    }

    @Test
    void clockThatWentBackShowsAsTimestampsAheadOfIt() {
        TsoWindow window = window();
        window.take(1).join();
        assertThat(window.aheadOfClock()).isZero();

        clock.set(NOW - 60_000);
        window.take(1).join();

        assertThat(window.aheadOfClock()).isEqualTo(Duration.ofSeconds(60));
        clock.set(NOW + 1);
        assertThat(window.aheadOfClock()).isZero();
    }

    @Test
    void timestampOfALostTermNeverLeavesT1() {
        TsoWindow window = window();
        window.extend().join();

        meta.log().follow(2);

        assertThat(window.take(1))
                .failsWithin(Duration.ofSeconds(1))
                .withThrowableThat()
                .havingCause()
                .isInstanceOf(MetaException.class);
    }

    @Test
    void oldTermHandsOutNothingEvenWhenThisMemberLeadsAgainT1() {
        TsoWindow old = window();
        old.extend().join();

        meta.log().follow(2);
        meta.log().elect();

        assertThat(old.take(1)).isCompletedExceptionally();
        assertThat(window().take(1)).isCompleted();
    }

    @Test
    void closedWindowHandsOutNothingThoughTheTermGoesOnT1() {
        TsoWindow old = window();
        old.extend().join();
        TimeStamp before = old.take(1).join();

        old.close();
        TsoWindow next = window();

        assertThat(old.take(1)).failsWithin(Duration.ofSeconds(1));
        assertThat(next.take(1).join()).isGreaterThan(before);
    }

    @Test
    void pausedLeaderWithoutLeaseMustProveItselfT1() {
        TsoWindow window = window();
        window.extend().join();

        meta.log().loseLease();

        assertThat(window.take(1)).isCompletedExceptionally();
    }

    @Test
    void windowIsExtendedBeforeItIsNeeded() {
        TsoWindow window = window();
        window.extend().join();
        long first = meta.state().tsoSavedMs();

        window.keepAhead();
        assertThat(meta.state().tsoSavedMs()).isEqualTo(first);
        clock.advance(1_600);
        window.keepAhead();
        assertThat(meta.state().tsoSavedMs()).isEqualTo(NOW + 1_600 + 3_000);
    }

    /** Timestamps stay as far ahead as the clock once was; they neither stop nor go back, and the next leader's do not either. */
    @Test
    void clockThatJumpsTenMinutesAheadAndBackStopsNothingT1() {
        TsoWindow window = window();
        TimeStamp before = window.take(1).join();

        clock.advance(600_000);
        TimeStamp ahead = window.take(1).join();
        clock.advance(-1_200_000);
        TimeStamp behind = window.take(1).join();
        for (int i = 0; i < 100; i++) {
            TimeStamp next = window.take(100_000).join();
            assertThat(next).isGreaterThan(behind);
            behind = next;
        }
        meta.log().elect();
        TimeStamp elected = window().take(1).join();

        assertThat(ahead.physicalMs()).isEqualTo(NOW + 600_000);
        assertThat(before).isLessThan(ahead);
        assertThat(elected).isGreaterThan(behind);
        assertThat(elected.physicalMs()).isLessThan(NOW + 600_000 + 10_000);
    }

    @Test
    void timeNeverGoesBackWhateverClockAndLeadershipDoT1() {
        long seed = Long.getLong("seed", System.nanoTime());
        Random random = new Random(seed);
        TsoWindow window = window();
        TimeStamp last = TimeStamp.ZERO;
        for (int i = 0; i < 5_000; i++) {
            switch (random.nextInt(6)) {
                case 0 -> clock.advance(random.nextInt(1_200_000) - 600_000);
                case 1 -> clock.advance(random.nextInt(3));
                case 2 -> {
                    meta.log().elect();
                    window = window();
                }
                case 3 -> window.keepAhead();
                default -> {
                    int count = 1 + random.nextInt(1_000);
                    TimeStamp taken = join(window.take(count), seed);
                    TimeStamp first = new TimeStamp(taken.value() - count + 1);
                    assertThat(first).as("seed %d", seed).isGreaterThan(last);
                    assertThat(first.physicalMs()).as("seed %d", seed).isEqualTo(taken.physicalMs());
                    assertThat(taken.physicalMs())
                            .as("seed %d", seed)
                            .isLessThan(meta.state().tsoSavedMs());
                    last = taken;
                }
            }
        }
    }

    private static TimeStamp join(CompletableFuture<TimeStamp> taken, long seed) {
        try {
            return taken.join();
        } catch (CompletionException e) {
            throw new AssertionError("seed " + seed, e);
        }
    }

    private TsoWindow window() {
        return new TsoWindow(meta.store(), meta.log().term(), clock, AHEAD);
    }
}
