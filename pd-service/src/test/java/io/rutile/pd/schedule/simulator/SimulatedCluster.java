package io.rutile.pd.schedule.simulator;

import com.google.protobuf.ByteString;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.pd.cluster.LocalCluster;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.schedule.Coordinator;
import io.rutile.pd.schedule.HeartbeatStreams;
import io.rutile.pd.schedule.OperatorController;
import io.rutile.pd.schedule.ScheduleOptions;
import io.rutile.pd.schedule.SchedulerSettings;
import io.rutile.pd.schedule.scheduler.SlowStoreMemory;
import io.rutile.protocol.eraftpb.ConfChangeType;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import io.rutile.protocol.metapb.Store;
import io.rutile.protocol.pdpb.ChangePeer;
import io.rutile.protocol.pdpb.RegionHeartbeatResponse;
import io.rutile.protocol.pdpb.ResponseHeader;
import io.rutile.protocol.pdpb.StoreStats;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.function.LongFunction;
import java.util.function.LongUnaryOperator;

/**
 * PD's scheduling over stores and Regions that are values: no network, no clock but one that this moves, no chance but a seed.
 * Commands are carried out after a time that grows with the Region, heartbeats tell PD what became of them. Whatever breaks D2
 * is an error at once.
 */
final class SimulatedCluster {

    static final long GIB = 1_024;

    private static final Duration TICK = Duration.ofMillis(100);
    private static final int REGION_HEARTBEAT_TICKS = 600;
    private static final int STORE_HEARTBEAT_TICKS = 100;
    private static final long BYTES_PER_SECOND = 100 << 20;

    /** What PD is told to do with; a test may change it on the way. */
    volatile ScheduleOptions options;

    /** By which part of a Region's size a store may be mistaken, one store in another way than the next: nobody counts what is in it. */
    double estimateError;

    final LocalCluster soft;
    OperatorController operators;
    Coordinator coordinator;
    final SplittableRandom random;
    final Map<Long, SimulatedStore> stores = new TreeMap<>();
    final Map<Long, SimulatedRegion> regions = new TreeMap<>();
    /** What was carried out since the last {@link #forgetMoves}. */
    int replicasAdded;

    int replicasRemoved;
    int leadersMoved;
    int merged;
    final List<Long> tickNanos = new ArrayList<>();

    private final SimpleMeterRegistry metrics;
    private final HeartbeatStreams streams;
    private final List<List<SimulatedRegion>> byTick = new ArrayList<>();
    private final PriorityQueue<Event> events =
            new PriorityQueue<>(Comparator.comparingLong(Event::atTick).thenComparingLong(Event::order));
    private long tick;
    private long order;
    private long nextPeerId = 1L << 40;
    private long nextRegionId = 1L << 30;

    private record Event(long atTick, long order, Runnable what) {}

    /** A store as it really is. */
    static final class SimulatedStore {
        final long id;
        long capacityMib;
        boolean up = true;
        /** When it was killed last, in ticks. */
        long silentSince;

        boolean stopping;
        long slowScore = 1;
        long usedBytes;

        SimulatedStore(long id, long capacityMib) {
            this.id = id;
            this.capacityMib = capacityMib;
        }
    }

    /** @param before stores that the hard state has, in whatever state, before any joins */
    SimulatedCluster(Path directory, long seed, ScheduleOptions options, Store... before) {
        this.options = options;
        this.random = new SplittableRandom(seed);
        SimpleMeterRegistry metrics = new SimpleMeterRegistry();
        this.soft = new LocalCluster(directory, List.of(before));
        this.streams = new HeartbeatStreams(metrics);
        this.metrics = metrics;
        for (int i = 0; i < REGION_HEARTBEAT_TICKS; i++) {
            byTick.add(new ArrayList<>());
        }
        changeLeaderOfPd();
    }

    /** Operators, leases and all that schedulers had in mind are gone; of Regions and stores the next one has heard by then. */
    void changeLeaderOfPd() {
        InstantSource wall = () -> Instant.ofEpochMilli(soft.nanos() / 1_000_000);
        operators = new OperatorController(() -> this.options.limits(), soft::nanos, metrics);
        coordinator = new Coordinator(
                soft.state(),
                operators,
                streams,
                soft.ids(),
                ResponseHeader.getDefaultInstance(),
                new Coordinator.Sources(soft::nanos, wall, random.split()),
                () -> this.options,
                new SettingsMemory(),
                metrics);
    }

    private final class SettingsMemory implements SlowStoreMemory {

        @Override
        public long slowStore() {
            return SchedulerSettings.slowStore(soft.meta().state().settings());
        }

        @Override
        public void remember(long storeId) {
            soft.meta().propose(SchedulerSettings.slowStore(storeId));
        }
    }

    /** Stores with these ids and no labels. */
    void join(long capacityMib, long... ids) {
        for (long id : ids) {
            join(id, capacityMib, Map.of());
        }
    }

    void join(long id, long capacityMib, Map<String, String> labels) {
        if (!labels.isEmpty()) {
            soft.labelled(id, labels);
        }
        stores.put(id, new SimulatedStore(id, capacityMib));
        streams.bind(id, new HeartbeatStreams.CommandSink() {
            @Override
            public boolean offer(RegionHeartbeatResponse command) {
                obey(id, command);
                return true;
            }

            @Override
            public void close() {}
        });
        heartbeat(stores.get(id));
    }

    /** Regions side by side over all keys, each with replicas on these stores, of which the first leads. */
    void regions(int count, LongUnaryOperator sizeMib, LongFunction<long[]> on) {
        regionsOfBytes(count, i -> sizeMib.applyAsLong(i) << 20, on);
    }

    void regionsOfBytes(int count, LongUnaryOperator sizeBytes, LongFunction<long[]> on) {
        for (long i = 1; i <= count; i++) {
            ByteString start = i == 1 ? ByteString.EMPTY : key(i);
            ByteString end = i == count ? ByteString.EMPTY : key(i + 1);
            SimulatedRegion region = new SimulatedRegion(i, start, end, sizeBytes.applyAsLong(i));
            for (long store : on.apply(i)) {
                addPeer(
                        region,
                        Peer.newBuilder().setId(nextPeerId++).setStoreId(store).build());
            }
            region.leaderStore = region.peers.get(0).getStoreId();
            regions.put(i, region);
            byTick.get((int) (i % REGION_HEARTBEAT_TICKS)).add(region);
        }
        // First all of them are known, then PD may think about them.
        regions.values().forEach(region -> soft.state().observe(region.info(this::silentSeconds)));
    }

    private static ByteString key(long i) {
        return ByteString.copyFromUtf8(String.format("%08d", i));
    }

    boolean isUp(long storeId) {
        SimulatedStore store = stores.get(storeId);
        return store != null && store.up;
    }

    private long silentSeconds(long storeId) {
        SimulatedStore store = stores.get(storeId);
        if (isUp(storeId)) {
            return 0;
        }
        return store == null ? 1 : Math.max(1, (tick - store.silentSince) * TICK.toMillis() / 1_000);
    }

    /** The store falls silent; where it led and others are a majority, one of them leads after an election. */
    void kill(long storeId) {
        stores.get(storeId).up = false;
        stores.get(storeId).silentSince = tick;
        after(Duration.ofSeconds(2), () -> regions.values().forEach(this::elect));
    }

    void revive(long storeId) {
        stores.get(storeId).up = true;
        after(Duration.ofSeconds(2), () -> regions.values().forEach(this::elect));
    }

    private void elect(SimulatedRegion region) {
        if (isUp(region.leaderStore) || region.gone) {
            return;
        }
        region.leaderStore = 0;
        if (region.hasMajority(this::isUp)) {
            region.peers.stream()
                    .filter(peer -> isUp(peer.getStoreId()) && !region.joining.contains(peer.getId()))
                    .findFirst()
                    .ifPresent(peer -> {
                        region.leaderStore = peer.getStoreId();
                        region.term++;
                        heartbeat(region);
                    });
        }
    }

    void run(Duration time) {
        runUntil(() -> false, time);
    }

    /** True if it came true in this time. */
    boolean runUntil(BooleanSupplier condition, Duration atMost) {
        long last = tick + ticks(atMost);
        while (tick < last) {
            // Conditions look at every Region; once a second is often enough.
            if (tick % 10 == 0 && condition.getAsBoolean()) {
                return true;
            }
            step();
        }
        return condition.getAsBoolean();
    }

    private void step() {
        tick++;
        soft.pass(TICK);
        while (!events.isEmpty() && events.peek().atTick() <= tick) {
            events.poll().what().run();
        }
        for (SimulatedStore store : stores.values()) {
            if (store.up && (tick + store.id) % STORE_HEARTBEAT_TICKS == 0) {
                heartbeat(store);
            }
        }
        byTick.get((int) (tick % REGION_HEARTBEAT_TICKS)).forEach(this::heartbeat);
        long begun = System.nanoTime();
        coordinator.tick();
        tickNanos.add(System.nanoTime() - begun);
    }

    Duration now() {
        return TICK.multipliedBy(tick);
    }

    void forgetMoves() {
        replicasAdded = 0;
        replicasRemoved = 0;
        leadersMoved = 0;
    }

    int moves() {
        return replicasAdded + replicasRemoved + leadersMoved;
    }

    private void after(Duration time, Runnable what) {
        events.add(new Event(tick + Math.max(1, ticks(time)), order++, what));
    }

    private static long ticks(Duration time) {
        return time.toMillis() / TICK.toMillis();
    }

    private void heartbeat(SimulatedStore store) {
        soft.stats(StoreStats.newBuilder()
                .setStoreId(store.id)
                .setCapacity(store.capacityMib << 20)
                .setAvailable(Math.max(0, (store.capacityMib << 20) - store.usedBytes))
                .setSlowScore(store.slowScore)
                .setIsStopping(store.stopping)
                .build());
    }

    private void heartbeat(SimulatedRegion region) {
        if (region.gone || region.leaderStore == 0 || !isUp(region.leaderStore)) {
            return;
        }
        RegionInfo info = region.info(this::silentSeconds, estimate(region));
        soft.state().observe(info).ifPresent(refusal -> {
            throw new AssertionError(refusal);
        });
        coordinator.onHeartbeat(info);
    }

    private long estimate(SimulatedRegion region) {
        double error = 2 * new SplittableRandom(region.id << 16 | region.leaderStore).nextDouble() - 1;
        return Math.round(region.sizeBytes * (1 + estimateError * error));
    }

    /** What a leader does with a command: nothing if it is out of date or busy with the one before. */
    private void obey(long storeId, RegionHeartbeatResponse command) {
        SimulatedRegion region = regions.get(command.getRegionId());
        boolean current = isUp(storeId)
                && region.leaderStore == storeId
                && command.getRegionEpoch().equals(region.description().getRegionEpoch());
        if (!current || region.busy || !region.hasMajority(this::isUp)) {
            return;
        }
        if (command.hasTransferLeader()) {
            busy(
                    region,
                    Duration.ofMillis(200),
                    () -> transfer(region, command.getTransferLeader().getPeer()));
        } else if (command.hasChangePeer()) {
            change(region, command.getChangePeer());
        } else if (command.hasChangePeerV2()) {
            List<ChangePeer> changes = command.getChangePeerV2().getChangesList();
            busy(region, Duration.ofMillis(300), () -> changeAtOnce(region, changes));
        } else if (command.hasSplitRegion()) {
            busy(
                    region,
                    Duration.ofMillis(300),
                    () -> split(region, command.getSplitRegion().getKeysList()));
        } else if (command.hasMerge()) {
            SimulatedRegion into = regions.get(command.getMerge().getTarget().getId());
            busy(region, Duration.ofMillis(500), () -> merge(region, into));
        } else {
            throw new AssertionError("a command that no store knows: " + command);
        }
    }

    private void change(SimulatedRegion region, ChangePeer change) {
        Peer there = region.peerOn(change.getPeer().getStoreId());
        if (change.getChangeType() == ConfChangeType.RemoveNode) {
            busy(region, Duration.ofMillis(300), () -> remove(region, change.getPeer()));
        } else if (there != null
                && there.getRole() == PeerRole.Learner
                && change.getChangeType() == ConfChangeType.AddNode) {
            busy(region, Duration.ofMillis(100), () -> promote(region, there));
        } else {
            busy(region, Duration.ofMillis(100), () -> add(region, change.getPeer()));
        }
    }

    /** A joint change: all of it or nothing, for which both the majority before and the one after are needed. */
    private void changeAtOnce(SimulatedRegion region, List<ChangePeer> changes) {
        if (changes.stream()
                .anyMatch(change -> change.getChangeType() == ConfChangeType.RemoveNode
                        && change.getPeer().getStoreId() == region.leaderStore)) {
            // It was elected a moment ago.
            handOver(region, region.peerOn(region.leaderStore));
            return;
        }
        for (ChangePeer change : changes) {
            if (change.getChangeType() == ConfChangeType.RemoveNode) {
                drop(region, change.getPeer());
            } else {
                promote(region, region.peerOn(change.getPeer().getStoreId()));
            }
        }
        if (!region.hasMajority(this::isUp)) {
            throw new AssertionError("D2: region " + region.id + " lost its majority by " + changes);
        }
    }

    private void promote(SimulatedRegion region, Peer learner) {
        if (region.joining.contains(learner.getId())) {
            throw new AssertionError("D2: " + learner + " is to vote before it has caught up");
        }
        region.peers.remove(learner);
        region.peers.add(learner.toBuilder().setRole(PeerRole.Voter).build());
        region.confVer++;
    }

    /** The parent keeps the rightmost piece. */
    private void split(SimulatedRegion region, List<ByteString> keys) {
        List<SimulatedRegion> born = new ArrayList<>();
        region.version += keys.size();
        for (ByteString key : keys) {
            SimulatedRegion piece =
                    new SimulatedRegion(nextRegionId++, region.start, key, region.sizeBytes / (keys.size() + 1));
            region.peers.forEach(
                    peer -> piece.peers.add(peer.toBuilder().setId(nextPeerId++).build()));
            piece.leaderStore = region.leaderStore;
            piece.version = region.version;
            region.start = key;
            region.sizeBytes -= piece.sizeBytes;
            born.add(piece);
        }
        // PD hears of the parent's new range first, or else the pieces would push it out.
        heartbeat(region);
        for (SimulatedRegion piece : born) {
            regions.put(piece.id, piece);
            byTick.get((int) (piece.id % REGION_HEARTBEAT_TICKS)).add(piece);
            heartbeat(piece);
        }
    }

    private void merge(SimulatedRegion region, SimulatedRegion into) {
        Set<Long> here = new HashSet<>();
        Set<Long> there = new HashSet<>();
        region.peers.forEach(peer -> here.add(peer.getStoreId()));
        into.peers.forEach(peer -> there.add(peer.getStoreId()));
        if (!here.equals(there)) {
            throw new AssertionError(
                    "regions " + region.id + " and " + into.id + " can't merge: " + here + ", " + there);
        }
        if (region.end.equals(into.start)) {
            into.start = region.start;
        } else if (into.end.equals(region.start)) {
            into.end = region.end;
        } else {
            throw new AssertionError("regions " + region.id + " and " + into.id + " are not neighbours");
        }
        into.version = Math.max(into.version, region.version) + 1;
        into.sizeBytes += region.sizeBytes;
        region.gone = true;
        regions.remove(region.id);
        merged++;
        heartbeat(into);
    }

    private void busy(SimulatedRegion region, Duration time, Runnable what) {
        region.busy = true;
        after(time, () -> {
            region.busy = false;
            if (isUp(region.leaderStore)) {
                what.run();
                heartbeat(region);
            }
        });
    }

    private void transfer(SimulatedRegion region, Peer to) {
        boolean there = region.peers.stream().anyMatch(peer -> peer.getId() == to.getId());
        if (there && isUp(to.getStoreId()) && !region.joining.contains(to.getId())) {
            region.leaderStore = to.getStoreId();
            region.term++;
            leadersMoved++;
        }
    }

    private void add(SimulatedRegion region, Peer peer) {
        if (region.peerOn(peer.getStoreId()) != null) {
            return;
        }
        addPeer(region, peer);
        region.joining.add(peer.getId());
        region.confVer++;
        replicasAdded++;
        after(Duration.ofMillis(1_000 + 1_000 * region.sizeBytes / BYTES_PER_SECOND), () -> catchUp(region, peer));
    }

    private void catchUp(SimulatedRegion region, Peer peer) {
        if (!isUp(peer.getStoreId())) {
            // Its store will try again when it is back.
            after(Duration.ofSeconds(30), () -> catchUp(region, peer));
        } else if (region.joining.remove(peer.getId())) {
            heartbeat(region);
        }
    }

    private void remove(SimulatedRegion region, Peer peer) {
        if (region.leaderStore == peer.getStoreId()) {
            // It was elected a moment ago. A leader hands over instead, and PD says it again to whoever leads then.
            handOver(region, peer);
            return;
        }
        boolean before = region.hasMajority(this::isUp);
        drop(region, peer);
        if (before && !region.hasMajority(this::isUp)) {
            throw new AssertionError("D2: region " + region.id + " lost its majority when " + peer + " went");
        }
    }

    private void handOver(SimulatedRegion region, Peer peer) {
        region.peers.stream()
                .filter(other -> other.getId() != peer.getId()
                        && other.getRole() == PeerRole.Voter
                        && isUp(other.getStoreId())
                        && !region.joining.contains(other.getId()))
                .findFirst()
                .ifPresent(other -> transfer(region, other));
    }

    private void drop(SimulatedRegion region, Peer peer) {
        if (region.peers.removeIf(there -> there.getId() == peer.getId())) {
            region.joining.remove(peer.getId());
            region.confVer++;
            replicasRemoved++;
            stores.get(peer.getStoreId()).usedBytes -= region.sizeBytes;
        }
    }

    private void addPeer(SimulatedRegion region, Peer peer) {
        region.peers.add(peer);
        stores.get(peer.getStoreId()).usedBytes += region.sizeBytes;
    }

    /** Bytes of replicas by store. */
    Map<Long, Long> peersBytes() {
        Map<Long, Long> byStore = new TreeMap<>();
        stores.keySet().forEach(id -> byStore.put(id, 0L));
        for (SimulatedRegion region : regions.values()) {
            region.peers.forEach(peer -> byStore.merge(peer.getStoreId(), region.sizeBytes, Long::sum));
        }
        return byStore;
    }

    /** Bytes of leaders by store. */
    Map<Long, Long> leadersBytes() {
        Map<Long, Long> byStore = new TreeMap<>();
        stores.keySet().forEach(id -> byStore.put(id, 0L));
        for (SimulatedRegion region : regions.values()) {
            byStore.merge(region.leaderStore, region.sizeBytes, Long::sum);
        }
        return byStore;
    }

    /** How far the one farthest from the mean is from it, as a part of the mean. */
    static double unevenness(Collection<Long> loads) {
        double mean = loads.stream().mapToLong(load -> load).average().orElse(0);
        return loads.stream()
                .mapToDouble(load -> Math.abs(load - mean) / mean)
                .max()
                .orElse(0);
    }

    int peersOn(long storeId) {
        return (int) regions.values().stream()
                .filter(region -> region.peerOn(storeId) != null)
                .count();
    }

    long leadersOn(long storeId) {
        return regions.values().stream()
                .filter(region -> region.leaderStore == storeId)
                .count();
    }

    /** Every Region has this many replicas, all of them on stores that are up and caught up. */
    boolean isHealthy(int replicas) {
        return regions.values().stream().allMatch(region -> isHealthy(region, replicas));
    }

    /** The same for every Region that has a majority; the others wait for their stores. */
    boolean isHealthyWhereItCanBe(int replicas) {
        return regions.values().stream()
                .allMatch(region -> isHealthy(region, replicas) || !region.hasMajority(this::isUp));
    }

    private boolean isHealthy(SimulatedRegion region, int replicas) {
        return region.peers.size() == replicas
                && region.joining.isEmpty()
                && region.peers.stream().allMatch(peer -> isUp(peer.getStoreId()));
    }

    /** Nothing is under way, and nothing has been for as long. */
    boolean runUntilQuiet(Duration quiet, Duration atMost) {
        long[] since = {tick};
        int[] before = {moves()};
        return runUntil(
                () -> {
                    if (moves() != before[0] || operators.size() > 0) {
                        before[0] = moves();
                        since[0] = tick;
                    }
                    return tick - since[0] >= ticks(quiet);
                },
                atMost);
    }
}
