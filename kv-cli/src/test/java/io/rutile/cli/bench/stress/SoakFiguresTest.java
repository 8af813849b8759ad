package io.rutile.cli.bench.stress;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleToLongFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class SoakFiguresTest {

    private static final double SLICE_SECONDS = 600;
    private static final long LIVE = 1 << 30;

    private static final List<ProcessSample> STEADY =
            of("node-1", minute -> 800 + (long) minute % 3 * 20, minute -> 90 + (long) minute % 2, minute -> 300);

    private static final List<Double> P99 = List.of(9.0, 10.0, 11.0, 12.0, 11.0, 13.0);

    /** One sample a minute, of an hour. */
    private static List<ProcessSample> of(
            String process, DoubleToLongFunction resident, DoubleToLongFunction threads, DoubleToLongFunction files) {
        List<ProcessSample> samples = new ArrayList<>();
        for (int minute = 0; minute <= 60; minute++) {
            samples.add(new ProcessSample(
                    60.0 * minute,
                    process,
                    7,
                    resident.applyAsLong(minute),
                    threads.applyAsLong(minute),
                    files.applyAsLong(minute)));
        }
        return samples;
    }

    private static List<String> missed(List<ProcessSample> samples, List<Double> p99Ms, long failed, long dataBytes) {
        return new SoakFigures(SLICE_SECONDS, samples, p99Ms, failed, LIVE, List.of(dataBytes - 1, dataBytes, LIVE * 9))
                .judge().stream()
                        .filter(verdict -> !verdict.met())
                        .map(verdict -> verdict.bar().split(" ", 2)[0])
                        .toList();
    }

    private static List<String> missed(List<ProcessSample> samples) {
        return missed(samples, P99, 0, LIVE * 3 / 2);
    }

    @Test
    void whoeverReachesEveryBarHasMetAll() {
        assertThat(missed(STEADY)).isEmpty();
    }

    @Test
    void whatGrowsWhileItSettlesIsNoGrowth() {
        assertThat(missed(of(
                        "node-1", minute -> minute < 10 ? 300 + (long) minute * 50 : 800, minute -> 90, minute -> 300)))
                .isEmpty();
    }

    @Test
    void aLeakIsSeenHoweverMuchItWavers() {
        // One MiB a minute is 50 after the first ten minutes; five percent of 800 are 40.
        assertThat(missed(of(
                        "node-1", minute -> 800 + (long) minute + (long) minute % 4 * 10, minute -> 90, minute -> 300)))
                .containsExactly("resident");
        assertThat(missed(of("node-1", minute -> 800, minute -> 90 + (long) minute / 6, minute -> 300)))
                .containsExactly("threads");
        assertThat(missed(of("node-1", minute -> 800, minute -> 90, minute -> 300 + (long) minute / 2)))
                .containsExactly("open");
    }

    @Test
    void littleMoreOfLittleIsNoLeak() {
        assertThat(missed(of(
                        "pd-1",
                        minute -> 200 + (long) minute / 4,
                        minute -> 20 + (long) minute / 20,
                        minute -> 40 + (long) minute / 5)))
                .isEmpty();
    }

    @Test
    void oneOfManyProcessesIsEnough() {
        List<ProcessSample> leaking = of("node-2", minute -> 400 + 2 * (long) minute, minute -> 90, minute -> 300);

        assertThat(missed(Stream.concat(STEADY.stream(), leaking.stream()).toList()))
                .containsExactly("resident");
    }

    @Test
    void whatWasNotSeenIsNotFlat() {
        assertThat(missed(List.of())).containsExactly("resident", "threads", "open");
        assertThat(missed(STEADY.subList(0, 12))).containsExactly("resident", "threads", "open");
    }

    @Test
    void theOtherBars() {
        assertThat(missed(STEADY, List.of(9.0, 10.0, 11.0, 12.0, 11.0, 13.1), 0, LIVE))
                .containsExactly("p99");
        assertThat(missed(STEADY, List.of(9.0, 0.0, 11.0, 12.0, 11.0, 0.0), 0, LIVE))
                .containsExactly("p99");
        assertThat(missed(STEADY, List.of(9.0), 0, LIVE)).containsExactly("p99");
        assertThat(missed(STEADY, P99, 1, LIVE)).containsExactly("every");
        assertThat(missed(STEADY, P99, 0, LIVE * 3 / 2 + 1)).containsExactly("data");
    }

    @Test
    void aProcessThatWasGoneOrIsAnotherOneIsSeen() {
        List<ProcessSample> gone = new ArrayList<>(STEADY);
        gone.set(30, ProcessSample.gone(1_800, "node-1"));
        List<ProcessSample> another = new ArrayList<>(STEADY);
        another.set(60, new ProcessSample(3_600, "node-1", 8, 800, 90, 300));

        assertThat(missed(gone)).containsExactly("no");
        assertThat(ProcessWatch.lost(gone)).containsExactly("node-1");
        assertThat(missed(another)).containsExactly("no");
        assertThat(ProcessWatch.restarts(another)).isEqualTo(1);
        assertThat(ProcessWatch.restarts(STEADY)).isZero();
    }
}
