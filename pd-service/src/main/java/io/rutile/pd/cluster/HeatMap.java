package io.rutile.pd.cluster;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.LongSupplier;

/**
 * Who reads and writes where, over the last two hours: a ring of {@value #BUCKETS_MAX} buckets of a minute, each with at most {@value
 * HeatRows#MAX} ranges of keys of its own. A bucket's ranges are chosen when it begins, from the Regions as they are then; what Regions
 * that were split or merged meanwhile report is spread over the ranges that they lie in.
 *
 * <p>What a leader reports is about the time since its report before, so it is shared out among the buckets of that time; what lies
 * before the ring, or further back than {@link #REACH}, is left out.
 *
 * <p>Bounded by itself, whatever the cluster: {@value #BUCKETS_MAX} × {@value HeatRows#MAX} ranges × (four numbers and a border of at most
 * {@value HeatCells#BORDER_BYTES_MAX} bytes) is less than 8 MiB. Soft: it ends with its term. Safe from any thread: one lock, held for a
 * few searches among {@value HeatRows#MAX} borders.
 */
public final class HeatMap {

    static final int BUCKETS_MAX = 120;
    static final Duration BUCKET = Duration.ofMinutes(1);

    /** How far back a report may count: a Region that was silent for longer says nothing of minutes any more. */
    static final Duration REACH = Duration.ofMinutes(10);

    /** A bucket that began when there were half as many Regions says too little of where: the next one begins so soon. */
    private static final Duration BUCKET_MIN = Duration.ofSeconds(5);

    /** A key costs something however small it is: reads of tiny values are heat, too. */
    private static final long BYTES_PER_KEY = 64;

    private final LongSupplier nanoClock;
    private final Deque<Bucket> ring = new ArrayDeque<>();
    private int regionsAtBegin;

    private static final class Bucket {
        final long fromNanos;
        long toNanos;
        final List<ByteKey> starts;
        final Map<HeatMeasure, HeatCells> cells = new EnumMap<>(HeatMeasure.class);

        Bucket(long fromNanos, List<ByteKey> starts) {
            this.fromNanos = fromNanos;
            this.toNanos = fromNanos;
            this.starts = starts;
            for (HeatMeasure measure : HeatMeasure.values()) {
                cells.put(measure, HeatCells.of(starts));
            }
        }
    }

    /**
     * One minute of a picture.
     *
     * @param fromNanos on the monotonic clock
     * @param toNanos on the monotonic clock; of the last one, now
     * @param amounts by row: what went through it in this time
     */
    public record Column(long fromNanos, long toNanos, List<Long> amounts) {}

    /**
     * Rows are ranges of keys, columns are times; the last column is not over yet.
     *
     * @param rows first key of each row, ascending, at most {@value HeatRows#MAX}; the first is empty
     */
    public record Picture(HeatMeasure measure, long nowNanos, List<ByteKey> rows, List<Column> columns) {

        /** The keys of a row. */
        public KeyRange range(int row) {
            return new KeyRange(rows.get(row), row + 1 < rows.size() ? rows.get(row + 1) : ByteKey.EMPTY);
        }
    }

    /** @param nanoClock monotonic */
    HeatMap(LongSupplier nanoClock) {
        this.nanoClock = nanoClock;
        ring.add(new Bucket(nanoClock.getAsLong(), List.of(ByteKey.EMPTY)));
    }

    /** A Region's leader told what went through it. */
    void observe(RegionInfo region) {
        RegionFlow flow = region.flow();
        if (flow.bytesWritten() == 0 && flow.bytesRead() == 0 && flow.keysWritten() == 0 && flow.keysRead() == 0) {
            return;
        }
        synchronized (this) {
            shareOut(region.range(), flow);
        }
    }

    private void shareOut(KeyRange range, RegionFlow flow) {
        long now = nanoClock.getAsLong();
        ring.getLast().toNanos = now;
        if (flow.seconds() == 0) {
            add(ring.getLast(), range, flow, 0, 1);
            return;
        }
        double reportNanos = flow.seconds() * 1e9;
        long beganNanos = now - (long) Math.min(reportNanos, REACH.toNanos());
        Iterator<Bucket> newestFirst = ring.descendingIterator();
        double told = 0;
        while (newestFirst.hasNext()) {
            Bucket bucket = newestFirst.next();
            if (bucket.toNanos < beganNanos) {
                return;
            }
            double upTo = (now - Math.max(beganNanos, bucket.fromNanos)) / reportNanos;
            add(bucket, range, flow, told, upTo);
            told = upTo;
        }
    }

    /** Adds the part of what was reported that lies between two shares of its time, 0 to 1: parts that meet add up to the whole. */
    private static void add(Bucket bucket, KeyRange range, RegionFlow flow, double from, double to) {
        bucket.cells.forEach((measure, cells) -> {
            long amount = measure.of(flow);
            cells.add(range, Math.round(amount * to) - Math.round(amount * from));
        });
    }

    /** Begins the next bucket if it is time to; walks over all Regions once a minute. Called by one timer. */
    void tick(ClusterState cluster) {
        int regions = cluster.regionCount();
        synchronized (this) {
            long age = nanoClock.getAsLong() - ring.getLast().fromNanos;
            boolean hasGrown = regions > regionsAtBegin && regions >= 2 * regionsAtBegin;
            if (age < (hasGrown ? BUCKET_MIN : BUCKET).toNanos()) {
                return;
            }
        }
        List<HeatRows.Slice> slices = new ArrayList<>(regions);
        cluster.visitRegions(region -> slices.add(new HeatRows.Slice(region.startKey(), weight(region.flow()))));
        begin(HeatRows.of(slices), regions);
    }

    private static double weight(RegionFlow flow) {
        double amount = (double) flow.bytesWritten()
                + flow.bytesRead()
                + (double) BYTES_PER_KEY * flow.keysWritten()
                + (double) BYTES_PER_KEY * flow.keysRead();
        return amount / Math.max(1, flow.seconds());
    }

    private synchronized void begin(List<ByteKey> starts, int regions) {
        long now = nanoClock.getAsLong();
        ring.getLast().toNanos = now;
        ring.add(new Bucket(now, starts));
        regionsAtBegin = regions;
        if (ring.size() > BUCKETS_MAX) {
            ring.removeFirst();
        }
    }

    /** Ranges of the bucket that fills now. */
    public synchronized int ranges() {
        return ring.getLast().starts.size();
    }

    /** All of it, in rows that suit all of its time. */
    public Picture picture(HeatMeasure measure) {
        record Copied(long fromNanos, long toNanos, HeatCells cells) {}
        List<Copied> buckets = new ArrayList<>();
        long now;
        synchronized (this) {
            now = nanoClock.getAsLong();
            ring.getLast().toNanos = now;
            for (Bucket bucket : ring) {
                HeatCells cells = bucket.cells.getOrDefault(measure, HeatCells.of(bucket.starts));
                buckets.add(new Copied(bucket.fromNanos, bucket.toNanos, cells.copy()));
            }
        }
        List<ByteKey> rows = rows(buckets.stream().map(Copied::cells).toList());
        List<Column> columns = new ArrayList<>();
        for (Copied bucket : buckets) {
            HeatCells shown = HeatCells.of(rows);
            shown.addAll(bucket.cells());
            List<Long> amounts = new ArrayList<>(rows.size());
            for (int row = 0; row < shown.size(); row++) {
                amounts.add(shown.amount(row));
            }
            columns.add(new Column(bucket.fromNanos(), bucket.toNanos(), List.copyOf(amounts)));
        }
        return new Picture(measure, now, rows, List.copyOf(columns));
    }

    private static List<ByteKey> rows(Collection<HeatCells> buckets) {
        TreeSet<ByteKey> borders = new TreeSet<>();
        buckets.forEach(bucket -> borders.addAll(bucket.starts()));
        HeatCells sums = HeatCells.of(List.copyOf(borders));
        buckets.forEach(sums::addAll);
        List<HeatRows.Slice> slices = new ArrayList<>(sums.size());
        for (int cell = 0; cell < sums.size(); cell++) {
            slices.add(new HeatRows.Slice(sums.start(cell), sums.amount(cell)));
        }
        return HeatRows.of(slices);
    }
}
