package io.rutile.node.cdc;

import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.rutile.node.raftstore.RegionPeer;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.RegionException;
import io.rutile.protocol.cdcpb.ChangeDataEvent;
import io.rutile.protocol.cdcpb.ChangeDataRequest;
import io.rutile.protocol.cdcpb.Error;
import io.rutile.protocol.cdcpb.Event;
import io.rutile.protocol.metapb.Region;
import io.rutile.storage.mvcc.Ts;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One client's stream of changes: takes registrations, and sends what their Regions have to tell whenever the connection takes
 * something. What isn't sent waits in the Regions' bounded queues.
 *
 * <p>Threads: {@link #wake} from any; the work is done on the room's pool, by one thread at a time.
 */
final class FeedStream implements StreamObserver<ChangeDataRequest> {

    /** Regions of one stream. */
    static final int REGIONS_MAX = 16_384;

    private static final int REFUSALS_MAX = 128;

    /** Events that one Region may send before the others have their turn. */
    private static final int TURN = 8;

    /** Regions that are served before resolved timestamps are told, at most: those of many go together. */
    private static final int SERVED_MAX = 1_024;

    private final ChangeFeeds feeds;
    private final ServerCallStreamObserver<ChangeDataEvent> out;
    private final Consumer<FeedStream> gone;
    private final FeedBudget budget;

    private final Queue<ChangeDataRequest> requests = new ConcurrentLinkedQueue<>();
    private final Queue<RegionFeed> dirty = new ConcurrentLinkedQueue<>();
    private final AtomicInteger pending = new AtomicInteger();
    private volatile @Nullable Status ending;
    private volatile boolean cancelled;
    private volatile long stalledSinceNanos;

    /** Changed by the stream's thread, looked at by others. */
    private final Map<RegionFeed.Key, RegionFeed> regions = new ConcurrentHashMap<>();

    // ---- the stream's thread alone
    private final Deque<Event> refusals = new ArrayDeque<>();
    private @Nullable RegionFeed scanning;
    private boolean over;
    private int servedSinceTold;

    /** One timestamp that several Regions of a request have reached. */
    private record Settled(long requestId, long ts) {}

    private final Map<Settled, List<Long>> settled = new LinkedHashMap<>();

    FeedStream(ChangeFeeds feeds, ServerCallStreamObserver<ChangeDataEvent> out, Consumer<FeedStream> gone) {
        this.feeds = feeds;
        this.out = out;
        this.gone = gone;
        this.budget = feeds.budget().share();
    }

    StreamObserver<ChangeDataRequest> open() {
        out.disableAutoRequest();
        out.setOnReadyHandler(this::wake);
        out.setOnCancelHandler(() -> {
            cancelled = true;
            wake();
        });
        out.request(1);
        return this;
    }

    // ---- from other threads

    @Override
    public void onNext(ChangeDataRequest request) {
        requests.add(request);
        wake();
    }

    @Override
    public void onError(Throwable failure) {
        cancelled = true;
        wake();
    }

    @Override
    public void onCompleted() {
        end(Status.OK);
    }

    /** Ends it in order. */
    void end(Status status) {
        ending = status;
        wake();
    }

    Stream<RegionFeed> live() {
        return regions.values().stream().filter(RegionFeed::isLive);
    }

    int regionCount() {
        return regions.size();
    }

    /** Now and then: ends the stream if its client has not taken anything for too long. */
    void tick(long nowNanos) {
        long since = stalledSinceNanos;
        if (since != 0 && nowNanos - since > feeds.options().patience().toNanos()) {
            stalledSinceNanos = 0;
            feeds.metrics().ended(FeedMetrics.End.SLOW);
            end(Status.RESOURCE_EXHAUSTED.withDescription(
                    "the client has taken no changes for " + feeds.options().patience()));
        }
    }

    private void wake(RegionFeed feed) {
        if (feed.listed.compareAndSet(false, true)) {
            dirty.add(feed);
            wake();
        }
    }

    void wake() {
        if (pending.getAndIncrement() == 0) {
            feeds.execute(this::run);
        }
    }

    // ---- the stream's thread

    private void run() {
        int seen;
        do {
            seen = pending.get();
            if (!over) {
                try {
                    work();
                } catch (RuntimeException e) {
                    feeds.failed(e);
                    close(Status.INTERNAL.withDescription("the feed failed"));
                }
            }
        } while (pending.addAndGet(-seen) != 0);
    }

    private void work() {
        Status end = ending;
        if (cancelled) {
            close(null);
            return;
        }
        if (end != null) {
            close(end);
            return;
        }
        // Who reads no answers has no more questions taken.
        while (refusals.size() < REFUSALS_MAX) {
            ChangeDataRequest request = requests.poll();
            if (request == null) {
                break;
            }
            take(request);
            out.request(1);
        }
        send();
    }

    private void send() {
        while (out.isReady()) {
            stalledSinceNanos = 0;
            Event refusal = refusals.poll();
            if (refusal != null) {
                out.onNext(ChangeDataEvent.newBuilder().addEvents(refusal).build());
                continue;
            }
            RegionFeed feed = dirty.poll();
            if (feed == null) {
                tellSettled();
                return;
            }
            feed.listed.set(false);
            serve(feed);
            if (++servedSinceTold >= SERVED_MAX) {
                // However busy others are.
                tellSettled();
            }
        }
        if (stalledSinceNanos == 0) {
            stalledSinceNanos = Math.max(1, System.nanoTime());
        }
    }

    private void serve(RegionFeed feed) {
        if (regions.get(feed.key()) != feed) {
            return;
        }
        if (feed.wantsToScan()) {
            if (scanning != null) {
                // Looked at again when that one is through.
                return;
            }
            feed.beginScan();
            scanning = feed;
        }
        for (int turn = 0; turn < TURN; turn++) {
            Event event = feed.next();
            if (event == null) {
                break;
            }
            out.onNext(ChangeDataEvent.newBuilder().addEvents(event).build());
            if (!out.isReady()) {
                break;
            }
        }
        if (scanning == feed && !feed.isScanning()) {
            scanning = null;
            regions.values().forEach(waiting -> {
                if (waiting.wantsToScan()) {
                    wake(waiting);
                }
            });
        }
        if (feed.isOver()) {
            regions.remove(feed.key(), feed);
            return;
        }
        long ts = feed.resolved();
        if (ts != 0) {
            settled.computeIfAbsent(new Settled(feed.key().requestId(), ts), one -> new ArrayList<>())
                    .add(feed.key().regionId());
        }
        if (feed.hasMore()) {
            wake(feed);
        }
    }

    private void tellSettled() {
        servedSinceTold = 0;
        settled.forEach((what, who) -> out.onNext(ChangeDataEvent.newBuilder()
                .setResolvedTs(io.rutile.protocol.cdcpb.ResolvedTs.newBuilder()
                        .setRequestId(what.requestId())
                        .setTs(what.ts())
                        .addAllRegions(who))
                .build()));
        settled.clear();
    }

    private void take(ChangeDataRequest request) {
        RegionFeed.Key key = new RegionFeed.Key(request.getRequestId(), request.getRegionId());
        switch (request.getRequestCase()) {
            case DEREGISTER -> deregister(key);
            // What clients know of transactions is of use to stores that track them for the feed: none here does.
            case NOTIFY_TXN_STATUS -> {}
            // Older clients say nothing, and mean this.
            case REGISTER, REQUEST_NOT_SET -> {
                Error refusal = register(key, request);
                if (refusal != null) {
                    refusals.add(FeedErrors.event(key, refusal));
                }
            }
        }
    }

    private void deregister(RegionFeed.Key key) {
        if (key.regionId() != 0) {
            drop(regions.remove(key));
            return;
        }
        for (RegionFeed feed : List.copyOf(regions.values())) {
            if (feed.key().requestId() == key.requestId()) {
                drop(regions.remove(feed.key()));
            }
        }
    }

    private void drop(@Nullable RegionFeed feed) {
        if (feed == null) {
            return;
        }
        feed.close();
        if (scanning == feed) {
            scanning = null;
            regions.values().forEach(this::wake);
        }
    }

    private @Nullable Error register(RegionFeed.Key key, ChangeDataRequest request) {
        long cluster = request.getHeader().getClusterId();
        if (cluster != 0 && cluster != feeds.clusterId()) {
            feeds.metrics().ended(FeedMetrics.End.INVALID);
            return FeedErrors.otherCluster(feeds.clusterId(), cluster);
        }
        if (regions.containsKey(key)) {
            feeds.metrics().ended(FeedMetrics.End.INVALID);
            return FeedErrors.duplicate(key.regionId());
        }
        if (regions.size() >= REGIONS_MAX || feeds.regionCount() >= ChangeFeeds.REGIONS_MAX) {
            feeds.metrics().ended(FeedMetrics.End.FULL);
            return FeedErrors.busy("too many regions are watched");
        }
        if (request.getKvApi() == ChangeDataRequest.KvAPI.RawKV) {
            feeds.metrics().ended(FeedMetrics.End.INVALID);
            return FeedErrors.busy("raw keys have no versions: there is nothing to feed");
        }
        long safePoint = feeds.gcSafePoint();
        if (Ts.isBefore(request.getCheckpointTs(), safePoint)) {
            feeds.metrics().ended(FeedMetrics.End.TOO_OLD);
            return FeedErrors.tooOld(request.getCheckpointTs(), safePoint);
        }
        RegionFeed feed = null;
        try {
            RegionPeer peer = feeds.region(key.regionId());
            peer.requireWatchable(request.getRegionEpoch());
            KeyRange range = clipped(request, peer.region());
            feed = new RegionFeed(
                    key,
                    request.getCheckpointTs(),
                    request.getRegionEpoch(),
                    range,
                    peer,
                    feeds::gcSafePoint,
                    budget,
                    feeds.metrics(),
                    this::wake);
            regions.put(key, feed);
            feed.open();
            return null;
        } catch (RegionException refused) {
            if (feed != null) {
                regions.remove(key, feed);
                feed.close();
            }
            feeds.metrics().ended(FeedMetrics.End.REGION);
            return FeedErrors.of(refused);
        }
    }

    /** What of the wanted range is the Region's. */
    private static KeyRange clipped(ChangeDataRequest request, Region region) {
        ByteKey start = ByteKey.of(request.getStartKey());
        ByteKey end = ByteKey.of(request.getEndKey());
        ByteKey regionStart = ByteKey.of(region.getStartKey());
        ByteKey regionEnd = ByteKey.of(region.getEndKey());
        KeyRange range = new KeyRange(
                start.compareTo(regionStart) > 0 ? start : regionStart,
                end.isEmpty() || (!regionEnd.isEmpty() && regionEnd.compareTo(end) < 0) ? regionEnd : end);
        if (range.isEmpty()) {
            throw RegionErrors.message("no key of the range is in region " + region.getId());
        }
        return range;
    }

    private void close(@Nullable Status status) {
        over = true;
        List.copyOf(regions.values()).forEach(RegionFeed::close);
        regions.clear();
        requests.clear();
        dirty.clear();
        gone.accept(this);
        if (status == null) {
            return;
        }
        if (status.isOk()) {
            out.onCompleted();
        } else {
            out.onError(status.asRuntimeException());
        }
    }
}
