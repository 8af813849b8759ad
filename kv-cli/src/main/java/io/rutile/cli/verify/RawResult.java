package io.rutile.cli.verify;

import io.rutile.cli.fault.Nemesis.Blackout;
import io.rutile.cli.workload.RawAppends;
import io.rutile.cli.workload.RawAppends.Stall;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * What became of raw pairs.
 *
 * @param protocol of the transactions beside them
 * @param blackouts times in which no node ran, so that nobody could be served
 */
public record RawResult(String protocol, RawAppends.Report report, List<Blackout> blackouts) {

    public RawResult {
        blackouts = List.copyOf(blackouts);
    }

    public boolean isClean() {
        return report.isClean();
    }

    /** The longest time that a client was not served while nodes ran; zero if it was never a second. */
    public Duration longestStall() {
        return outsideBlackouts().map(Stall::length).orElse(Duration.ZERO);
    }

    /** Such times, outside blackouts, in which a call failed. */
    public long failedStalls() {
        return report.stalls().stream()
                .filter(stall -> stall.failed() && !isInBlackout(stall))
                .count();
    }

    private Optional<Stall> outsideBlackouts() {
        return report.stalls().stream().filter(stall -> !isInBlackout(stall)).max(Comparator.comparing(Stall::length));
    }

    private boolean isInBlackout(Stall stall) {
        return blackouts.stream()
                .anyMatch(blackout ->
                        stall.beginNanos() < blackout.endNanos() && blackout.beginNanos() < stall.endNanos());
    }
}
