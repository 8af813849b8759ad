package io.rutile.cli.check;

import io.rutile.protocol.TimeStamp;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * One transaction as its client saw it.
 *
 * @param id unique in its history
 * @param client which client ran it; a client runs one at a time
 * @param time when, on the client's monotonic clock
 * @param startTs the snapshot that it read; zero if it never got one
 * @param commitTs where it was committed; zero unless the client was told
 * @param steps what it did and saw, up to where it failed
 * @param error why it was not done; empty if it was
 */
public record TxnRecord(
        long id,
        int client,
        Interval time,
        TimeStamp startTs,
        TimeStamp commitTs,
        Outcome outcome,
        List<Step> steps,
        String error) {

    /**
     * A stretch of time, in nanoseconds since the history began.
     *
     * @param begunNanos before the first request was sent
     * @param endedNanos after the last answer was there
     */
    public record Interval(long begunNanos, long endedNanos) {

        public Interval {
            if (endedNanos < begunNanos) {
                throw new IllegalArgumentException("ended at " + endedNanos + ", before it began at " + begunNanos);
            }
        }

        /** True if this was over before the other began. */
        public boolean isBefore(Interval other) {
            return endedNanos < other.begunNanos;
        }
    }

    public TxnRecord {
        steps = List.copyOf(steps);
    }

    boolean is(Outcome expected) {
        return outcome == expected;
    }

    boolean writesNothing() {
        return steps.stream().allMatch(step -> step.kind() == Step.Kind.READ);
    }

    /** Short, for sentences. */
    String name() {
        return "T" + id;
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "T%d (client %d, %.6f s to %.6f s, start %d, commit %d, %s%s): %s",
                id,
                client,
                time.begunNanos / 1e9,
                time.endedNanos / 1e9,
                startTs.value(),
                commitTs.value(),
                outcome.name().toLowerCase(Locale.ROOT),
                error.isEmpty() ? "" : ", " + error,
                steps.stream().map(Step::toString).collect(Collectors.joining(", ")));
    }
}
