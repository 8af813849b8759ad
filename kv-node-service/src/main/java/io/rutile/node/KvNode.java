package io.rutile.node;

import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.client.pd.PdException;
import io.rutile.node.cdc.ChangeFeeds;
import io.rutile.node.deadlock.ClusterDeadlocks;
import io.rutile.node.deadlock.FirstRegion;
import io.rutile.node.deadlock.PdDetectorLookup;
import io.rutile.node.gc.GcRegion;
import io.rutile.node.gc.GcWorker;
import io.rutile.node.gc.RangeDestruction;
import io.rutile.node.gc.SafePointWatcher;
import io.rutile.node.placement.HostPort;
import io.rutile.node.placement.PlacementLink;
import io.rutile.node.raftstore.DiskGuard;
import io.rutile.node.raftstore.LeaderLocks;
import io.rutile.node.raftstore.RaftStore;
import io.rutile.node.raftstore.RaftStoreOptions;
import io.rutile.node.raftstore.RegionObserver;
import io.rutile.node.raftstore.RegionPeer;
import io.rutile.node.raftstore.RegionStateStore;
import io.rutile.node.raftstore.ReplicaReport;
import io.rutile.node.raftstore.StoreFaults;
import io.rutile.node.raftstore.StoreIdentity;
import io.rutile.node.resolved.ResolvedTsWorker;
import io.rutile.node.rpc.RpcServer;
import io.rutile.node.rpc.SafeTimestamps;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.LeaderInfo;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.protocol.metapb.NodeState;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.Store;
import io.rutile.protocol.metapb.StoreLabel;
import io.rutile.protocol.metapb.StoreState;
import io.rutile.raft.RaftException;
import io.rutile.raft.RaftOptions;
import io.rutile.raft.RaftServer;
import io.rutile.storage.Storage;
import io.rutile.storage.StorageOptions;
import io.rutile.storage.command.ConcurrencyManager;
import io.rutile.storage.engine.EngineException;
import io.rutile.storage.engine.EngineMetrics;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.ReplicaRead;
import io.rutile.storage.engine.RocksEngine;
import io.rutile.storage.engine.RocksOptions;
import io.rutile.storage.txn.ReplicaReads;
import io.rutile.tls.TransportSecurity;
import io.rutile.trace.Tracing;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A KV node without Spring. Starts top to bottom: disk, Placement Driver, identity, Raft and its Regions, storage, gRPC,
 * registration, heartbeats. Stops in reverse, after it has handed its leaders over.
 *
 * <p>{@link #start} and {@link #close} are called by one thread; the questions may come from any.
 */
public final class KvNode implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(KvNode.class);

    /** What clients and PD take this store for. */
    static final String VERSION = "8.5.0";

    /** Two replicas asked in turn, and one that became leader meanwhile; less than an orchestrator waits before it kills. */
    private static final Duration DRAIN_MAX = Duration.ofSeconds(8);

    /** How long clients that ask a store without leaders are told who leads now, before its door closes. */
    private static final Duration FAREWELL = Duration.ofMillis(500);

    private static final int HELD_MAX = 10_000;
    private static final long ANSWER_BYTES_MAX = 32L << 20;

    private final KvNodeOptions options;
    private final TransportSecurity security;
    private final Tracing tracing;
    private final MeterRegistry metrics;
    private final Clock clock;
    private final StoreFaults faults;
    private final Deque<AutoCloseable> open = new ArrayDeque<>();

    private volatile @Nullable Running running;

    /** What exists once the node has started. */
    private record Running(
            RaftStore store, PlacementLink link, RpcServer rpc, StoreIdentity identity, HostPort address) {}

    /** Over plaintext, and nothing is traced. */
    public KvNode(KvNodeOptions options, MeterRegistry metrics, Clock clock) {
        this(options, metrics, clock, StoreFaults.NONE);
    }

    /**
     * A node that is not started.
     *
     * @param security of its ports, and of connections to PD and other nodes
     * @param tracing who makes the spans of requests whose callers trace them
     */
    public KvNode(
            KvNodeOptions options, TransportSecurity security, Tracing tracing, MeterRegistry metrics, Clock clock) {
        this(options, security, tracing, metrics, clock, StoreFaults.NONE);
    }

    KvNode(KvNodeOptions options, MeterRegistry metrics, Clock clock, StoreFaults faults) {
        this(options, TransportSecurity.PLAINTEXT, Tracing.OFF, metrics, clock, faults);
    }

    private KvNode(
            KvNodeOptions options,
            TransportSecurity security,
            Tracing tracing,
            MeterRegistry metrics,
            Clock clock,
            StoreFaults faults) {
        this.options = options;
        this.security = security;
        this.tracing = tracing;
        this.metrics = metrics;
        this.clock = clock;
        this.faults = faults;
    }

    /**
     * Starts; on return the node is known to PD and serves.
     *
     * @throws NodeStartException with one sentence; nothing is left open
     */
    public void start() {
        try {
            running = startRooms();
            log.info("node started storeId={} address={} raftAddress={}", storeId(), address(), raftAddress());
        } catch (RuntimeException | IOException e) {
            closeRooms();
            throw new NodeStartException(sentence(e), e);
        }
    }

    private Running startRooms() throws IOException {
        Path dataDir = Files.createDirectories(options.dataDir().toAbsolutePath());
        RocksEngine engine =
                opened(RocksEngine.open(dataDir.resolve("db"), RocksOptions.withMemory(options.cacheBytes())));
        new EngineMetrics(engine).bindTo(metrics);
        RegionStateStore states = new RegionStateStore(engine);
        states.requireEncoding(options.apiVersion().name());
        DiskGuard disk = DiskGuard.of(dataDir, options.diskReserveBytesMax(), metrics);
        PlacementLink link = opened(PlacementLink.connect(options.placement(), security.channels(), metrics));
        StoreIdentity identity = link.identify(states);
        FirstRegion firstRegion = new FirstRegion();

        RaftStore store = opened(new RaftStore(
                new RaftStoreOptions(
                        identity,
                        raftOptions(identity, dataDir),
                        dataDir.resolve("images"),
                        options.pendingBytesMax(),
                        options.split(),
                        RaftStoreOptions.MERGE_PATIENCE,
                        options.consistency(),
                        options.staleReads(),
                        HELD_MAX),
                engine,
                link.addresses(),
                disk,
                new RegionObserver() {
                    @Override
                    public void onLeaderNews(RegionPeer peer) {
                        link.onLeaderNews(peer);
                        firstRegion.onLeaderNews(peer);
                    }

                    @Override
                    public void onSplitDue(RegionPeer peer, List<ByteKey> borders) {
                        link.onSplitDue(peer, borders);
                    }
                },
                locksOf(link.concurrency()),
                metrics,
                faults));
        store.start();

        StorageOptions storageOptions = storageOptions();
        ClusterDeadlocks deadlocks = opened(deadlocks(firstRegion, link, identity, storageOptions));
        Storage storage =
                opened(new Storage(store.kv(), link.concurrency(), deadlocks, storageOptions, clock, metrics));
        if (options.apiVersion().hasTtl()) {
            storage.startTtlSweeper(() -> contexts(store.leaders()));
        }
        SafePointWatcher safePoints = new SafePointWatcher(link.pd()::gcSafePoint, metrics);
        opened(gcWorker(storage, store, safePoints)).start();
        ResolvedTsWorker resolvedTs = opened(new ResolvedTsWorker(
                options.staleReads().interval(),
                identity.storeId(),
                link::timestamp,
                store::replicas,
                link::clientAddress,
                security.channels(),
                clock,
                metrics));
        ChangeFeeds changes = new ChangeFeeds(
                options.cdc(), identity.clusterId(), store::region, link::timestamp, safePoints::safePoint, metrics);
        RangeDestruction ranges = opened(new RangeDestruction(engine, metrics));
        RpcServer rpc = opened(new RpcServer(
                options.rpc(),
                security,
                identity.clusterId(),
                identity.storeId(),
                storage,
                options.apiVersion(),
                link.knownStores(),
                host -> host.equals(ownAddress()),
                (ctx, borders) -> split(store, link, ctx, borders),
                safeTimestamps(store),
                deadlocks.service(),
                changes.service(),
                ranges::destroy,
                RaftServer::together,
                tracing,
                metrics));
        // Closed before the port: it would wait for streams that don't end by themselves.
        opened(changes).start();
        rpc.start();
        HostPort address = advertised(options.advertise().orElse(options.listen()), rpc.address());
        HostPort raftAddress = advertised(options.raftAdvertise().orElse(options.raftListen()), store.raftAddress());

        link.register(describe(identity, address, raftAddress), store, states);
        link.start(store, disk, clock);
        resolvedTs.start();
        rpc.serving(true);
        return new Running(store, link, rpc, identity, address);
    }

    private static LeaderLocks locksOf(ConcurrencyManager concurrency) {
        return new LeaderLocks() {
            @Override
            public @Nullable LockInfo announce(ReplicaRead read) {
                return ReplicaReads.announce(concurrency, read);
            }

            @Override
            public long settle(long ts, KeyRange encoded) {
                return concurrency.settle(ts, encoded);
            }
        };
    }

    private static SafeTimestamps safeTimestamps(RaftStore store) {
        return new SafeTimestamps() {
            @Override
            public long over(KeyRange range) {
                return store.safeTs(range);
            }

            @Override
            public List<Long> heard(List<LeaderInfo> leaders) {
                return store.heard(leaders);
            }
        };
    }

    private <T extends AutoCloseable> T opened(T room) {
        open.push(room);
        return room;
    }

    private RaftOptions raftOptions(StoreIdentity identity, Path dataDir) {
        return RaftOptions.of(
                        identity.clusterId(),
                        identity.storeId(),
                        dataDir.resolve("raft"),
                        options.raftListen().resolve())
                .withCredentials(security.peerPort(), security.channels())
                .withElectionTimeout(options.electionTimeout())
                .withForceReadIndex(options.forceReadIndex())
                .withStoreLogBytesMax(options.logBytesMax())
                .withImageBytesPerSecondMax(options.imageBytesPerSecondMax())
                .withSync(options.syncLog());
    }

    /** Of the request's context the Region and its epoch count, not who is asked. */
    private static CompletableFuture<List<Region>> split(
            RaftStore store, PlacementLink link, KvContext ctx, List<ByteKey> borders) {
        long regionId = ctx.request().getRegionId();
        return store.region(regionId)
                .map(peer -> link.splits().split(peer, ctx.request().getRegionEpoch(), borders))
                .orElseGet(() -> CompletableFuture.failedFuture(RegionErrors.regionNotFound(regionId)));
    }

    private ClusterDeadlocks deadlocks(
            FirstRegion firstRegion, PlacementLink link, StoreIdentity identity, StorageOptions storage) {
        return new ClusterDeadlocks(
                firstRegion::lead,
                new PdDetectorLookup(link.pd(), identity.storeId()),
                security.channels(),
                storage.lockWaitDefault().multipliedBy(2),
                storage.lockWaitersMax(),
                metrics);
    }

    private GcWorker gcWorker(Storage storage, RaftStore store, SafePointWatcher safePoints) {
        return new GcWorker(options.gc(), storage::gc, () -> gcRegions(store.leaders()), safePoints, clock, metrics);
    }

    private StorageOptions storageOptions() {
        return StorageOptions.builder(options.apiVersion())
                .pendingWriteBytesMax(options.pendingBytesMax())
                .answerBytesMax(ANSWER_BYTES_MAX)
                .build();
    }

    /** Port 0 becomes the one that was picked. */
    private static HostPort advertised(HostPort wanted, InetSocketAddress listening) {
        return wanted.port() == 0 ? wanted.withPort(listening.getPort()) : wanted;
    }

    private Store describe(StoreIdentity identity, HostPort address, HostPort raftAddress) {
        Store.Builder store = Store.newBuilder()
                .setId(identity.storeId())
                .setAddress(address.toString())
                .setPeerAddress(raftAddress.toString())
                .setStatusAddress(options.statusAddress())
                .setVersion(VERSION)
                .setState(StoreState.Up)
                .setNodeState(NodeState.Serving)
                .setStartTimestamp(clock.instant().getEpochSecond())
                .setDeployPath(options.dataDir().toAbsolutePath().toString());
        options.labels()
                .forEach((key, value) ->
                        store.addLabels(StoreLabel.newBuilder().setKey(key).setValue(value)));
        return store.build();
    }

    /** What a request to each of these Regions would say. */
    private static List<Context> contexts(List<RegionPeer> leaders) {
        return leaders.stream().map(KvNode::context).toList();
    }

    private static Context context(RegionPeer peer) {
        return Context.newBuilder()
                .setRegionId(peer.regionId())
                .setRegionEpoch(peer.region().getRegionEpoch())
                .setPeer(Peer.newBuilder()
                        .setId(peer.self().peerId())
                        .setStoreId(peer.self().storeId()))
                .build();
    }

    private static List<GcRegion> gcRegions(List<RegionPeer> leaders) {
        return leaders.stream()
                .map(peer -> new GcRegion(
                        context(peer), peer.term(), peer.traffic().totals().keysWritten()))
                .toList();
    }

    /** What went wrong, for an operator. */
    private String sentence(Exception failure) {
        if (failure instanceof PdException pd && pd.kind() == PdException.Kind.UNAVAILABLE) {
            return "no PD member answers at "
                    + String.join(", ", options.placement().endpoints()) + " within "
                    + options.placement().connectTimeout().toSeconds() + " s: " + pd.getMessage();
        }
        if (failure instanceof IOException io) {
            return io instanceof BindException || io.getCause() instanceof BindException
                    ? "the gRPC port " + options.listen() + " is in use"
                    : "cannot use " + options.dataDir() + " or port " + options.listen() + ": " + io.getMessage();
        }
        if (failure instanceof EngineException
                || failure instanceof RaftException
                || failure instanceof PdException
                || failure instanceof UncheckedIOException
                || failure instanceof IllegalStateException
                || failure instanceof IllegalArgumentException) {
            return String.valueOf(failure.getMessage());
        }
        return "the node can't start: " + failure;
    }

    // ---- questions

    /** True while the node may serve: registered, engine open, every local replica started. */
    public boolean isReady() {
        Running now = running;
        return now != null && now.store().isReady();
    }

    /** What clients reach it by; after {@link #start}. */
    public HostPort address() {
        return started().address();
    }

    /** Where its Raft port listens; after {@link #start}. */
    public InetSocketAddress raftAddress() {
        return started().store().raftAddress();
    }

    public long storeId() {
        return started().identity().storeId();
    }

    /** Regions that it leads. */
    public int leaderCount() {
        return started().store().leaders().size();
    }

    /** Regions of which it has a replica with data. */
    public int regionCount() {
        return (int) started().store().replicas().stream()
                .filter(RegionPeer::isInitialized)
                .count();
    }

    /** Every replica here, and what the last consistency check has found. */
    public List<ReplicaReport> replicas() {
        return started().store().reports();
    }

    /** One of them; empty if none of that Region is here. */
    public Optional<ReplicaReport> replica(long regionId) {
        return started().store().report(regionId);
    }

    /** Regions whose replica here was last found to differ from its leader. */
    public List<Long> mismatchedRegions() {
        return started().store().mismatchedRegions();
    }

    /** Regions whose replica here is dead and serves nothing, ascending. */
    public List<Long> deadRegions() {
        return started().store().deadRegions();
    }

    /**
     * Has the replicas of a Region compared.
     *
     * @return the index that they are compared at; fails with a Region error where that is not led here
     */
    public CompletableFuture<Long> checkConsistency(long regionId) {
        return started()
                .store()
                .region(regionId)
                .map(RegionPeer::checkConsistency)
                .orElseGet(() -> CompletableFuture.failedFuture(RegionErrors.regionNotFound(regionId)));
    }

    /** Begins to check all Regions that are led here; false if that is under way already. */
    public boolean sweepConsistency() {
        return started().store().sweepConsistency();
    }

    private Running started() {
        Running now = running;
        if (now == null) {
            throw new IllegalStateException("the node is not started");
        }
        return now;
    }

    private @Nullable String ownAddress() {
        Running now = running;
        return now == null ? null : now.address().toString();
    }

    // ---- the end

    /**
     * Stops without a failed call where that is possible: says that it isn't ready, tells PD, gives its leaders away while it goes on to
     * serve, names the new ones to whoever asks, lets running calls end, and closes its rooms.
     */
    @Override
    public void close() {
        Running was = running;
        running = null;
        if (was != null) {
            was.rpc().serving(false);
            was.link().announceStop();
            drain(was.store());
        }
        closeRooms();
    }

    private static void drain(RaftStore store) {
        long begunNanos = System.nanoTime();
        try {
            int givenAway = store.drain()
                    .orTimeout(DRAIN_MAX.toMillis(), TimeUnit.MILLISECONDS)
                    .join();
            log.info(
                    "store drained givenAway={} kept={} ms={}",
                    givenAway,
                    store.leaders().size(),
                    TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begunNanos));
            if (givenAway > 0) {
                TimeUnit.MILLISECONDS.sleep(FAREWELL.toMillis());
            }
        } catch (CompletionException e) {
            log.info("leaders are not all handed over, they will be elected reason={}", String.valueOf(e.getCause()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void closeRooms() {
        while (!open.isEmpty()) {
            AutoCloseable room = open.pop();
            try {
                room.close();
            } catch (Exception e) {
                log.warn("{} did not close cleanly", room.getClass().getSimpleName(), e);
            }
        }
    }
}
