package io.rutile.cli.bench.load;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/**
 * Operations begin by schedule, at equal intervals, whether earlier ones were answered or not; a free client takes the next. If none is
 * free, the operation waits for one, and its latency counts from when it was meant to begin: what a stall keeps waiting is in the
 * figures (no coordinated omission). All that was due before the end is carried out, for ten seconds after it; the rest is counted.
 */
final class OpenPace implements Pace {

    static final Duration OVERTIME = Duration.ofSeconds(10);

    private final Time time;
    private final long startNanos;
    private final double intervalNanos;
    private final long due;
    private final long giveUpNanos;
    private final AtomicLong arrivals = new AtomicLong();
    private final LongAdder unsent = new LongAdder();

    OpenPace(Time time, long startNanos, Duration duration, double rate) {
        this.time = time;
        this.startNanos = startNanos;
        this.intervalNanos = TimeUnit.SECONDS.toNanos(1) / rate;
        this.due = (long) Math.ceil(duration.toNanos() / intervalNanos);
        this.giveUpNanos = startNanos + duration.plus(OVERTIME).toNanos();
    }

    @Override
    public long next() throws InterruptedException {
        while (true) {
            long arrival = arrivals.getAndIncrement();
            if (arrival >= due) {
                return END;
            }
            long intendedNanos = startNanos + (long) (arrival * intervalNanos);
            time.awaitNanos(intendedNanos);
            if (time.nanos() - giveUpNanos < 0) {
                return intendedNanos;
            }
            unsent.increment();
        }
    }

    @Override
    public long unsent() {
        return unsent.sum();
    }
}
