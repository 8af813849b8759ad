package io.rutile.node.raftstore;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.node.raftstore.RegionLoad.Touched;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.storage.engine.EngineException;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds the Regions that are led here and asked for more than one replica should serve, and says where they should be cut so that
 * each half gets about half of it.
 *
 * <p>A Region is busy once its requests or bytes have been above the bound at every look of a whole window. Its keys are sampled
 * meanwhile. A border is good if about as many samples lie to its left as to its right, and few reach over it: TiKV's rule
 * (split_controller.rs: balance below 0.25, contained below 0.5). A Region whose load is one key's, or all scans over all of it, has no
 * good border and is left alone.
 *
 * <p>Used by one thread at a time, about once a second.
 */
final class LoadSplitChecker {

    private static final Logger log = LoggerFactory.getLogger(LoadSplitChecker.class);

    /** Difference of left and right, of both together. */
    private static final double IMBALANCE_MAX = 0.25;

    /** Share of the samples that reach over the border. */
    private static final double CONTAINED_MAX = 0.5;

    /** Fewer say too little. */
    private static final int SAMPLES_MIN = 20;

    /** Where borders are looked for, at most: between these shares of the sampled keys, for others can't be balanced. */
    private static final double FIRST_SHARE = 0.3;

    private static final double LAST_SHARE = 0.7;
    private static final int PLACES_MAX = 32;

    private final SplitOptions options;
    private final Borders borders;
    private final LongSupplier nanoClock;
    private final Counter suggested;
    private final AtomicInteger busy = new AtomicInteger();
    private final AtomicInteger stuck = new AtomicInteger();
    private final Map<Long, Watch> watches = new HashMap<>();

    /** Keys that a range may be cut at. */
    interface Borders {

        /** Encodings near a place. */
        List<ByteKey> encodings(KeyRange range, ByteKey place);

        /** Raw keys near a place; none if the range may not be cut at them. */
        List<ByteKey> rawKeys(KeyRange range, ByteKey place);
    }

    /**
     * A Region that is led here.
     *
     * @param cut told where it should be cut; hands over
     */
    record Led(long regionId, KeyRange range, RegionTraffic.Totals traffic, RegionLoad load, Consumer<ByteKey> cut) {}

    /** What was seen of a Region at the last look. */
    private static final class Watch {
        private final KeyRange range;
        private final RegionLoad load;
        private long nanos;
        private long requests;
        private RegionTraffic.Totals traffic;
        private boolean isBusy;
        private boolean isStuck;
        private long busySinceNanos;

        Watch(Led led, long nowNanos) {
            this.range = led.range();
            this.load = led.load();
            this.nanos = nowNanos;
            this.requests = led.load().requests();
            this.traffic = led.traffic();
        }
    }

    LoadSplitChecker(SplitOptions options, Borders borders, LongSupplier nanoClock, MeterRegistry metrics) {
        this.options = options;
        this.borders = borders;
        this.nanoClock = nanoClock;
        this.suggested = metrics.counter("kv.raftstore.splits.load");
        metrics.gauge("kv.raftstore.load.busy", busy);
        metrics.gauge("kv.raftstore.load.stuck", stuck);
    }

    /** @param leaders all Regions that are led here */
    void look(Collection<Led> leaders) {
        if (!options.splitsByLoad()) {
            return;
        }
        long now = nanoClock.getAsLong();
        Set<Long> seen = new HashSet<>();
        for (Led led : leaders) {
            seen.add(led.regionId());
            look(led, now);
        }
        watches.entrySet().removeIf(entry -> {
            boolean gone = !seen.contains(entry.getKey());
            if (gone) {
                entry.getValue().load.stopSampling();
            }
            return gone;
        });
        busy.set((int) watches.values().stream().filter(watch -> watch.isBusy).count());
        stuck.set((int) watches.values().stream().filter(watch -> watch.isStuck).count());
    }

    private void look(Led led, long now) {
        Watch watch = watches.get(led.regionId());
        if (watch == null || !watch.range.equals(led.range()) || watch.load != led.load()) {
            // A new leader, or what a split has left: its load is another one.
            led.load().stopSampling();
            watches.put(led.regionId(), new Watch(led, now));
            return;
        }
        boolean above = isAbove(led, watch, now);
        watch.nanos = now;
        watch.requests = led.load().requests();
        watch.traffic = led.traffic();
        if (!above) {
            watch.isBusy = false;
            watch.isStuck = false;
            led.load().stopSampling();
        } else if (!watch.isBusy) {
            watch.isBusy = true;
            begin(watch, now);
        } else if (now - watch.busySinceNanos >= options.loadWindow().toNanos()) {
            decide(led, watch);
            begin(watch, now);
        }
    }

    private static void begin(Watch watch, long now) {
        watch.busySinceNanos = now;
        watch.load.sample();
    }

    private boolean isAbove(Led led, Watch watch, long now) {
        double seconds = Math.max(1e-3, (now - watch.nanos) / 1e9);
        RegionTraffic.Totals since = led.traffic().minus(watch.traffic);
        double perSecond = (led.load().requests() - watch.requests) / seconds;
        double bytesPerSecond = (since.bytesRead() + since.bytesWritten()) / seconds;
        return (options.qps() > 0 && perSecond >= options.qps())
                || (options.bytesPerSecond() > 0 && bytesPerSecond >= options.bytesPerSecond());
    }

    private void decide(Led led, Watch watch) {
        List<Touched> samples = led.load().samples();
        Optional<ByteKey> border;
        try {
            border = border(led.range(), samples);
        } catch (EngineException e) {
            log.debug("busy region can't be looked at region={} reason={}", led.regionId(), e.getMessage());
            return;
        }
        if (border.isPresent()) {
            watch.isStuck = false;
            suggested.increment();
            log.info("busy region is to be split region={} samples={}", led.regionId(), samples.size());
            led.cut().accept(border.get());
        } else {
            if (!watch.isStuck) {
                log.info(
                        "busy region has no key to split its load at region={} samples={}",
                        led.regionId(),
                        samples.size());
            }
            watch.isStuck = true;
        }
    }

    /** An encoding if there is a good one, see docs/decisions/0008-borders-are-encodings.md. */
    private Optional<ByteKey> border(KeyRange range, List<Touched> samples) {
        if (samples.size() < SAMPLES_MIN) {
            return Optional.empty();
        }
        List<ByteKey> places = places(samples);
        List<ByteKey> encodings = places.stream()
                .flatMap(place -> borders.encodings(range, place).stream())
                .toList();
        Optional<ByteKey> encoded = best(range, samples, encodings);
        return encoded.isPresent()
                ? encoded
                : best(
                        range,
                        samples,
                        places.stream()
                                .flatMap(place -> borders.rawKeys(range, place).stream())
                                .toList());
    }

    private static List<ByteKey> places(List<Touched> samples) {
        List<ByteKey> sorted = samples.stream().map(Touched::first).sorted().toList();
        int from = (int) (sorted.size() * FIRST_SHARE);
        int to = (int) Math.ceil(sorted.size() * LAST_SHARE);
        List<ByteKey> middle = sorted.subList(from, to).stream().distinct().toList();
        int step = (middle.size() + PLACES_MAX - 1) / PLACES_MAX;
        return IntStream.range(0, middle.size())
                .filter(i -> i % step == 0)
                .mapToObj(middle::get)
                .toList();
    }

    /** The border inside the range with the least imbalance and the fewest samples across, if that is good enough. */
    static Optional<ByteKey> best(KeyRange range, List<Touched> samples, List<ByteKey> candidates) {
        @Nullable ByteKey best = null;
        double bestScore = Double.MAX_VALUE;
        for (ByteKey candidate : candidates) {
            if (candidate.compareTo(range.start()) <= 0 || !range.contains(candidate)) {
                continue;
            }
            int left = 0;
            int right = 0;
            for (Touched sample : samples) {
                if (sample.last().compareTo(candidate) < 0) {
                    left++;
                } else if (sample.first().compareTo(candidate) >= 0) {
                    right++;
                }
            }
            double imbalance = Math.abs(left - right) / (double) Math.max(1, left + right);
            double contained = (samples.size() - left - right) / (double) samples.size();
            double score = imbalance + contained;
            if (imbalance < IMBALANCE_MAX && contained < CONTAINED_MAX && score < bestScore) {
                best = candidate;
                bestScore = score;
            }
        }
        return Optional.ofNullable(best);
    }
}
