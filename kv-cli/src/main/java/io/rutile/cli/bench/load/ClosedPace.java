package io.rutile.cli.bench.load;

import java.time.Duration;

/**
 * Every client sends its next operation when the last one was answered. Latencies are those that a waiting caller sees; a stall counts
 * once for each client, not once for each request that an open system would have sent meanwhile.
 */
final class ClosedPace implements Pace {

    private final Time time;
    private final long endNanos;

    ClosedPace(Time time, long startNanos, Duration duration) {
        this.time = time;
        this.endNanos = startNanos + duration.toNanos();
    }

    @Override
    public long next() {
        long now = time.nanos();
        return now - endNanos < 0 ? now : END;
    }

    @Override
    public long unsent() {
        return 0;
    }
}
