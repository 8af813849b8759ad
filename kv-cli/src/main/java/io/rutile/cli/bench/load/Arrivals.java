package io.rutile.cli.bench.load;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.IntStream;

/**
 * An open loop without a thread for each request: thousands may be under way. Requests are due by schedule, phase after phase without
 * a pause, and nothing is made up for: what finds too many under way, or comes too late, is counted as not begun. So this process stays
 * bounded however slow the system is. A latency counts from when its request was due.
 *
 * <p>Threads: whoever runs it begins all requests; answers are counted on whatever thread they come.
 */
public final class Arrivals {

    private static final Duration LOOK_INTERVAL = Duration.ofMillis(10);

    private final Calls calls;
    private final int underWayMax;
    private final long lateNanosMax;
    private final long windowNanos;
    private final Time time;
    private final AtomicInteger underWay = new AtomicInteger();

    /** Makes requests. */
    public interface Calls {

        /** Begins one, without blocking; it ends by itself, within its deadline. */
        CompletableFuture<?> begin(SplittableRandom random);
    }

    /** @param rate requests due in a second, more than 0 */
    public record Phase(String name, double rate, Duration duration) {

        public Phase {
            if (!(rate > 0) || duration.isNegative() || duration.isZero()) {
                throw new IllegalArgumentException("a phase needs a rate and a time, not " + rate + " for " + duration);
            }
        }
    }

    /**
     * What came of a phase.
     *
     * @param windows one after the other, each with the requests that were due in it
     * @param acceptedWithin answers that came while the phase lasted, whenever they were due
     * @param beganNanos on the monotonic clock
     */
    public record Result(Phase phase, List<Tally> windows, long acceptedWithin, long beganNanos) {

        public Tally total() {
            return Tally.sum(windows);
        }

        /** Of the answers that came while it lasted: what it has accepted, and not what it left to the next one. */
        public double acceptedPerSecond() {
            return acceptedWithin / (phase.duration().toNanos() / 1e9);
        }

        public long endedNanos() {
            return beganNanos + phase.duration().toNanos();
        }
    }

    /**
     * Prepares it.
     *
     * @param underWayMax requests that may be under way
     * @param lateMax how late a request may begin, and how long is waited for answers after the last one
     * @param window of figures
     */
    public Arrivals(Calls calls, int underWayMax, Duration lateMax, Duration window) {
        this(calls, underWayMax, lateMax, window, Time.SYSTEM);
    }

    Arrivals(Calls calls, int underWayMax, Duration lateMax, Duration window, Time time) {
        this.calls = calls;
        this.underWayMax = underWayMax;
        this.lateNanosMax = lateMax.toNanos();
        this.windowNanos = window.toNanos();
        this.time = time;
    }

    /** Puts all phases on the system; blocks until the last request has ended. */
    public List<Result> run(List<Phase> phases, long seed) throws InterruptedException {
        SplittableRandom random = new SplittableRandom(seed);
        List<Running> all = new ArrayList<>();
        long beganNanos = time.nanos();
        for (Phase phase : phases) {
            all.add(new Running(phase, beganNanos, windowNanos));
            beganNanos += phase.duration().toNanos();
        }
        for (Running phase : all) {
            drive(phase, all, random);
        }
        awaitAnswers();
        return all.stream().map(Running::result).toList();
    }

    private void drive(Running phase, List<Running> all, SplittableRandom random) throws InterruptedException {
        double intervalNanos = TimeUnit.SECONDS.toNanos(1) / phase.phase.rate();
        for (long arrival = 0; ; arrival++) {
            long sinceNanos = (long) (arrival * intervalNanos);
            if (sinceNanos >= phase.phase.duration().toNanos()) {
                return;
            }
            long dueNanos = phase.beganNanos + sinceNanos;
            time.awaitNanos(dueNanos);
            Tally window = phase.windows.get((int) (sinceNanos / windowNanos));
            if (underWay.get() >= underWayMax || time.nanos() - dueNanos > lateNanosMax) {
                window.count(Fate.NOT_BEGUN, 0);
            } else {
                begin(dueNanos, window, all, random);
            }
        }
    }

    private void begin(long dueNanos, Tally window, List<Running> all, SplittableRandom random) {
        underWay.incrementAndGet();
        CompletableFuture<?> call;
        try {
            call = calls.begin(random);
        } catch (RuntimeException e) {
            call = CompletableFuture.failedFuture(e);
        }
        var unused = call.whenComplete((answer, failure) -> {
            long now = time.nanos();
            Fate fate = Fate.of(failure);
            if (fate == Fate.OTHER && failure != null) {
                window.countOther(String.valueOf(Fate.cause(failure).getMessage()));
            } else {
                window.count(fate, now - dueNanos);
            }
            if (fate == Fate.ACCEPTED) {
                all.stream().filter(phase -> phase.isAt(now)).forEach(phase -> phase.accepted.increment());
            }
            underWay.decrementAndGet();
        });
    }

    /** Every call has a deadline; one that ends later than that is missing in the figures, and told. */
    private void awaitAnswers() throws InterruptedException {
        long giveUpNanos = time.nanos() + 2 * lateNanosMax;
        while (underWay.get() > 0) {
            long now = time.nanos();
            if (now - giveUpNanos > 0) {
                throw new IllegalStateException(underWay.get() + " requests did not end by their deadline");
            }
            time.awaitNanos(now + LOOK_INTERVAL.toNanos());
        }
    }

    private static final class Running {

        private final Phase phase;
        private final long beganNanos;
        private final List<Tally> windows;
        private final LongAdder accepted = new LongAdder();

        Running(Phase phase, long beganNanos, long windowNanos) {
            this.phase = phase;
            this.beganNanos = beganNanos;
            long count = (phase.duration().toNanos() + windowNanos - 1) / windowNanos;
            this.windows = IntStream.range(0, Math.toIntExact(count))
                    .mapToObj(i -> new Tally())
                    .toList();
        }

        boolean isAt(long nanos) {
            return nanos - beganNanos >= 0
                    && nanos - beganNanos < phase.duration().toNanos();
        }

        Result result() {
            return new Result(phase, windows, accepted.sum(), beganNanos);
        }
    }
}
