package io.rutile.cli.bench.load;

import java.time.Duration;
import java.util.Locale;

/**
 * What is put on a subject.
 *
 * @param distribution of keys
 * @param commit how transactions are committed
 * @param clients threads; in an open loop the most operations that are under way at once
 * @param rate operations that begin in a second, all clients together; 0 for a closed loop
 */
public record Load(Workload workload, Distribution distribution, CommitWay commit, int clients, double rate) {

    public static final int CLIENTS_MAX = 10_000;
    public static final double RATE_MAX = 10_000_000;

    public Load {
        if (clients < 1 || clients > CLIENTS_MAX) {
            throw new IllegalArgumentException("clients must be 1 to " + CLIENTS_MAX + ", not " + clients);
        }
        if (!(rate >= 0 && rate <= RATE_MAX)) {
            throw new IllegalArgumentException(
                    String.format(Locale.ROOT, "the rate must be 0 to %,.0f a second, not %s", RATE_MAX, rate));
        }
    }

    /** A closed loop with the workload's own distribution. */
    public static Load closed(Workload workload, int clients) {
        return new Load(workload, workload.distribution(), CommitWay.ONEPC, clients, 0);
    }

    public boolean isOpen() {
        return rate > 0;
    }

    /** A new pace for one run. */
    Pace pace(Time time, Duration duration) {
        long startNanos = time.nanos();
        return isOpen() ? new OpenPace(time, startNanos, duration, rate) : new ClosedPace(time, startNanos, duration);
    }

    /** How the report calls what is done: with all that makes it another one. */
    public String label() {
        return workload.label()
                + (workload.actions().contains(Action.TRANSACTION) ? ", " + commit.label() : "")
                + (distribution != workload.distribution() ? ", " + distribution.label() : "");
    }
}
