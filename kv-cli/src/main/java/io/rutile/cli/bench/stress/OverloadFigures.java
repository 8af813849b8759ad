package io.rutile.cli.bench.stress;

import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What decides whether a cluster has stood an overload. Field names are those of the JSON report.
 *
 * @param peakPerSecond what a closed loop got through it
 * @param acceptedPerSecond what it accepted while twice of that was offered
 * @param otherErrors failures that were neither ServerIsBusy nor a deadline
 * @param firstOther what the first of them said
 * @param lost processes that were gone
 * @param restarts of processes
 * @param halfP99Ms at half of the peak, before
 * @param recovery seconds of half of the peak after the overload, in order
 */
public record OverloadFigures(
        double peakPerSecond,
        double acceptedPerSecond,
        long otherErrors,
        @Nullable String firstOther,
        List<String> lost,
        int restarts,
        double halfP99Ms,
        List<Second> recovery) {

    static final double ACCEPTED_OF_PEAK_MIN = 0.9;
    static final int RECOVERY_SECONDS_MAX = 5;
    static final double P99_OF_HALF_MAX = 4;

    /**
     * One second after the overload.
     *
     * @param due requests that were due in it
     * @param accepted of these, however late
     * @param p99Ms of the accepted ones
     */
    public record Second(long due, long accepted, double p99Ms) {}

    /** The three bars, in this order: throughput, survival, recovery. */
    public List<Verdict> judge() {
        return List.of(throughput(), survival(), recovered());
    }

    private Verdict throughput() {
        double ratio = peakPerSecond == 0 ? 0 : acceptedPerSecond / peakPerSecond;
        return new Verdict(
                String.format(Locale.ROOT, "accepted at twice the peak ≥ %.2f of the peak", ACCEPTED_OF_PEAK_MIN),
                String.format(Locale.ROOT, "%.2f (%,.0f of %,.0f a second)", ratio, acceptedPerSecond, peakPerSecond),
                ratio >= ACCEPTED_OF_PEAK_MIN);
    }

    private Verdict survival() {
        boolean met = lost.isEmpty() && restarts == 0 && otherErrors == 0;
        return new Verdict(
                "no process lost, no error but ServerIsBusy and deadline",
                (lost.isEmpty() ? "none lost" : "lost: " + String.join(", ", lost))
                        + ", " + restarts + " restarts, "
                        + String.format(Locale.ROOT, "%,d other errors", otherErrors)
                        + (firstOther == null ? "" : "; first: " + firstOther),
                met);
    }

    private Verdict recovered() {
        int seconds = recoverySeconds();
        return new Verdict(
                String.format(
                        Locale.ROOT,
                        "within %d s after it a second without an error and with p99 < %.0f × that at half of the peak",
                        RECOVERY_SECONDS_MAX,
                        P99_OF_HALF_MAX),
                seconds == 0
                        ? "not within " + recovery.size() + " s"
                        : String.format(
                                Locale.ROOT,
                                "%d s (p99 %.1f ms, before %.1f ms)",
                                seconds,
                                recovery.get(seconds - 1).p99Ms(),
                                halfP99Ms),
                seconds > 0 && seconds <= RECOVERY_SECONDS_MAX);
    }

    /** When the first good second was over, counted from the end of the overload; 0 if none was good. */
    int recoverySeconds() {
        for (int i = 0; i < recovery.size(); i++) {
            Second second = recovery.get(i);
            if (second.due() > 0 && second.accepted() == second.due() && second.p99Ms() < P99_OF_HALF_MAX * halfP99Ms) {
                return i + 1;
            }
        }
        return 0;
    }
}
