package io.rutile.node.placement;

import io.grpc.ChannelCredentials;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.client.pd.PdClient;
import io.rutile.client.pd.PdClient.RegionHeartbeats;
import io.rutile.client.pd.PdClientOptions;
import io.rutile.node.raftstore.DiskGuard;
import io.rutile.node.raftstore.RaftStore;
import io.rutile.node.raftstore.RegionObserver;
import io.rutile.node.raftstore.RegionPeer;
import io.rutile.node.raftstore.RegionStateStore;
import io.rutile.node.raftstore.StoreIdentity;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.metapb.Store;
import io.rutile.raft.StoreAddresses;
import io.rutile.storage.command.ConcurrencyManager;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The link to the Placement Driver, in the order in which a store uses it: connect, identify, register, start.
 *
 * <p>Threads: the first three block the starting thread; afterwards everything happens on one thread of the link's own. News of
 * the raftstore may come from the beginning and from any thread.
 */
@SuppressWarnings("FutureReturnValueIgnored") // periodic work reports for itself
public final class PlacementLink implements RegionObserver, AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(PlacementLink.class);

    private static final Duration CALL_TIMEOUT = Duration.ofSeconds(10);
    private static final Duration CATCHING_UP_LOOK = Duration.ofMillis(500);
    private static final Duration EXPELLED_LOOK = Duration.ofSeconds(2);

    /** A store that has just started says so a few times quickly: PD may just have lost its leader. */
    private static final long[] FIRST_HEARTBEATS_MS = {0, 1_000, 3_000};

    private final PlacementOptions options;
    private final PdClient pd;
    private final StoreDirectory directory;
    private final ScheduledThreadPoolExecutor thread;
    private final MaxTimestamps maxTimestamps;
    private final SplitRequests splits;
    private volatile @Nullable RegionHeartbeat regions;
    private volatile @Nullable StoreHeartbeat store;
    private volatile @Nullable RegionHeartbeats stream;

    private PlacementLink(PlacementOptions options, PdClient pd) {
        this.options = options;
        this.pd = pd;
        this.directory = new StoreDirectory(pd);
        this.thread = new ScheduledThreadPoolExecutor(1, task -> {
            Thread link = new Thread(task, "placement");
            link.setDaemon(true);
            return link;
        });
        this.thread.setRemoveOnCancelPolicy(true);
        this.thread.setRejectedExecutionHandler((task, closed) -> log.debug("link is closed, a report is dropped"));
        this.maxTimestamps = new MaxTimestamps(pd, thread);
        this.splits = new SplitRequests(pd);
    }

    /**
     * Waits for a PD member to answer.
     *
     * @param credentials how connections to PD are secured
     * @throws io.rutile.client.pd.PdException if none does within the connect timeout
     */
    public static PlacementLink connect(
            PlacementOptions options, ChannelCredentials credentials, MeterRegistry metrics) {
        PdClientOptions pdOptions =
                new PdClientOptions(options.endpoints(), CALL_TIMEOUT, options.connectTimeout(), credentials);
        PlacementLink link = new PlacementLink(options, PdClient.connect(pdOptions, metrics));
        link.directory.refresh();
        return link;
    }

    /** Who this store is, by its data or by PD. @throws IllegalStateException data of another cluster */
    public StoreIdentity identify(RegionStateStore states) {
        return new StoreRegistration(pd, states).identify();
    }

    /** max_ts of this store, which this link keeps in step with the timestamp oracle. */
    public ConcurrencyManager concurrency() {
        return maxTimestamps.concurrency();
    }

    /** A timestamp of the oracle that is made after this call. */
    public CompletableFuture<TimeStamp> timestamp() {
        return maxTimestamps.timestamp();
    }

    /** Where another store's clients reach it; empty if that is not known. */
    public Optional<String> clientAddress(long storeId) {
        return directory.clientAddress(storeId);
    }

    /** Where the other stores' Raft ports are. */
    public StoreAddresses addresses() {
        return directory;
    }

    /** How Regions of this store are split. */
    public SplitRequests splits() {
        return splits;
    }

    /** The client that it asks PD with; closed with the link. */
    public PdClient pd() {
        return pd;
    }

    /** Whether a {@code host:port} is a store's, as PD knows them. */
    public Predicate<String> knownStores() {
        return directory::isStoreAddress;
    }

    /** Founds the cluster or joins it; on return PD knows this store. */
    public void register(Store self, RaftStore raftStore, RegionStateStore states) {
        new StoreRegistration(pd, states).register(self, raftStore);
        directory.refresh();
    }

    /** Begins to report and to take orders. */
    public void start(RaftStore raftStore, DiskGuard disk, Clock clock) {
        ScheduleCommands commands = new ScheduleCommands(raftStore, splits);
        StoreHeartbeat storeHeartbeat = new StoreHeartbeat(pd, raftStore, disk, clock);
        ExpelledReplicas expelled = new ExpelledReplicas(pd, raftStore, options.expelledAfter());
        store = storeHeartbeat;
        stream = pd.regionHeartbeats(
                order -> inBackground("order of PD", () -> commands.execute(order)), this::reportAllSoon);
        regions = new RegionHeartbeat(raftStore, clock);
        for (long delayMs : FIRST_HEARTBEATS_MS) {
            thread.schedule(guarded("store heartbeat", storeHeartbeat::send), delayMs, TimeUnit.MILLISECONDS);
        }
        repeat("store heartbeat", options.storeHeartbeatInterval(), storeHeartbeat::send);
        repeat("region heartbeats", options.regionHeartbeatInterval(), this::reportAll);
        repeat("regions that catch up", CATCHING_UP_LOOK, this::reportCaughtUp);
        repeat("timestamp limit", options.storeHeartbeatInterval(), maxTimestamps::refresh);
        repeat("store addresses", options.storeHeartbeatInterval(), directory::refresh);
        repeat("expelled replicas", EXPELLED_LOOK, expelled::look);
        reportAllSoon();
    }

    @Override
    public void onLeaderNews(RegionPeer peer) {
        maxTimestamps.sync(peer);
        inBackground("region heartbeat", () -> {
            RegionHeartbeat reports = regions;
            RegionHeartbeats to = stream;
            if (reports != null && to != null) {
                reports.send(peer, to);
            }
        });
    }

    @Override
    public void onSplitDue(RegionPeer peer, List<ByteKey> borders) {
        inBackground(
                "split",
                () -> splits.split(peer, peer.region().getRegionEpoch(), borders)
                        .whenComplete((regions, failure) -> {
                            if (failure != null) {
                                log.info(
                                        "region is not split, tried again region={} reason={}",
                                        peer.regionId(),
                                        failure.getMessage());
                            }
                        }));
    }

    private void reportAllSoon() {
        inBackground("region heartbeats", this::reportAll);
    }

    private void reportAll() {
        RegionHeartbeat reports = regions;
        RegionHeartbeats to = stream;
        if (reports != null && to != null) {
            reports.sendAll(to);
        }
    }

    private void reportCaughtUp() {
        RegionHeartbeat reports = regions;
        RegionHeartbeats to = stream;
        if (reports != null && to != null) {
            reports.sendCaughtUp(to);
        }
    }

    private void repeat(String what, Duration every, Runnable work) {
        thread.scheduleWithFixedDelay(guarded(what, work), every.toMillis(), every.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void inBackground(String what, Runnable work) {
        thread.execute(guarded(what, work));
    }

    /** A periodic task that throws would never run again. */
    private static Runnable guarded(String what, Runnable work) {
        return () -> {
            try {
                work.run();
            } catch (RuntimeException e) {
                log.error("{} failed", what, e);
            }
        };
    }

    /** Tells PD that this store is going down, as long as it still listens. */
    public void announceStop() {
        StoreHeartbeat last = store;
        if (last != null) {
            last.stopping();
            inBackground("store heartbeat", last::send);
        }
    }

    @Override
    public void close() {
        thread.shutdownNow();
        RegionHeartbeats open = stream;
        if (open != null) {
            open.close();
        }
        pd.close();
    }
}
