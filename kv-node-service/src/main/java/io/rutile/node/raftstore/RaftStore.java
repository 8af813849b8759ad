package io.rutile.node.raftstore;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.RegionException;
import io.rutile.protocol.kvrpcpb.LeaderInfo;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.RegionEpoch;
import io.rutile.raft.RaftException;
import io.rutile.raft.RaftServer;
import io.rutile.raft.Replica;
import io.rutile.raft.StoreAddresses;
import io.rutile.raft.UnknownReplicas;
import io.rutile.storage.engine.EngineBatch;
import io.rutile.storage.engine.EngineException;
import io.rutile.storage.engine.EngineStats;
import io.rutile.storage.engine.ReplicatedKv;
import io.rutile.storage.engine.RocksEngine;
import io.rutile.storage.engine.SstFiles;
import io.rutile.storage.mvcc.Ts;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Owns the replicas of a store: finds them after a restart, creates them for a bootstrap or when a leader calls, takes them down
 * when their Region has let them go, gives birth to those that a split cuts off, and routes requests to them.
 *
 * <p>Guarantees: a replica's birth and death are durable before anybody can see them (R5); no two Regions of the store overlap
 * (R6); a replica that a leader creates begins with an image (R2).
 *
 * <p>Threads: whoever starts or destroys a group holds this object's lock, and may wait for apply threads while it does. Ranges
 * change hands under the monitor of the {@link RegionMap}, which is taken last and never held for long. Routing takes none.
 */
@SuppressWarnings("FutureReturnValueIgnored") // periodic work reports for itself
public final class RaftStore implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(RaftStore.class);

    /** Where a first Region's log begins: nothing in front of it can ever be asked for, so whoever joins needs an image (R2). */
    static final long FIRST_INDEX = 5;

    private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(5);

    private static final int ANNOUNCE_LOOKS_MAX = 50;
    private static final long ANNOUNCE_PAUSE_MS = 20;

    private static final long BUSY_PAUSE_MS = 20;

    private final RaftStoreOptions options;
    private final RocksEngine engine;
    private final RegionStateStore states;
    private final RegionMap regions = new RegionMap();
    private final Ranges ranges = new Ranges();
    private final RegionImages images;
    private final SlowScore slowScore;
    private final RaftServer raft;
    private final ScheduledThreadPoolExecutor timer;
    private final ExecutorService worker;
    private final PeerContext shared;
    private final RaftKv kv;
    private final Counter splits;
    private final Counter merges;
    private final SplitKeys splitKeys;
    private final SplitChecker splitChecker;
    private final LoadSplitChecker loadSplitChecker;
    private final ReplicaHashes hashes;
    private final DeadReplicas dead;
    private final DataDisk dataDisk;
    private final ConsistencySweep consistencySweep;
    private final LockBudget lockBudget;
    private volatile @Nullable EngineStats engineSample;
    private boolean started;
    private boolean closed;

    public RaftStore(
            RaftStoreOptions options,
            RocksEngine engine,
            StoreAddresses addresses,
            DiskGuard disk,
            RegionObserver observer,
            LeaderLocks locks,
            MeterRegistry metrics) {
        this(options, engine, addresses, disk, observer, locks, metrics, StoreFaults.NONE);
    }

    /** @param faults {@link StoreFaults#NONE} but in tests */
    public RaftStore(
            RaftStoreOptions options,
            RocksEngine engine,
            StoreAddresses addresses,
            DiskGuard disk,
            RegionObserver observer,
            LeaderLocks locks,
            MeterRegistry metrics,
            StoreFaults faults) {
        this.options = options;
        this.engine = engine;
        this.states = new RegionStateStore(engine);
        this.images = new RegionImages(engine, states, options.imageDir(), ranges);
        this.slowScore = new SlowScore(System::nanoTime);
        this.raft = new RaftServer(options.raft(), addresses, new Strangers(), metrics, slowScore, faults.links());
        this.dataDisk = faults.disk().apply(engine::write);
        this.dead = new DeadReplicas(System::nanoTime, metrics);
        this.timer = new ScheduledThreadPoolExecutor(1, threads("raftstore-timer"));
        this.timer.setRemoveOnCancelPolicy(true);
        this.worker = Executors.newFixedThreadPool(2, threads("raftstore-worker"));
        this.hashes = new ReplicaHashes(options.consistency(), metrics);
        this.consistencySweep = new ConsistencySweep(hashes, worker);
        this.lockBudget = new LockBudget(options.staleReads().lockBytesMax(), metrics);
        this.shared = new PeerContext(
                new ProposalBudget(options.pendingBytesMax(), metrics),
                disk,
                observer,
                worker,
                timer,
                dead::died,
                this::retireLater,
                this::retireDissolved,
                options.mergePatience(),
                regions,
                locks,
                hashes,
                PeerContext.StaleReads.of(metrics));
        this.splits = metrics.counter("kv.raftstore.splits");
        this.merges = metrics.counter("kv.raftstore.merges");
        this.splitKeys = new SplitKeys(engine, options.split().encodedOnly());
        this.splitChecker = new SplitChecker(options.split(), splitKeys, observer::onSplitDue, metrics);
        this.loadSplitChecker = new LoadSplitChecker(options.split(), splitKeys, System::nanoTime, metrics);
        this.kv = new RaftKv(storeId(), regions, new HoldAndRetry(timer, options.heldMax(), metrics));
        Gauge.builder("kv.raftstore.regions", regions, r -> r.all().size()).register(metrics);
        Gauge.builder("kv.raftstore.slow.score", slowScore, SlowScore::current).register(metrics);
        Gauge.builder("kv.raftstore.leaders", this, RaftStore::leaderCount).register(metrics);
    }

    private static ThreadFactory threads(String name) {
        AtomicInteger number = new AtomicInteger();
        return task -> {
            Thread thread = new Thread(task, name + '-' + number.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        };
    }

    /**
     * Opens the Raft port and starts every replica that the engine knows; finishes what a crash interrupted.
     *
     * @throws RaftException port in use, or data of another store
     * @throws EngineException if the disk fails
     */
    public synchronized void start() {
        try {
            Files.createDirectories(options.imageDir());
        } catch (IOException e) {
            throw new UncheckedIOException("cannot make directory " + options.imageDir(), e);
        }
        raft.start();
        for (RegionState state : states.states()) {
            recover(state);
        }
        started = true;
        timer.scheduleWithFixedDelay(this::tick, 1, 1, TimeUnit.SECONDS);
        long lookMs = options.split().interval().toMillis();
        timer.scheduleWithFixedDelay(() -> inBackground(this::lookForSplits), lookMs, lookMs, TimeUnit.MILLISECONDS);
        long checkMs = options.consistency().interval().toMillis();
        if (checkMs > 0) {
            timer.scheduleWithFixedDelay(() -> inBackground(this::beginSweep), checkMs, checkMs, TimeUnit.MILLISECONDS);
        }
        log.info(
                "store started storeId={} regions={} raftAddress={}",
                storeId(),
                regions.all().size(),
                raftAddress());
    }

    private void recover(RegionState found) {
        switch (found.status()) {
            case NORMAL -> {
                finishBirth(found);
                launch(found);
            }
            case APPLYING -> launchFromImage(found);
            case DESTROYING -> {
                RegionPeer peer = newPeer(found.regionId(), new Replica(storeId(), found.peerId()), found);
                regions.put(peer);
                finishDestruction(peer, found);
            }
            case MERGED -> {
                RegionPeer peer = newPeer(found.regionId(), new Replica(storeId(), found.peerId()), found);
                regions.put(peer);
                finishMerge(peer, found);
            }
            case TOMBSTONE -> log.debug("tombstone region={} peer={}", found.regionId(), found.peerId());
        }
    }

    /** A split is durable before the logs of its pieces begin: a crash in between is mended here (R2). */
    private void finishBirth(RegionState found) {
        if (states.appliedIndex(found.regionId()) == FIRST_INDEX) {
            beginLog(found);
        }
    }

    private void beginLog(RegionState state) {
        raft.bootstrapGroup(
                state.regionId(),
                new Replica(storeId(), state.peerId()),
                PeerChange.replicas(state.region()),
                FIRST_INDEX);
    }

    private void launchFromImage(RegionState applying) {
        try {
            launch(images.resume(applying));
        } catch (IOException | EngineException e) {
            // Its data is neither the old nor the new: only a new incarnation can be right again (R3).
            log.error(
                    "image is lost, replica is given up region={} peer={}", applying.regionId(), applying.peerId(), e);
            RegionPeer peer = newPeer(applying.regionId(), new Replica(storeId(), applying.peerId()), applying);
            regions.put(peer);
            destroy(peer);
        }
    }

    private RegionPeer launch(RegionState state) {
        RegionPeer peer = newPeer(state.regionId(), new Replica(storeId(), state.peerId()), state);
        regions.put(peer);
        peer.attach(raft.startGroup(peer.regionId(), peer.self(), peer.stateMachine()));
        return peer;
    }

    private RegionPeer newPeer(long regionId, Replica self, @Nullable RegionState state) {
        AppliedLocks locks = new AppliedLocks(lockBudget, System::nanoTime);
        ApplyStateMachine stateMachine =
                new ApplyStateMachine(regionId, self, engine, states, images, ranges, locks, dataDisk, state);
        RegionPeer peer = new RegionPeer(shared, self, stateMachine);
        stateMachine.listen(peer);
        return peer;
    }

    // ---- birth

    /**
     * Creates the one replica of a cluster's first Region; does nothing if it is here already. Durable on return.
     *
     * @param region one peer, on this store
     */
    public synchronized void bootstrap(Region region) {
        Peer peer = region.getPeers(0);
        if (region.getPeersCount() != 1 || peer.getStoreId() != storeId()) {
            throw new IllegalArgumentException("a first region has one peer, on store " + storeId());
        }
        if (regions.find(region.getId()) != null) {
            return;
        }
        RegionState state = RegionState.normal(peer.getId(), region);
        // The log first: a Region state without one would wait for a leader that can't exist.
        beginLog(state);
        states.put(state, FIRST_INDEX);
        launch(state);
        log.info("first region created region={} peer={}", region.getId(), peer.getId());
    }

    private final class Strangers implements UnknownReplicas {

        @Override
        public void onMessage(long groupId, Replica self, Replica from) {
            onMessageForUnknown(groupId, self, from);
        }

        @Override
        public boolean isDissolved(long groupId) {
            return states.state(groupId).map(RegionState::isMerged).orElse(false);
        }
    }

    /** A leader has a message for a replica that doesn't run here: a new incarnation, unless it is known to be gone (R3, R5). */
    private void onMessageForUnknown(long groupId, Replica self, Replica from) {
        if (self.storeId() != storeId()) {
            log.warn("message for another store region={} for={} from={}", groupId, self, from);
            return;
        }
        RegionPeer stale;
        synchronized (this) {
            if (!started || closed) {
                return;
            }
            Optional<RegionState> known = states.state(groupId);
            if (known.isPresent()
                    && known.get().status() != RegionState.Status.NORMAL
                    && self.peerId() <= known.get().peerId()) {
                log.debug("message for a replica that is gone region={} for={}", groupId, self);
                return;
            }
            long owner = raft.owner(groupId);
            if (owner > self.peerId()) {
                log.debug("message for an older replica than was here region={} for={}", groupId, self);
                return;
            }
            RegionPeer peer = newPeer(groupId, self, null);
            synchronized (regions) {
                stale = regions.find(groupId);
                if (stale == null) {
                    regions.put(peer);
                }
            }
            if (stale == null) {
                create(peer, owner);
                log.info("replica created region={} self={} from={}", groupId, self, from);
                return;
            }
        }
        if (self.peerId() > stale.peerId()) {
            // A Region has one peer on a store, so a newer one means that ours was removed while we weren't told.
            retireLater(stale);
        }
    }

    /** @param owner whose log and vote are here: of one that still waited for its first image before a restart there is nothing else */
    private void create(RegionPeer peer, long owner) {
        try {
            if (owner != 0 && owner != peer.peerId()) {
                // It has been replaced while it wasn't told (R3).
                raft.destroyGroup(peer.regionId());
            }
            peer.attach(raft.startGroup(peer.regionId(), peer.self(), peer.stateMachine()));
        } catch (RaftException e) {
            regions.remove(peer);
            throw e;
        }
    }

    /** R6: one Region at a time owns a range of this store. */
    private final class Ranges implements ApplyStateMachine.Ranges {

        @Override
        public void claim(ApplyStateMachine replica, RegionState next, Consumer<List<RegionState>> publish)
                throws IOException {
            List<RegionPeer> swallowed;
            synchronized (regions) {
                RegionPeer here = regions.find(next.regionId());
                if (here == null || here.stateMachine() != replica) {
                    throw new IOException("another replica of region " + next.regionId() + " has come to be here");
                }
                swallowed = regions.overlaps(next.regionId(), next.range());
                for (RegionPeer owner : swallowed) {
                    if (!owner.isDissolved() || !owner.isInitialized()) {
                        throw new IOException("region " + next.regionId() + " overlaps region " + owner.regionId()
                                + ", which is still here");
                    }
                }
                List<RegionState> ended = swallowed.stream()
                        .map(peer -> peer.state().with(RegionState.Status.MERGED))
                        .toList();
                publish.accept(ended);
                end(swallowed, ended);
            }
            swallowed.forEach(peer -> log.info(
                    "replica of a merged region gives way to an image region={} peer={} image={}",
                    peer.regionId(),
                    peer.peerId(),
                    next.regionId()));
            finishMerges(swallowed);
        }

        @Override
        public void exchange(
                ApplyStateMachine region, ApplyBatch changes, Consumer<ApplyStateMachine.Exchange> publish) {
            List<Birth> births = new ArrayList<>();
            List<RegionPeer> absorbed;
            List<RegionPeer> refused;
            RegionPeer changed;
            synchronized (regions) {
                changed = regions.find(region.regionId());
                List<RegionState> living = changes.children().stream()
                        .filter(RaftStore.this::mayLive)
                        .toList();
                absorbed = changes.absorbed().stream()
                        .map(merge -> requireMerging(merge, region.regionId()))
                        .toList();
                List<RegionState> ended = absorbed.stream()
                        .map(peer -> peer.state().with(RegionState.Status.MERGED))
                        .toList();
                refused = refusedBy(region, changes, absorbed);
                List<RegionState> calledOff = refused.stream()
                        .map(peer -> peer.state().with(mergeOf(peer).asCalledOff()))
                        .toList();
                List<RegionState> others = new ArrayList<>(ended);
                others.addAll(calledOff);
                publish.accept(new ApplyStateMachine.Exchange(withFate(changes.state(), region), living, others));
                end(absorbed, ended);
                end(refused, calledOff);
                for (RegionState child : living) {
                    RegionPeer empty = regions.find(child.regionId());
                    RegionPeer born = newPeer(child.regionId(), new Replica(storeId(), child.peerId()), child);
                    regions.put(born);
                    births.add(new Birth(born, empty));
                }
            }
            refused.forEach(RegionPeer::mergeNews);
            if (!changes.cutOff().isEmpty()) {
                splits.increment();
                log.info(
                        "region split region={} pieces={} born={}",
                        region.regionId(),
                        changes.children().size() + 1,
                        births.stream().map(birth -> birth.born().regionId()).toList());
                inBackground(() -> startBorn(changed, births));
            }
            for (RegionPeer peer : absorbed) {
                merges.increment();
                log.info("region merged region={} into={}", peer.regionId(), region.regionId());
            }
            finishMerges(absorbed);
        }

        private void end(List<RegionPeer> peers, List<RegionState> states) {
            for (int i = 0; i < peers.size(); i++) {
                peers.get(i).stateMachine().become(states.get(i));
            }
        }

        /**
         * The replica here whose range is about to be taken over. It was asked for its word before the merge could be committed, so
         * it is here and has everything.
         */
        private RegionPeer requireMerging(RaftCommand.CommitMerge commit, long into) {
            RegionPeer source = regions.find(commit.source().getId());
            RegionState state = source == null ? null : source.stateMachine().state();
            RegionMerge merge = RegionState.mergeUnderWay(state);
            if (source == null
                    || state == null
                    || merge == null
                    || merge.index() != commit.index()
                    || merge.target().getId() != into
                    || !state.region().equals(commit.source())) {
                throw new IllegalStateException("region " + commit.source().getId() + " is to be merged into region "
                        + into + " and isn't here as it was prepared: " + state);
            }
            return source;
        }

        /** Whose merge into this Region can't be committed any more, now that its log has gone past what they agreed on. */
        private List<RegionPeer> refusedBy(ApplyStateMachine region, ApplyBatch changes, List<RegionPeer> absorbed) {
            RegionState before = region.state();
            RegionEpoch after = changes.state().region().getRegionEpoch();
            return regions.all().stream()
                    .filter(peer -> !absorbed.contains(peer))
                    .filter(peer -> {
                        RegionMerge merge =
                                RegionState.mergeUnderWay(peer.stateMachine().state());
                        return merge != null
                                && !merge.calledOff()
                                && merge.target().getId() == region.regionId()
                                && before != null
                                && !merge.isDecidedAt(before.region().getRegionEpoch())
                                && merge.isDecidedAt(after);
                    })
                    .toList();
        }

        /**
         * A merge is committed only after every replica of the source has said that it is prepared. If the target has gone on
         * before this one was, that was not by this merge.
         */
        private RegionState withFate(RegionState next, ApplyStateMachine region) {
            RegionMerge merge = RegionState.mergeUnderWay(next);
            if (merge == null || merge.calledOff() || merge.equals(RegionState.mergeUnderWay(region.state()))) {
                return next;
            }
            RegionPeer target = regions.find(merge.target().getId());
            RegionState there = target == null ? null : target.stateMachine().state();
            boolean gone = there != null
                    && there.status() == RegionState.Status.NORMAL
                    && merge.isDecidedAt(there.region().getRegionEpoch());
            return gone ? next.with(merge.asCalledOff()) : next;
        }

        private RegionMerge mergeOf(RegionPeer peer) {
            return Objects.requireNonNull(peer.state().merge(), "merge");
        }
    }

    /** What is left of replicas whose range and data are another Region's: their logs. */
    private void finishMerges(List<RegionPeer> ended) {
        for (RegionPeer peer : ended) {
            inBackground(() -> {
                RegionState last = peer.stateMachine().state();
                if (last == null || last.status() != RegionState.Status.MERGED) {
                    return;
                }
                try {
                    onceFree(() -> finishMerge(peer, last));
                } catch (EngineException | RaftException e) {
                    log.error(
                            "log of a merged region can't be deleted, tried again after a restart region={}",
                            peer.regionId(),
                            e);
                }
            });
        }
    }

    /** Touches no data: that belongs to somebody else by now (R5). */
    private void finishMerge(RegionPeer peer, RegionState merged) {
        raft.destroyGroup(peer.regionId());
        peer.stateMachine().close();
        states.putWithoutData(merged.with(RegionState.Status.TOMBSTONE));
        hashes.forget(peer.regionId());
        dead.forget(peer);
        peer.stateMachine().locks().rest();
        synchronized (this) {
            regions.remove(peer);
        }
    }

    /**
     * A replica that a split has made.
     *
     * @param empty one that a message has called up before the split was applied here, to be replaced
     */
    private record Birth(RegionPeer born, @Nullable RegionPeer empty) {}

    /** Not if the piece has already let this replica go, or has another one here (R3, R5): either may be ahead of this split. */
    private boolean mayLive(RegionState child) {
        Optional<RegionState> known = states.state(child.regionId());
        if (known.isPresent()) {
            log.info(
                    "piece is not born here region={} peer={} known={} knownPeer={}",
                    child.regionId(),
                    child.peerId(),
                    known.get().status(),
                    known.get().peerId());
            return false;
        }
        if (raft.owner(child.regionId()) > child.peerId()) {
            log.info("piece is not born here, a newer one was region={} peer={}", child.regionId(), child.peerId());
            return false;
        }
        RegionPeer here = regions.find(child.regionId());
        return here == null || here.peerId() == child.peerId();
    }

    /** Begins the logs of what was born and, where the divided Region is led, stands for election in each at once. */
    private void startBorn(@Nullable RegionPeer divided, List<Birth> births) {
        List<RegionPeer> started = new ArrayList<>();
        List<Birth> later = new ArrayList<>();
        for (Birth birth : births) {
            RegionPeer peer = birth.born();
            try {
                if (birth.empty() != null) {
                    // Without the lock: an image that is on its way may be waiting for it.
                    raft.stopGroup(peer.regionId());
                    birth.empty().stateMachine().close();
                }
                synchronized (this) {
                    if (!closed && regions.find(peer.regionId()) == peer && peer.isInitialized()) {
                        beginLog(peer.state());
                        peer.attach(raft.startGroup(peer.regionId(), peer.self(), peer.stateMachine()));
                        started.add(peer);
                    }
                }
            } catch (RaftException e) {
                if (e.kind() == RaftException.Kind.BUSY) {
                    later.add(birth);
                } else {
                    peer.onFailure(e);
                }
            }
        }
        if (!later.isEmpty()) {
            // Whoever called up an empty replica is still starting it.
            soon(() -> startBorn(divided, later));
        }
        if (divided != null && divided.isLeader()) {
            started.forEach(peer -> peer.group().campaign());
        }
        announceWhenLed(divided, started, ANNOUNCE_LOOKS_MAX);
    }

    /**
     * PD hears of what is left of a Region when it may hear of the pieces, too: until then it knows them as one, and no key is without
     * a Region. Not for longer than a second.
     */
    private void announceWhenLed(@Nullable RegionPeer divided, List<RegionPeer> born, int looks) {
        if (divided == null) {
            return;
        }
        if (looks == 0 || born.stream().allMatch(peer -> peer.leader() != null)) {
            divided.announce();
            return;
        }
        try {
            timer.schedule(() -> announceWhenLed(divided, born, looks - 1), ANNOUNCE_PAUSE_MS, TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            log.debug("closing, nobody is told of a split region={}", divided.regionId());
        }
    }

    /** In the background, in a moment. */
    private void soon(Runnable work) {
        try {
            timer.schedule(() -> inBackground(work), BUSY_PAUSE_MS, TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            log.debug("closing, work is left to the next start");
        }
    }

    /** A group that is being started or stopped at this moment can't be destroyed: again in a moment. */
    private void onceFree(Runnable destruction) {
        try {
            destruction.run();
        } catch (RaftException e) {
            if (e.kind() != RaftException.Kind.BUSY) {
                throw e;
            }
            soon(() -> onceFree(destruction));
        }
    }

    /** After {@link #close} has begun nothing is started any more: the next start finds what is left to do. */
    private void inBackground(Runnable work) {
        try {
            worker.execute(work);
        } catch (RejectedExecutionException e) {
            log.debug("closing, work is left to the next start");
        }
    }

    // ---- death

    private void retireLater(RegionPeer peer) {
        inBackground(() -> {
            try {
                destroy(peer);
            } catch (EngineException | RaftException e) {
                log.error(
                        "replica can't be destroyed, tried again after a restart region={} peer={}",
                        peer.regionId(),
                        peer.peerId(),
                        e);
            }
        });
    }

    /**
     * Takes down a replica that the Region, as the Placement Driver knows it, no longer has.
     *
     * @param seen PD's epoch: what is older than this replica's own proves nothing (D1)
     */
    public void retireIfExpelled(RegionPeer peer, Region seen) {
        RegionEpoch epoch = seen.getRegionEpoch();
        boolean newer = !peer.isInitialized()
                || Long.compareUnsigned(
                                epoch.getConfVer(),
                                peer.region().getRegionEpoch().getConfVer())
                        >= 0;
        boolean gone = seen.getPeersList().stream().noneMatch(p -> p.getId() == peer.peerId());
        if (newer && gone) {
            log.info("replica was removed while it wasn't told region={} peer={}", peer.regionId(), peer.peerId());
            retireLater(peer);
        }
    }

    /**
     * Takes down a replica whose Region another store knows to have been merged, unless the target's own replica here will do it:
     * whose log may still hold the merge, and then needs the data.
     */
    private void retireDissolved(RegionPeer peer) {
        RegionMerge merge = RegionState.mergeUnderWay(peer.stateMachine().state());
        if (merge != null) {
            RegionPeer target = regions.find(merge.target().getId());
            RegionState there = target == null ? null : target.stateMachine().state();
            boolean toCome = there != null
                    && (there.status() == RegionState.Status.NORMAL || there.status() == RegionState.Status.APPLYING)
                    && !merge.isDecidedAt(there.region().getRegionEpoch());
            if (toCome) {
                log.debug("target's replica has yet to take it over region={}", peer.regionId());
                return;
            }
        }
        retireLater(peer);
    }

    /** Takes down a replica whose Region has ended while it wasn't told. */
    public void retire(RegionPeer peer) {
        retireLater(peer);
    }

    /** Tombstone first, then log and data (R5). */
    private void destroy(RegionPeer peer) {
        RegionState gone;
        synchronized (this) {
            if (closed || regions.find(peer.regionId()) != peer) {
                return;
            }
            synchronized (regions) {
                RegionState last = peer.stateMachine().state();
                if (last != null && last.hasEnded()) {
                    // Somebody else takes it down, or its data is another Region's.
                    return;
                }
                gone = last == null
                        ? new RegionState(
                                RegionState.Status.TOMBSTONE,
                                peer.peerId(),
                                Region.newBuilder().setId(peer.regionId()).build())
                        : last.with((RegionMerge) null).with(RegionState.Status.DESTROYING);
                states.putWithoutData(gone);
                peer.stateMachine().become(gone);
            }
        }
        onceFree(() -> finishDestruction(peer, gone));
    }

    private void finishDestruction(RegionPeer peer, RegionState gone) {
        raft.destroyGroup(peer.regionId());
        peer.stateMachine().close();
        if (gone.status() == RegionState.Status.DESTROYING) {
            if (gone.region().getPeersCount() > 0) {
                SstFiles.clear(engine, gone.range(), RegionStateStore.DATA);
            } else {
                // No Region is without replicas, and what has no borders would be all of the store.
                log.error("a region that is not known has no data, none is deleted region={}", peer.regionId());
            }
            states.putWithoutData(gone.with(RegionState.Status.TOMBSTONE));
        }
        hashes.forget(peer.regionId());
        dead.forget(peer);
        peer.stateMachine().locks().rest();
        synchronized (this) {
            regions.remove(peer);
        }
        log.info("replica destroyed region={} peer={}", peer.regionId(), peer.peerId());
    }

    // ---- a second life

    /** One attempt for all, once the disk takes writes: until then none of them could go on. */
    private void startAgain(List<RegionPeer> replicas) {
        if (!takesWrites()) {
            return;
        }
        for (RegionPeer peer : replicas) {
            try {
                startAgain(peer);
            } catch (EngineException | RaftException | IOException e) {
                log.warn(
                        "dead replica can't be started again yet region={} peer={} reason={}",
                        peer.regionId(),
                        peer.peerId(),
                        e.toString());
            }
        }
    }

    private boolean takesWrites() {
        try (EngineBatch probe = engine.newBatch()) {
            states.putIdentity(probe, options.identity());
            dataDisk.write(probe, true);
            return true;
        } catch (EngineException e) {
            log.debug("the disk takes no writes yet reason={}", e.getMessage());
            return false;
        }
    }

    /**
     * Starts a dead replica's group once more from what engine and log hold, as a restart of the process would: the vote stays, nothing
     * is skipped, and what was in memory alone is gone.
     */
    private synchronized void startAgain(RegionPeer peer) throws IOException {
        if (!mayLiveAgain(peer)) {
            return;
        }
        raft.stopGroup(peer.regionId());
        peer.stateMachine().close();
        peer.stateMachine().locks().rest();
        RegionState known = stateOf(peer);
        if (known != null && known.status() == RegionState.Status.APPLYING) {
            images.resume(known);
        }
        RegionPeer again;
        synchronized (regions) {
            // A neighbour may have taken its range over until this moment, or decided about its merge.
            if (!mayLiveAgain(peer)) {
                return;
            }
            again = newPeer(peer.regionId(), peer.self(), stateOf(peer));
            regions.put(again);
        }
        try {
            again.attach(raft.startGroup(again.regionId(), again.self(), again.stateMachine()));
        } catch (RaftException e) {
            // Another attempt is due: whoever stands for it now is as dead as it was.
            again.onFailure(
                    new EngineException(EngineException.Kind.IO, "the replica can't be started: " + e.getMessage(), e));
            throw e;
        }
        dead.startedAgain(peer);
        log.info("dead replica is started again region={} peer={}", peer.regionId(), peer.peerId());
    }

    /** Nobody has replaced it, and its Region has neither let it go nor ended meanwhile. */
    private boolean mayLiveAgain(RegionPeer peer) {
        RegionState last = peer.stateMachine().state();
        return !closed
                && regions.find(peer.regionId()) == peer
                && (last == null
                        || last.status() == RegionState.Status.NORMAL
                        || last.status() == RegionState.Status.APPLYING);
    }

    /** What is on disk; null for one that never had an image. */
    private @Nullable RegionState stateOf(RegionPeer peer) {
        return states.state(peer.regionId())
                .filter(state -> state.peerId() == peer.peerId())
                .orElse(null);
    }

    /** Regions whose replica here is dead: it serves nothing until it is started again or replaced. Ascending. */
    public List<Long> deadRegions() {
        return dead.regions();
    }

    // ---- routing and news

    private void tick() {
        try {
            shared.disk().look();
            engineSample = engine.stats();
            regions.all().forEach(RegionPeer::tick);
            List<RegionPeer> due = dead.due();
            if (!due.isEmpty()) {
                inBackground(() -> startAgain(due));
            }
            inBackground(this::lookForLoad);
        } catch (RuntimeException e) {
            log.error("tick failed", e);
        }
    }

    private void lookForSplits() {
        synchronized (splitChecker) {
            splitChecker.look(leaders(), peer -> approximate(rangeOf(peer.region())));
        }
    }

    private void lookForLoad() {
        synchronized (loadSplitChecker) {
            try {
                loadSplitChecker.look(leaders().stream().map(this::led).toList());
            } catch (RegionException e) {
                log.debug("a region is being taken down, the next look is due in a second reason={}", e.getMessage());
            }
        }
    }

    private LoadSplitChecker.Led led(RegionPeer peer) {
        return new LoadSplitChecker.Led(
                peer.regionId(),
                rangeOf(peer.region()),
                peer.traffic().totals(),
                peer.load(),
                border -> shared.observer().onSplitDue(peer, List.of(border)));
    }

    /** A key that cuts a Region into two of about the same size; empty if there is none. */
    public List<ByteKey> bisect(Region region) {
        return splitKeys.evenly(rangeOf(region), 2);
    }

    // ---- consistency

    /** Every replica of this store, by Region id, with what the last consistency check has found here. */
    public List<ReplicaReport> reports() {
        return regions.all().stream()
                .sorted(Comparator.comparingLong(RegionPeer::regionId))
                .map(this::report)
                .toList();
    }

    /** The same of one Region; empty if no replica of it is here. */
    public Optional<ReplicaReport> report(long regionId) {
        return Optional.ofNullable(regions.find(regionId)).map(this::report);
    }

    private ReplicaReport report(RegionPeer peer) {
        RegionState state = peer.stateMachine().state();
        return new ReplicaReport(
                peer.regionId(),
                peer.peerId(),
                peer.isLeader(),
                state == null || state.status() != RegionState.Status.NORMAL ? null : state.region(),
                hashes.last(peer.regionId()).orElse(null),
                hashes.mismatch(peer.regionId()),
                dead.causeOf(peer).orElse(null));
    }

    /** Regions of which a replica here was last found to differ from its leader. */
    public List<Long> mismatchedRegions() {
        return hashes.mismatched();
    }

    /**
     * Begins to check all Regions that are led here, one after the other, in the background.
     *
     * @return false if that is under way already
     */
    public boolean sweepConsistency() {
        return consistencySweep.start(leaders());
    }

    private void beginSweep() {
        if (!sweepConsistency()) {
            log.info("the last check of all regions is still under way");
        }
    }

    // ---- stale reads

    /**
     * Other stores say that they lead, and how far the replicas here may be read (P8).
     *
     * @return the Regions whose replica here follows that very leader, under that epoch
     */
    public List<Long> heard(List<LeaderInfo> leaders) {
        List<Long> known = new ArrayList<>();
        for (LeaderInfo leader : leaders) {
            RegionPeer peer = regions.route(leader.getRegionId());
            Region region = peer == null ? null : peer.lastKnown().orElse(null);
            if (peer != null
                    && region != null
                    && peer.heard(leader)
                    && region.getRegionEpoch().equals(leader.getRegionEpoch())) {
                known.add(leader.getRegionId());
            }
        }
        return known;
    }

    /**
     * The greatest timestamp that every replica here of a Region in the range can be read at without a word to its leader; 0 for none.
     *
     * @param range as borders are written
     */
    public long safeTs(KeyRange range) {
        long least = Ts.MAX;
        for (RegionPeer peer : regions.all()) {
            RegionState state = peer.stateMachine().state();
            if (state != null
                    && state.status() == RegionState.Status.NORMAL
                    && state.range().overlaps(range)) {
                long safeTs = peer.safeTs();
                least = Ts.isBefore(safeTs, least) ? safeTs : least;
            }
        }
        return least == Ts.MAX ? 0 : least;
    }

    /** Reads and writes of this store's Regions, for the storage room. */
    public ReplicatedKv kv() {
        return kv;
    }

    /** The replica of a Region, whether or not it leads. */
    public Optional<RegionPeer> region(long regionId) {
        return Optional.ofNullable(regions.route(regionId));
    }

    /** All replicas, also those that still wait for their first image. */
    public Collection<RegionPeer> replicas() {
        return List.copyOf(regions.all());
    }

    public List<RegionPeer> leaders() {
        return regions.all().stream()
                .filter(peer -> peer.isInitialized() && peer.isLeader())
                .toList();
    }

    private int leaderCount() {
        return (int) regions.all().stream().filter(RegionPeer::isLeader).count();
    }

    /** True once every replica that the engine knows runs, or is known not to: the others serve all the same. */
    public boolean isReady() {
        return regions.all().stream().allMatch(peer -> peer.isStarted() || peer.isDead());
    }

    /**
     * How much a range holds here, roughly.
     *
     * @param bytes in tables and memtables
     * @param keys by its share of the store's bytes
     */
    public record Approximation(long bytes, long keys) {}

    public Approximation approximate(KeyRange range) {
        long bytes = RegionStateStore.DATA.stream()
                .mapToLong(cf -> engine.approximateSizeBytes(cf, range))
                .sum();
        EngineStats sample = engineStats();
        long all = Math.max(1, sample.tableBytes() + sample.memtableBytes());
        return new Approximation(bytes, (long) (sample.keysEstimate() * Math.min(1.0, (double) bytes / all)));
    }

    /** How the engine was doing a second ago. */
    public EngineStats engineStats() {
        EngineStats sample = engineSample;
        return sample == null ? engine.stats() : sample;
    }

    /** How slow this store's disks are, 1 (well) to 100. For one thread at a time. */
    public int slowScore() {
        return slowScore.score();
    }

    public long storeId() {
        return options.identity().storeId();
    }

    /** After {@link #start}. */
    public InetSocketAddress raftAddress() {
        return raft.listenAddress();
    }

    /** The key range of a Region as its state has it. */
    public static KeyRange rangeOf(Region region) {
        return new KeyRange(ByteKey.of(region.getStartKey()), ByteKey.of(region.getEndKey()));
    }

    /**
     * Gives every leadership away and takes none any more; what is asked goes on to be served, by the end with the names of the new
     * leaders. There is no way back but a restart.
     *
     * @return completes with how many were given away, when each has been offered to every replica that answers; a Region whose others
     *     don't answer keeps its leader
     */
    public CompletableFuture<Integer> drain() {
        raft.drain();
        List<RegionPeer> led = leaders();
        return handOver(led).thenCompose(first -> {
            // Elections that were under way when it began may have been won since.
            List<RegionPeer> late = new ArrayList<>(leaders());
            late.removeAll(led);
            return handOver(late).thenApply(second -> first + second);
        });
    }

    private static CompletableFuture<Integer> handOver(List<RegionPeer> led) {
        return CompletableFuture.allOf(led.stream().map(RegionPeer::handOver).toArray(CompletableFuture<?>[]::new))
                .handle((done, failure) ->
                        (int) led.stream().filter(peer -> !peer.isLeader()).count());
    }

    /** Stops every replica; the engine is the caller's to close. */
    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
        }
        timer.shutdownNow();
        worker.shutdown();
        try {
            if (!worker.awaitTermination(CLOSE_PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
                log.warn("store work is still under way at close");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        raft.close();
        hashes.close();
        regions.all().forEach(peer -> peer.stateMachine().close());
        log.info("store stopped storeId={}", storeId());
    }
}
