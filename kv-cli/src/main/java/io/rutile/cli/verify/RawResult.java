package io.rutile.cli.verify;

import io.rutile.cli.fault.Nemesis.Blackout;
import io.rutile.cli.workload.RawAppends;
import io.rutile.cli.workload.RawAppends.Stall;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * What became of raw pairs.
 *
 * @param protocol of the transactions beside them
 * @param blackouts times in which no node ran, so that nobody could be served
 */
public record RawResult(String protocol, RawAppends.Report report, List<Blackout> blackouts) {

    /** No failed call is to last longer. */
    private static final Duration LONG = Duration.ofSeconds(5);

    public RawResult {
        blackouts = List.copyOf(blackouts);
    }

    public boolean isClean() {
        return report.isClean();
    }

    /** The longest time that a client was not served while nodes ran; zero if it was never a second. */
    public Duration longestStall() {
        return outsideBlackouts()
                .map(Stall::length)
                .max(Comparator.naturalOrder())
                .orElse(Duration.ZERO);
    }

    /** Such times, outside blackouts, in which a call failed. */
    public long failedStalls() {
        return outsideBlackouts().filter(stall -> !stall.failure().isEmpty()).count();
    }

    /** When each such time of {@link #LONG} and more was, and how its last failed call ended, in words. */
    public List<String> longStalls() {
        return outsideBlackouts()
                .filter(stall -> stall.length().compareTo(LONG) >= 0)
                .map(stall -> String.format(
                        Locale.ROOT,
                        "a raw client was not served for %.1f s until %s: %s",
                        stall.length().toMillis() / 1e3,
                        stall.end().truncatedTo(ChronoUnit.MILLIS),
                        stall.failure().isEmpty() ? "a call took that long" : stall.failure()))
                .toList();
    }

    private Stream<Stall> outsideBlackouts() {
        return report.stalls().stream().filter(stall -> !isInBlackout(stall));
    }

    private boolean isInBlackout(Stall stall) {
        return blackouts.stream()
                .anyMatch(blackout ->
                        stall.beginNanos() < blackout.endNanos() && blackout.beginNanos() < stall.endNanos());
    }
}
