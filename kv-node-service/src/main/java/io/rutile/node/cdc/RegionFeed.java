package io.rutile.node.cdc;

import io.micrometer.core.instrument.Timer;
import io.rutile.node.raftstore.AppliedChange;
import io.rutile.node.raftstore.ChangeWatcher;
import io.rutile.node.raftstore.RegionPeer;
import io.rutile.node.raftstore.RegionPeer.ChangesUntilNow;
import io.rutile.node.raftstore.ResolvedTs;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.RegionException;
import io.rutile.protocol.cdcpb.Error;
import io.rutile.protocol.cdcpb.Event;
import io.rutile.protocol.cdcpb.Event.LogType;
import io.rutile.protocol.cdcpb.Event.Row;
import io.rutile.protocol.metapb.RegionEpoch;
import io.rutile.storage.mvcc.Ts;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One Region on one stream: first what the client missed since its checkpoint, then what happens, in the order of the log.
 *
 * <p>The watcher is there before the snapshot of the scan is taken, and what it is told of at or below the snapshot's index is dropped: so
 * nothing is missed and nothing comes twice (P9). A resolved timestamp is told once every change up to its index has been (P8).
 *
 * <p>Threads: {@link #applied} and {@link #offer} on others, which only hand over; the rest on the stream's.
 */
final class RegionFeed implements ChangeWatcher {

    private static final Logger log = LoggerFactory.getLogger(RegionFeed.class);

    /** Bytes of rows in one event, about; a single row may be larger. */
    private static final long EVENT_BYTES_MAX = 1 << 20;

    private static final int EVENT_ROWS_MAX = 1_024;

    /** By which a client knows a registration. */
    record Key(long requestId, long regionId) {}

    private record Batch(long index, List<AppliedChange> changes, long bytes) {}

    private enum Stage {
        /** Batches that it isn't told of are still being applied. */
        ARMING,
        SCANNING,
        LIVE,
        OVER
    }

    private final Key key;
    private final long checkpointTs;
    private final RegionEpoch epoch;
    private final KeyRange range;
    private final RegionPeer peer;
    private final LongSupplier gcSafePoint;
    private final FeedBudget budget;
    private final FeedMetrics metrics;
    private final Consumer<RegionFeed> wake;
    private final RowMaker rows;

    private final Queue<Batch> incoming = new ConcurrentLinkedQueue<>();
    /** Every change up to this index is sent, in the queue, or in the scan's snapshot. */
    private final AtomicLong coveredIndex = new AtomicLong();

    /** How far it is settled, until that is told. */
    private final AtomicReference<@Nullable ResolvedTs> said = new AtomicReference<>();

    private volatile boolean ended;
    private volatile boolean congested;
    private volatile boolean closed;

    /** Whether the stream has it on its list. */
    final AtomicBoolean listed = new AtomicBoolean();

    private Stage stage = Stage.ARMING;
    private long added;
    private long snapshotIndex;
    private long toldTs;
    private @Nullable IncrementalScan scan;
    private Timer.@Nullable Sample scanTime;
    private final Deque<Event> ready = new ArrayDeque<>();
    private volatile boolean live;

    /**
     * @param range stored keys, inside the Region
     * @param gcSafePoint up to which versions may be gone, as it is known here
     * @param wake has the stream look at this feed soon; from any thread
     */
    RegionFeed(
            Key key,
            long checkpointTs,
            RegionEpoch epoch,
            KeyRange range,
            RegionPeer peer,
            LongSupplier gcSafePoint,
            FeedBudget budget,
            FeedMetrics metrics,
            Consumer<RegionFeed> wake) {
        this.key = key;
        this.checkpointTs = checkpointTs;
        this.epoch = epoch;
        this.range = range;
        this.peer = peer;
        this.gcSafePoint = gcSafePoint;
        this.budget = budget;
        this.metrics = metrics;
        this.wake = wake;
        this.rows = new RowMaker(budget);
        this.toldTs = checkpointTs;
    }

    Key key() {
        return key;
    }

    RegionPeer peer() {
        return peer;
    }

    /** True if resolved timestamps are of use to it. */
    boolean isLive() {
        return live;
    }

    // ---- from other threads

    @Override
    public KeyRange range() {
        return range;
    }

    @Override
    public void applied(long index, List<AppliedChange> changes) {
        if (closed || ended || congested) {
            return;
        }
        if (!changes.isEmpty()) {
            long bytes = 0;
            for (AppliedChange change : changes) {
                bytes += change.sizeBytes();
            }
            if (!budget.tryTake(bytes)) {
                congested = true;
                metrics.ended(FeedMetrics.End.CONGESTED);
                giveBackIncoming();
                wake.accept(this);
                return;
            }
            incoming.add(new Batch(index, changes, bytes));
            if (closed) {
                // Its stream may have emptied the queue before.
                giveBackIncoming();
                return;
            }
        }
        coveredIndex.accumulateAndGet(index, Math::max);
        if (!changes.isEmpty() || said.get() != null) {
            wake.accept(this);
        }
    }

    @Override
    public void batchEnded() {
        if (!live) {
            wake.accept(this);
        }
    }

    @Override
    public void ended() {
        ended = true;
        wake.accept(this);
    }

    /** How far the Region is settled. */
    void offer(ResolvedTs word) {
        if (word.region().getRegionEpoch().getVersion() == epoch.getVersion()) {
            said.set(word);
            wake.accept(this);
        }
    }

    // ---- the stream's thread

    /** @throws RegionException if the Region can't be fed here */
    void open() {
        added = peer.watch(epoch, this);
        scanTime = Timer.start();
        wake.accept(this);
    }

    /** True if it may begin its scan; a stream scans one Region at a time. */
    boolean wantsToScan() {
        return stage == Stage.ARMING && !ended && !congested && peer.tellsAll(added);
    }

    void beginScan() {
        stage = Stage.SCANNING;
    }

    boolean isScanning() {
        return stage == Stage.SCANNING;
    }

    /** True if {@link #next} has something at once. */
    boolean hasMore() {
        return switch (stage) {
            case SCANNING -> true;
            case LIVE -> !ready.isEmpty() || !incoming.isEmpty() || ended || congested;
            default -> false;
        };
    }

    boolean isOver() {
        return stage == Stage.OVER;
    }

    /** @return what is to be sent next; null if there is nothing now */
    @Nullable Event next() {
        if (stage == Stage.OVER) {
            return null;
        }
        try {
            if (ended) {
                return over(FeedMetrics.End.REGION, FeedErrors.of(whyEnded()));
            }
            if (congested) {
                close();
                return FeedErrors.event(key, FeedErrors.congested(key.regionId()));
            }
            if (!ready.isEmpty()) {
                return ready.poll();
            }
            return switch (stage) {
                case SCANNING -> scanned();
                case LIVE -> happened();
                default -> null;
            };
        } catch (RowMaker.OutOfMemoryBudgetException e) {
            return over(FeedMetrics.End.CONGESTED, FeedErrors.congested(key.regionId()));
        } catch (RuntimeException e) {
            log.warn(
                    "event=change_feed_failed region={} peer={}",
                    key.regionId(),
                    peer.self().peerId(),
                    e);
            return over(FeedMetrics.End.FAILED, FeedErrors.failed());
        }
    }

    private RegionException whyEnded() {
        try {
            peer.requireWatchable(epoch);
        } catch (RegionException why) {
            return why;
        }
        // It led, did not, and leads again.
        return RegionErrors.notLeader(key.regionId(), null);
    }

    private @Nullable Event scanned() {
        IncrementalScan running = scan;
        if (running == null) {
            ChangesUntilNow now = peer.changesUntilNow();
            running = new IncrementalScan(now.snapshot(), range, checkpointTs, rows);
            scan = running;
            snapshotIndex = now.index();
            coveredIndex.accumulateAndGet(snapshotIndex, Math::max);
        }
        while (!running.isDone()) {
            List<Row> part = running.next();
            if (!part.isEmpty()) {
                return event(part);
            }
        }
        running.close();
        scan = null;
        if (Ts.isAfter(gcSafePoint.getAsLong(), checkpointTs)) {
            // Garbage was collected while the scan went on, or before it was known here.
            return over(FeedMetrics.End.TOO_OLD, FeedErrors.tooOld(checkpointTs, gcSafePoint.getAsLong()));
        }
        if (scanTime != null) {
            scanTime.stop(metrics.scans());
        }
        stage = Stage.LIVE;
        live = true;
        return event(List.of(Row.newBuilder().setType(LogType.INITIALIZED).build()));
    }

    private @Nullable Event happened() {
        for (Batch batch = incoming.poll(); batch != null; batch = incoming.poll()) {
            budget.giveBack(batch.bytes());
            List<AppliedChange> news = batch.changes();
            if (!news.isEmpty() && news.get(0).index() <= snapshotIndex) {
                news = news.stream()
                        .filter(change -> change.index() > snapshotIndex)
                        .toList();
            }
            pack(rows.rows(news, toldTs));
            if (!ready.isEmpty()) {
                return ready.poll();
            }
        }
        return null;
    }

    private void pack(List<Row> all) {
        Event.Entries.Builder entries = Event.Entries.newBuilder();
        long bytes = 0;
        for (Row row : all) {
            long size = row.getKey().size() + row.getValue().size();
            if (entries.getEntriesCount() > 0
                    && (bytes + size > EVENT_BYTES_MAX || entries.getEntriesCount() == EVENT_ROWS_MAX)) {
                ready.add(event(entries));
                entries = Event.Entries.newBuilder();
                bytes = 0;
            }
            entries.addEntries(row);
            bytes += size;
        }
        if (entries.getEntriesCount() > 0) {
            ready.add(event(entries));
        }
    }

    /**
     * How far the Region is settled, if that is news and everything up to there has been sent; 0 otherwise. To be asked when {@link #next}
     * has nothing.
     */
    long resolved() {
        ResolvedTs word = said.get();
        // In this order: what is covered now was queued before.
        boolean covered = word != null && word.index() <= coveredIndex.get();
        if (stage != Stage.LIVE || word == null || !covered || ended || congested || hasMore()) {
            return 0;
        }
        said.compareAndSet(word, null);
        if (!Ts.isAfter(word.ts(), toldTs)) {
            return 0;
        }
        toldTs = word.ts();
        return toldTs;
    }

    private Event event(List<Row> part) {
        return event(Event.Entries.newBuilder().addAllEntries(part));
    }

    private Event event(Event.Entries.Builder entries) {
        metrics.sent(entries.getEntriesCount());
        return Event.newBuilder()
                .setRegionId(key.regionId())
                .setRequestId(key.requestId())
                .setEntries(entries)
                .build();
    }

    private Event over(FeedMetrics.End why, Error error) {
        metrics.ended(why);
        log.debug("event=change_feed_over region={} reason={}", key.regionId(), why);
        close();
        return FeedErrors.event(key, error);
    }

    /** Nothing is sent any more; gives back what it holds. */
    void close() {
        stage = Stage.OVER;
        live = false;
        closed = true;
        peer.unwatch(this);
        IncrementalScan running = scan;
        scan = null;
        if (running != null) {
            running.close();
        }
        ready.clear();
        giveBackIncoming();
        rows.close();
    }

    private void giveBackIncoming() {
        for (Batch batch = incoming.poll(); batch != null; batch = incoming.poll()) {
            budget.giveBack(batch.bytes());
        }
    }
}
