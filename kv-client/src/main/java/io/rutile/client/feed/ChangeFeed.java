package io.rutile.client.feed;

import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.rutile.client.KvClientException;
import io.rutile.client.KvClientException.Kind;
import io.rutile.client.region.Backoff;
import io.rutile.client.region.CachedRegion;
import io.rutile.client.rpc.BackoffCurve;
import io.rutile.client.rpc.CallDeadline;
import io.rutile.client.rpc.Futures;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.SharedBytes;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.cdcpb.Error;
import io.rutile.protocol.cdcpb.Event.Row;
import io.rutile.protocol.metapb.Peer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is committed in a range from a position on: each change once, in the order of {@link FeedPosition}, however Regions are split,
 * merged and led meanwhile (P9).
 *
 * <p>Each Region says up to which timestamp it is settled: nothing is committed there at or below it any more. What all Regions of the
 * range are settled up to is given out, in order; the rest waits. So a change comes a moment after it was committed, and a transaction that
 * holds its locks for long holds back what was committed after it began.
 *
 * <p>Changes are pulled: {@link #next} has one answer at a time. Who pulls slowly lets the buffer fill; then what is furthest off is
 * dropped, and read from the stores once more when its time comes.
 *
 * <p>Safe from any thread. Callbacks of the returned futures run on the client's threads and must not block.
 */
public final class ChangeFeed implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ChangeFeed.class);

    /** Of one batch. */
    private static final int CHANGES_MAX = 1_024;

    private static final long BATCH_BYTES_MAX = 1 << 20;

    private static final Duration LOOKUP_TIMEOUT = Duration.ofSeconds(10);
    private static final BackoffCurve RETRIES = new BackoffCurve(Duration.ofMillis(20), Duration.ofSeconds(2));

    /** How long a Region may stay where it is before somebody looks whose locks are in the way, and how often. */
    private static final Duration STUCK = Duration.ofSeconds(3);

    private static final Duration TICK = Duration.ofSeconds(1);

    private final FeedSource source;
    private final KeyRange borders;
    private final ChangeFeedOptions options;
    private final Consumer<ChangeFeed> gone;

    private final Object lock = new Object();

    // ---- guarded by it

    private final NavigableMap<ByteKey, Span> spans = new TreeMap<>();

    private final Map<Long, StoreStream> streams = new HashMap<>();

    private final ChangeBuffer buffer;

    /** Of prewrites whose values are kept for their commits. */
    private long prewriteBytes;

    /** Given out so far: everything before it. */
    private FeedPosition position;

    /** What the one who pulls knows. */
    private FeedPosition told;

    /** The last change that was given out; null before the first. */
    private @Nullable Place last;

    /** Of the changes at the timestamp where it began, how many are left to be passed over. */
    private int passOver;

    private @Nullable CompletableFuture<ChangeBatch> wanted;

    private @Nullable Throwable failure;

    private boolean closed;

    private boolean mending;

    private final StoreStream.Listener listener = new Listening();

    private ChangeFeed(
            FeedSource source, KeyRange wire, FeedPosition from, ChangeFeedOptions options, Consumer<ChangeFeed> gone) {
        this.source = source;
        this.options = options;
        this.gone = gone;
        this.borders = new KeyRange(
                source.keys().border(wire.start()),
                wire.end().isEmpty() ? ByteKey.EMPTY : source.keys().border(wire.end()));
        this.buffer = new ChangeBuffer(options.bufferBytesMax(), source.metrics(), this::dropped);
        // What comes at the first timestamp is counted anew: those that were given out before are passed over.
        this.position = new FeedPosition(from.ts(), 0);
        this.passOver = from.count();
        this.told = from;
    }

    /**
     * Begins to watch.
     *
     * @param range of keys as applications know them
     * @param from where to go on; {@link FeedPosition#after} a timestamp of the oracle for "from now on"
     * @param gone told when it has ended, closed or failed
     * @throws IllegalArgumentException if no key can be in the range
     */
    public static ChangeFeed open(
            FeedSource source,
            KeyRange range,
            FeedPosition from,
            ChangeFeedOptions options,
            Consumer<ChangeFeed> gone) {
        if (range.isEmpty()) {
            throw new IllegalArgumentException("no key is in the range");
        }
        ChangeFeed feed = new ChangeFeed(source, source.keys().toWire(range), from, options, gone);
        source.metrics().opened();
        feed.start();
        return feed;
    }

    private void start() {
        synchronized (lock) {
            Span whole = new Span(borders, position.checkpoint().value(), System.nanoTime());
            spans.put(borders.start(), whole);
            look(whole);
        }
        tickLater();
    }

    /**
     * What comes next: changes, or none but a position further on.
     *
     * @return fails with {@link FeedTooOldException} if changes behind the position may be gone, with another {@link KvClientException} if
     *     the feed is closed or can't go on; then every later call fails as well
     * @throws IllegalStateException if the last call has not been answered
     */
    public CompletableFuture<ChangeBatch> next() {
        CompletableFuture<ChangeBatch> answer = new CompletableFuture<>();
        synchronized (lock) {
            if (wanted != null) {
                throw new IllegalStateException("the last call has not been answered");
            }
            if (failure != null) {
                return CompletableFuture.failedFuture(failure);
            }
            wanted = answer;
        }
        deliver();
        return answer;
    }

    /** True once it is closed, or has failed. */
    public boolean isClosed() {
        synchronized (lock) {
            return closed;
        }
    }

    @Override
    public void close() {
        fail(new KvClientException(Kind.UNAVAILABLE, "the feed is closed", null, null));
    }

    /** From under the lock: who pulls is not to be called there. */
    private void failSoon(Throwable why) {
        source.timer().after(0, () -> fail(why));
    }

    private void fail(Throwable why) {
        CompletableFuture<ChangeBatch> waiting;
        synchronized (lock) {
            if (closed) {
                return;
            }
            closed = true;
            failure = why;
            waiting = wanted;
            wanted = null;
            streams.values().forEach(StoreStream::close);
            streams.clear();
            spans.clear();
            buffer.clear();
            source.metrics().held(-prewriteBytes);
            prewriteBytes = 0;
        }
        source.metrics().closed();
        gone.accept(this);
        if (waiting != null) {
            waiting.completeExceptionally(why);
        }
    }

    // ---- giving out

    /** Answers the call that waits, if there is something to tell. */
    private void deliver() {
        CompletableFuture<ChangeBatch> waiting;
        ChangeBatch batch;
        synchronized (lock) {
            if (wanted == null || closed) {
                return;
            }
            batch = nextBatch();
            if (batch == null) {
                return;
            }
            waiting = wanted;
            wanted = null;
        }
        source.metrics().changes(batch.changes().size());
        waiting.complete(batch);
    }

    private @Nullable ChangeBatch nextBatch() {
        List<Change> changes = new ArrayList<>();
        boolean more = true;
        while (more && changes.isEmpty()) {
            long floor = -1L;
            Place horizon = null;
            for (Span span : spans.values()) {
                floor = Long.compareUnsigned(span.floorTs, floor) < 0 ? span.floorTs : floor;
                Place its = span.horizon();
                horizon = its != null && (horizon == null || its.isBefore(horizon)) ? its : horizon;
            }
            buffer.take(floor, horizon, CHANGES_MAX, BATCH_BYTES_MAX).forEach(one -> giveOut(one, changes));
            more = !buffer.isDrained(floor, horizon);
            if (!more) {
                drained(floor, horizon);
            }
        }
        if (position.compareTo(told) <= 0) {
            return null;
        }
        told = position;
        return new ChangeBatch(changes, position);
    }

    /** Everything that could be given out is. */
    private void drained(long floor, @Nullable Place horizon) {
        if (horizon != null && Long.compareUnsigned(horizon.ts(), floor) <= 0) {
            settled(horizon.ts() - 1);
            // What was here before it is out: now there is room for it.
            rescan(horizon);
        } else {
            settled(floor);
        }
    }

    private void settled(long ts) {
        FeedPosition settled = FeedPosition.after(new TimeStamp(ts));
        if (settled.compareTo(position) > 0) {
            position = settled;
            passOver = 0;
        }
    }

    private void giveOut(ChangeBuffer.Taken taken, List<Change> changes) {
        Place place = taken.place();
        TimeStamp ts = new TimeStamp(place.ts());
        int count = position.ts().equals(ts) ? position.count() + 1 : 1;
        if (!position.ts().equals(ts)) {
            passOver = 0;
        }
        position = new FeedPosition(ts, count);
        last = place;
        if (passOver > 0) {
            passOver--;
            return;
        }
        changes.add(new Change(source.keys().fromWire(place.key()), taken.value(), ts, position));
    }

    /** Asks again for what was dropped from the nearest horizon on. */
    private void rescan(Place horizon) {
        for (Span span : List.copyOf(spans.values())) {
            if (horizon.equals(span.horizon())) {
                source.metrics().rescanned();
                leave(span);
                look(span);
            }
        }
    }

    // ---- taking in

    private boolean isGivenOut(Place place) {
        return Long.compareUnsigned(place.ts(), position.checkpoint().value()) <= 0
                || (last != null && !last.isBefore(place));
    }

    private void take(Span span, Place place, byte @Nullable [] value) {
        if (!isGivenOut(place) && !span.isBeyondHorizon(place)) {
            buffer.add(place, value);
        }
    }

    /** By the buffer, under the lock. */
    private void dropped(Place place) {
        Map.Entry<ByteKey, Span> whose = spans.floorEntry(source.keys().border(place.key()));
        if (whose != null) {
            whose.getValue().drawHorizon(place);
        }
    }

    private void row(Span span, Row row) {
        ByteKey key = ByteKey.of(row.getKey());
        boolean put = row.getOpType() == Row.OpType.PUT;
        switch (row.getType()) {
            case PREWRITE -> {
                if (put) {
                    keep(span, key, new Span.Prewrite(row.getStartTs(), SharedBytes.of(row.getValue())));
                }
            }
            case COMMIT -> {
                Place place = new Place(row.getCommitTs(), key);
                Span.Prewrite prewrite = end(span, key, row.getStartTs());
                if (!put) {
                    take(span, place, null);
                } else if (!row.getValue().isEmpty()) {
                    take(span, place, SharedBytes.of(row.getValue()));
                } else if (prewrite != null) {
                    take(span, place, prewrite.value());
                } else if (!isGivenOut(place)) {
                    // There was no room to keep the value in mind: the store knows it.
                    span.drawHorizon(place);
                }
            }
            case ROLLBACK -> end(span, key, row.getStartTs());
            case COMMITTED ->
                take(span, new Place(row.getCommitTs(), key), put ? SharedBytes.of(row.getValue()) : null);
            case INITIALIZED -> initialized(span);
            case UNKNOWN, UNRECOGNIZED -> {}
        }
    }

    /** A cache: a value that isn't in it is asked for once more. */
    private void keep(Span span, ByteKey key, Span.Prewrite prewrite) {
        if (prewriteBytes + Span.cost(key, prewrite) > options.bufferBytesMax()) {
            end(span, key, prewrite.startTs());
            return;
        }
        count(span.prewritten(key, prewrite));
    }

    private Span.@Nullable Prewrite end(Span span, ByteKey key, long startTs) {
        Span.Prewrite known = span.end(key, startTs);
        if (known != null) {
            count(-Span.cost(key, known));
        }
        return known;
    }

    private void count(long more) {
        prewriteBytes += more;
        source.metrics().held(more);
    }

    /** The store has told everything: whether that was everything there ever was, PD's safe point says. */
    private void initialized(Span span) {
        FeedSource.Guard guard = span.guard;
        CachedRegion region = span.region;
        Peer peer = span.peer;
        if (guard == null || region == null || peer == null) {
            return;
        }
        source.regions().serves(region, peer);
        int attempt = span.attempt;
        Futures.whenDone(guard.confirm(within(LOOKUP_TIMEOUT)), (done, unsure) -> {
            if (unsure == null) {
                synchronized (lock) {
                    if (span.attempt == attempt) {
                        span.confirmed(System.nanoTime());
                        span.failures = 0;
                    }
                }
                return;
            }
            Throwable cause = Futures.causeOf(unsure);
            if (cause instanceof KvClientException refused && refused.kind() == Kind.INVALID) {
                failSoon(new FeedTooOldException(positionNow(), cause));
                return;
            }
            synchronized (lock) {
                // Nobody knows now: what came so far can't be trusted for ever, and is asked for again.
                if (span.attempt == attempt) {
                    leave(span);
                    lookLater(span);
                }
            }
        });
    }

    private FeedPosition positionNow() {
        synchronized (lock) {
            return position;
        }
    }

    // ---- asking

    /** Finds the Region at the span's start, cuts the span at the Region's end, and registers. */
    private void look(Span span) {
        int attempt = ++span.attempt;
        span.forgetHorizon();
        FeedSource.Guard guard = source.guard().apply(new TimeStamp(span.floorTs));
        Throwable refusal = guard.refusal();
        if (refusal != null) {
            failSoon(new FeedTooOldException(position, refusal));
            return;
        }
        span.guard = guard;
        Futures.whenDone(source.regions().locate(span.borders.start(), within(LOOKUP_TIMEOUT)), (found, unknown) -> {
            synchronized (lock) {
                if (closed || span.attempt != attempt) {
                    return;
                }
                if (unknown != null) {
                    lookLater(span);
                } else {
                    register(span, found);
                }
            }
        });
    }

    private void register(Span span, CachedRegion region) {
        Peer peer = source.regions().choose(region, span.failures);
        if (peer == null) {
            lookLater(span);
            return;
        }
        Span whole = cut(span, region.range().end());
        int attempt = whole.attempt;
        StoreStream open = streams.get(peer.getStoreId());
        if (open != null) {
            register(whole, region, peer, open);
            return;
        }
        Futures.whenDone(source.regions().channel(peer.getStoreId()), (channel, unreachable) -> {
            synchronized (lock) {
                if (closed || whole.attempt != attempt) {
                    return;
                }
                if (unreachable != null) {
                    source.regions().unreachable(region, peer);
                    lookLater(whole);
                } else {
                    register(whole, region, peer, stream(peer.getStoreId(), channel));
                }
            }
        });
    }

    private StoreStream stream(long storeId, ManagedChannel channel) {
        return streams.computeIfAbsent(
                storeId, id -> StoreStream.open(lock, listener, source.pd().clusterId(), id, channel));
    }

    private void register(Span span, CachedRegion region, Peer peer, StoreStream stream) {
        span.region = region;
        span.peer = peer;
        span.stream = stream;
        span.requestId = stream.register(span, region.region(), span.floorTs);
        source.metrics().registered();
    }

    /** What lies behind the Region is another span's. @return the part in front */
    private Span cut(Span span, ByteKey end) {
        boolean fits = end.isEmpty()
                || (!span.borders.end().isEmpty() && span.borders.end().compareTo(end) <= 0);
        if (fits) {
            return span;
        }
        long now = System.nanoTime();
        Span front = span.part(new KeyRange(span.borders.start(), end), now);
        front.attempt = span.attempt;
        front.failures = span.failures;
        front.guard = span.guard;
        Span rest = span.part(new KeyRange(end, span.borders.end()), now);
        span.attempt++;
        spans.put(front.borders.start(), front);
        spans.put(rest.borders.start(), rest);
        // Not from here: there may be thousands, one behind the other.
        source.timer().after(0, () -> {
            synchronized (lock) {
                if (!closed && rest.attempt == 0) {
                    look(rest);
                }
            }
        });
        return front;
    }

    /** Nobody is asked for it any more. */
    private void leave(Span span) {
        span.attempt++;
        StoreStream stream = span.stream;
        CachedRegion region = span.region;
        if (stream != null && region != null) {
            stream.deregister(span.requestId, region.region().getId());
        }
        span.stream = null;
        span.left();
        count(-span.forgetPrewrites());
    }

    private void lookLater(Span span) {
        int attempt = ++span.attempt;
        span.failures++;
        source.timer().after(RETRIES.delayNanos(span.failures), () -> {
            synchronized (lock) {
                if (!closed && span.attempt == attempt) {
                    look(span);
                }
            }
        });
    }

    private static Backoff within(Duration timeout) {
        return new Backoff(CallDeadline.after(timeout));
    }

    // ---- what stores say

    /** Called under the lock, but for {@code taken}. */
    private final class Listening implements StoreStream.Listener {

        @Override
        public void rows(Span span, List<Row> rows) {
            rows.forEach(row -> row(span, row));
        }

        @Override
        public void resolved(Span span, long ts) {
            span.settled(ts, System.nanoTime());
        }

        @Override
        public void taken() {
            deliver();
        }

        @Override
        public void refused(Span span, Error error) {
            CachedRegion region = span.region;
            Peer peer = span.peer;
            leave(span);
            if (region == null || peer == null) {
                return;
            }
            LOG.debug(
                    "action=feed_refused region={} store={} error={}",
                    region.region().getId(),
                    peer.getStoreId(),
                    error);
            if (error.hasServerIsBusy()
                    && error.getServerIsBusy().getReason().startsWith(RegionErrors.CHECKPOINT_TOO_OLD)) {
                failSoon(new FeedTooOldException(position, null));
                return;
            }
            boolean moved = error.hasNotLeader() || error.hasEpochNotMatch() || error.hasRegionNotFound();
            if (moved) {
                source.regions().refused(region, peer, regionError(error));
            }
            if (moved && span.failures == 0) {
                span.failures++;
                look(span);
            } else {
                lookLater(span);
            }
        }

        @Override
        public void broken(StoreStream stream, Collection<Span> left, @Nullable Throwable why) {
            streams.remove(stream.storeId(), stream);
            LOG.debug("action=feed_stream_broken store={} spans={} reason={}", stream.storeId(), left.size(), why);
            // A store that has no feed, or too many streams, serves everything else.
            boolean gone = why != null && Status.fromThrowable(why).getCode() == Status.Code.UNAVAILABLE;
            for (Span span : left) {
                CachedRegion region = span.region;
                Peer peer = span.peer;
                leave(span);
                if (gone && region != null && peer != null) {
                    source.regions().unreachable(region, peer);
                }
                lookLater(span);
            }
        }
    }

    private static io.rutile.protocol.errorpb.Error regionError(Error error) {
        io.rutile.protocol.errorpb.Error.Builder same = io.rutile.protocol.errorpb.Error.newBuilder();
        if (error.hasNotLeader()) {
            same.setNotLeader(error.getNotLeader());
        } else if (error.hasEpochNotMatch()) {
            same.setEpochNotMatch(error.getEpochNotMatch());
        } else if (error.hasRegionNotFound()) {
            same.setRegionNotFound(error.getRegionNotFound());
        }
        return same.build();
    }

    // ---- now and then

    private void tickLater() {
        source.timer().after(TICK.toNanos(), () -> {
            synchronized (lock) {
                if (closed) {
                    return;
                }
                mendOldest();
            }
            tickLater();
        });
    }

    /** The Region that has stood still for longest: somebody may have died with locks there, and nobody else may ever meet them. */
    private void mendOldest() {
        if (mending) {
            return;
        }
        long now = System.nanoTime();
        Span oldest = null;
        for (Span span : spans.values()) {
            if (span.isInitialized() && (oldest == null || span.risenNanos - oldest.risenNanos < 0)) {
                oldest = span;
            }
        }
        CachedRegion region = oldest == null ? null : oldest.region;
        if (oldest == null || region == null || now - oldest.risenNanos < STUCK.toNanos()) {
            return;
        }
        mending = true;
        source.metrics().mended();
        Futures.whenDone(
                source.locks().mend(region, new TimeStamp(oldest.floorTs + 1), within(LOOKUP_TIMEOUT)),
                (done, failed) -> {
                    if (failed != null) {
                        LOG.debug(
                                "action=feed_locks_not_mended reason={}",
                                Futures.causeOf(failed).getMessage());
                    }
                    synchronized (lock) {
                        mending = false;
                    }
                });
    }
}
