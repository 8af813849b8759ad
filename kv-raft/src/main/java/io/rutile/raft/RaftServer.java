package io.rutile.raft;

import com.alipay.sofa.jraft.entity.RaftOutter.SnapshotMeta;
import com.alipay.sofa.jraft.util.DisruptorBuilder;
import com.lmax.disruptor.EventHandler;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.raft.RaftException.Kind;
import io.rutile.raft.disruptor.RingThreads;
import io.rutile.raft.disruptor.Turn;
import io.rutile.raft.image.ImageFiles;
import io.rutile.raft.image.ImageLimits;
import io.rutile.raft.image.ImageReceiver;
import io.rutile.raft.image.ImageSender;
import io.rutile.raft.log.CompactionPoint;
import io.rutile.raft.log.ForeignLogException;
import io.rutile.raft.log.GroupVote;
import io.rutile.raft.log.LogDisk;
import io.rutile.raft.log.LogFailure;
import io.rutile.raft.log.RaftLog;
import io.rutile.raft.transport.Gathering;
import io.rutile.raft.transport.LinkFilter;
import io.rutile.raft.transport.RaftTransport;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The Raft part of one process: the port, the log, the threads that its groups share.
 *
 * <p>{@link #start} opens disk and port, {@link #close} stops every group and then both. Groups are started and stopped in
 * between, from any thread.
 */
public final class RaftServer implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(RaftServer.class);
    private static final String RECYCLED_MAX = "jraft.recyclers.maxCapacityPerThread";
    private static final long MEMORY_LOOK_MS = 100;

    private static final long LOG_LOOK_MS = 5_000;

    static {
        // JRaft keeps up to 4,096 objects of a kind for each thread to use again, buffers of whole messages among them:
        // gigabytes at worst,
        // and more than a collector of today has to do with what dies young.
        if (System.getProperty(RECYCLED_MAX) == null) {
            System.setProperty(RECYCLED_MAX, "0");
        }
    }

    /** Tells the servers of one process apart in JRaft's table of nodes, which the process shares. */
    private static final AtomicLong SERVERS = new AtomicLong();

    /** Groups that are stopped side by side when the server closes. */
    private static final int STOPPED_AT_ONCE = 16;

    private final RaftOptions options;
    private final StoreAddresses addresses;
    private final UnknownReplicas unknown;
    private final MeterRegistry meters;
    private final StoreLatencies latencies;
    private final Faults faults;
    private final long serial = SERVERS.incrementAndGet();
    private final ConcurrentHashMap<Long, JRaftAdapter<?>> groups = new ConcurrentHashMap<>();
    /** Groups that are being started, stopped or destroyed at this moment. */
    private final Set<Long> changing = ConcurrentHashMap.newKeySet();

    private final RaftMetrics metrics;
    private final RaftMemory memory;
    private final LogBudget logBudget;
    private final AtomicBoolean draining = new AtomicBoolean();
    private volatile @Nullable Running running;

    /** The seams through which tests bring failing disks and networks. */
    record Faults(UnaryOperator<LogDisk> disk, LinkFilter network) {}

    /** What exists between start and close. */
    private record Running(
            Pools pools,
            RaftLog log,
            RingThreads rings,
            RaftTransport transport,
            CoalescedHeartbeats heartbeats,
            ImageSender sender,
            ImageReceiver receiver) {}

    /** The logs' closures send answers to other stores: those of one round leave together. */
    private record GatheredLogs(RingThreads.Logs logs) implements RingThreads.Logs {

        @Override
        public <T> EventHandler<T> around(EventHandler<T> handler) {
            return logs.around(handler);
        }

        @Override
        public void settle() {
            Gathering.run(logs::settle);
        }
    }

    public RaftServer(RaftOptions options, StoreAddresses addresses, UnknownReplicas unknown) {
        this(options, addresses, unknown, new SimpleMeterRegistry());
    }

    /** @param meters where the names {@code kv.raft.*} are counted; docs/rooms/kv-raft.md lists them */
    public RaftServer(RaftOptions options, StoreAddresses addresses, UnknownReplicas unknown, MeterRegistry meters) {
        this(options, addresses, unknown, meters, StoreLatencies.IGNORED);
    }

    /** @param latencies told how long its disks take */
    public RaftServer(
            RaftOptions options,
            StoreAddresses addresses,
            UnknownReplicas unknown,
            MeterRegistry meters,
            StoreLatencies latencies) {
        this(options, addresses, unknown, meters, latencies, LinkFilter.OPEN);
    }

    /** @param links which messages get through; {@link LinkFilter#OPEN} but for tests of partitions */
    public RaftServer(
            RaftOptions options,
            StoreAddresses addresses,
            UnknownReplicas unknown,
            MeterRegistry meters,
            StoreLatencies latencies,
            LinkFilter links) {
        this(options, addresses, unknown, meters, latencies, new Faults(UnaryOperator.identity(), links));
    }

    RaftServer(
            RaftOptions options,
            StoreAddresses addresses,
            UnknownReplicas unknown,
            MeterRegistry meters,
            StoreLatencies latencies,
            Faults faults) {
        this.options = options;
        this.addresses = addresses;
        this.unknown = unknown;
        this.meters = meters;
        this.latencies = latencies;
        this.faults = faults;
        this.metrics = new RaftMetrics(meters, groups, latencies);
        this.memory = new RaftMemory(options.memoryBytes(), meters);
        this.logBudget = new LogBudget(options.storeLogBytesMax(), meters);
    }

    /**
     * Opens the log and the port.
     *
     * @throws RaftException {@code DISK} or {@code INVALID} with one clear sentence: port in use, data of another cluster or store
     */
    public synchronized void start() {
        if (running != null) {
            throw new IllegalStateException("already started");
        }
        checkRings();
        NodeInternals.tamePools(Pools.CLOSURES);
        ImageLimits limits = ImageLimits.DEFAULT.withBytesPerSecondMax(options.imageBytesPerSecondMax());
        Path images = options.dataDir().resolve("images");
        Pools pools = Pools.open(options.storeId(), limits.atOnceMax());
        RaftLog log = null;
        RingThreads rings = null;
        RaftTransport transport = null;
        try {
            // Whatever a crash left there: an image that was not finished is of no use.
            ImageFiles.delete(images);
            log = openLog(pools);
            RaftLog opened = log;
            rings = new RingThreads(
                    "-s" + options.storeId(), new GatheredLogs(log.round()), pools.apply(), pools.timer());
            ImageSender sender = new ImageSender(images, limits, pools.imagesOut(), meters);
            GroupRouter router = new GroupRouter(
                    options.storeId(),
                    groups,
                    unknown,
                    pools,
                    metrics,
                    memory,
                    () -> opened.failure() != null,
                    draining::get);
            transport = new RaftTransport(
                    options.clusterId(),
                    options.storeId(),
                    options.entryBytesMax(),
                    options.port(),
                    options.channels(),
                    memory.outbound,
                    addresses,
                    router,
                    sender::serve,
                    (from, to) -> opened.failure() == null && faults.network().passes(from, to),
                    pools.rpc(),
                    pools.timer(),
                    pools.sends(),
                    meters);
            pools.timer()
                    .scheduleWithFixedDelay(
                            () -> memory.look(groups.values()), MEMORY_LOOK_MS, MEMORY_LOOK_MS, TimeUnit.MILLISECONDS);
            pools.timer()
                    .scheduleWithFixedDelay(
                            () -> pools.work().execute(this::boundLogs),
                            LOG_LOOK_MS,
                            LOG_LOOK_MS,
                            TimeUnit.MILLISECONDS);
            CoalescedHeartbeats heartbeats = startHeartbeats(pools, transport);
            running = new Running(
                    pools, log, rings, transport, heartbeats, sender, new ImageReceiver(transport, limits, meters));
            openPort(transport);
        } catch (IOException | RuntimeException e) {
            running = null;
            if (transport != null) {
                transport.close();
            }
            if (rings != null) {
                rings.close();
            }
            if (log != null) {
                log.close();
            }
            pools.close();
            throw e instanceof RaftException mine ? mine : new RaftException(Kind.DISK, String.valueOf(e.getMessage()));
        }
        LOG.info("raft started store={} address={} data={}", options.storeId(), listenAddress(), options.dataDir());
    }

    private CoalescedHeartbeats startHeartbeats(Pools pools, RaftTransport transport) {
        long timeoutNanos = options.electionTimeout().toNanos();
        CoalescedHeartbeats heartbeats = new CoalescedHeartbeats(
                transport::sendHeartbeat, pools.heartbeats(), System::nanoTime, timeoutNanos, meters);
        long pauseNanos = timeoutNanos / CoalescedHeartbeats.BEATS_PER_TIMEOUT;
        pools.heartbeats().scheduleWithFixedDelay(heartbeats::beat, pauseNanos, pauseNanos, TimeUnit.NANOSECONDS);
        return heartbeats;
    }

    /** Every few seconds. */
    void boundLogs() {
        logBudget.look(groups.values());
    }

    /** That our builder of event rings is the one on the class path: a wrong order would only show as thousands of threads. */
    private static void checkRings() {
        boolean ours = Arrays.stream(DisruptorBuilder.class.getFields())
                .anyMatch(field -> field.getName().equals("POOLED"));
        if (!ours) {
            throw new RaftException(
                    Kind.INVALID,
                    "kv-raft must come before jraft-core on the class path: JRaft's own DisruptorBuilder was loaded");
        }
        if (!DisruptorBuilder.POOLED) {
            LOG.warn("event rings are not pooled: each group has threads of its own");
        }
    }

    private RaftLog openLog(Pools pools) throws IOException {
        try {
            return new RaftLog(
                    options.dataDir().resolve("log"),
                    options.clusterId(),
                    options.storeId(),
                    options.sync(),
                    meters,
                    failure -> pools.work().execute(() -> diskFailed(failure)),
                    disk -> new TimedDisk(faults.disk().apply(disk), latencies));
        } catch (ForeignLogException e) {
            throw new RaftException(Kind.INVALID, String.valueOf(e.getMessage()));
        }
    }

    private void openPort(RaftTransport transport) {
        try {
            transport.start(options.listen());
        } catch (IOException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new RaftException(
                    Kind.INVALID, "raft port " + options.listen() + " can't be opened: " + cause.getMessage());
        }
    }

    /** R9: a store whose log can't be written leads nothing, and says so. */
    private void diskFailed(LogFailure failure) {
        for (JRaftAdapter<?> group : groups.values()) {
            group.diskFailed(String.valueOf(failure.getMessage()));
        }
    }

    private Running running() {
        Running now = running;
        if (now == null) {
            throw new RaftException(Kind.STOPPED, "raft is not running");
        }
        return now;
    }

    /** Where it listens, after {@link #start}. */
    public InetSocketAddress listenAddress() {
        return new InetSocketAddress(
                options.listen().getAddress(), running().transport().port());
    }

    /**
     * Writes the beginning of a group's log on this store, before {@link #startGroup}: a first membership, and a log that begins
     * behind {@code index}, so that no replica can ever replay it from nothing (R2): whoever joins needs an image. Durable on
     * return; a second call for the same group changes nothing. A replica that has been started empty before, because a message
     * came earlier than its beginning, keeps the vote that it gave; it must be stopped first.
     *
     * @param index at least 1; the state machine's applied index at this moment
     */
    public void bootstrapGroup(long groupId, Replica self, Replicas first, long index) {
        if (index < 1) {
            throw new IllegalArgumentException("index must be at least 1: " + index);
        }
        if (!first.voters().contains(self) && !first.learners().contains(self)) {
            throw new IllegalArgumentException(self + " is not in its group's first membership");
        }
        checkOwn(self);
        alter(groupId, () -> {
            RaftLog log = running().log();
            long owner = log.owner(groupId);
            if (owner == self.peerId() && log.point(groupId).isPresent()) {
                return;
            }
            if (groups.containsKey(groupId)) {
                throw new RaftException(Kind.INVALID, "group " + groupId + " runs already");
            }
            if (owner != 0 && owner != self.peerId()) {
                throw otherOwner(groupId, owner);
            }
            SnapshotMeta.Builder meta =
                    SnapshotMeta.newBuilder().setLastIncludedIndex(index).setLastIncludedTerm(GroupVote.FIRST_TERM);
            PeerIds.of(first.voters()).forEach(peer -> meta.addPeers(peer.toString()));
            PeerIds.of(first.learners()).forEach(peer -> meta.addLearners(peer.toString()));
            log.begin(groupId, self.peerId(), new CompactionPoint(index, meta.build()));
        });
    }

    /**
     * Starts a replica: from its own log and vote if it has them, else from what {@link #bootstrapGroup} wrote, else empty: a
     * replica that grants votes and waits for a leader's image.
     *
     * @throws RaftException {@code INVALID} if the group runs already, if its log belongs to another incarnation (destroy that
     *     first, R3), or if the state machine is behind its log
     */
    public <R> RaftGroup<R> startGroup(long groupId, Replica self, ReplicatedStateMachine<R> stateMachine) {
        checkOwn(self);
        return change(groupId, () -> {
            Running parts = running();
            if (groups.containsKey(groupId)) {
                throw new RaftException(Kind.INVALID, "group " + groupId + " runs already");
            }
            long owner = parts.log().owner(groupId);
            if (owner == 0) {
                parts.log().claim(groupId, self.peerId());
            } else if (owner != self.peerId()) {
                throw otherOwner(groupId, owner);
            }
            return startReplica(parts, groupId, self, stateMachine);
        });
    }

    private <R> RaftGroup<R> startReplica(
            Running parts, long groupId, Replica self, ReplicatedStateMachine<R> stateMachine) throws IOException {
        GroupVote vote = parts.log().vote(groupId);
        JRaftAdapter<R> group = new JRaftAdapter<>(
                groupId,
                self,
                "g" + groupId + "_" + serial,
                stateMachine,
                options,
                parts.transport(),
                parts.heartbeats(),
                metrics,
                memory,
                parts.pools(),
                vote,
                draining::get);
        GroupSnapshots snapshots = new GroupSnapshots(
                groupId,
                self.storeId(),
                parts.log(),
                group.driver(),
                parts.sender(),
                parts.receiver(),
                options.dataDir().resolve("images"));
        GroupServices services = new GroupServices(parts.log().entries(groupId), vote, snapshots, group);
        // Known before it runs: what it asks of others may be answered before start returns.
        groups.put(groupId, group);
        try {
            CompactionPoint point = parts.log().point(groupId).orElse(null);
            parts.rings().during(() -> group.start(services, point));
        } catch (IOException | RuntimeException e) {
            groups.remove(groupId);
            throw e;
        }
        return group;
    }

    /** Stops a replica and waits until nothing of it runs. Its log stays. */
    public void stopGroup(long groupId) {
        alter(groupId, () -> {
            JRaftAdapter<?> group = groups.remove(groupId);
            if (group != null) {
                group.stop();
            }
        });
    }

    /** Stops a replica and deletes its log, vote and images. The caller has written its tombstone before (R5). */
    public void destroyGroup(long groupId) {
        alter(groupId, () -> {
            JRaftAdapter<?> group = groups.remove(groupId);
            if (group != null) {
                group.stop();
            }
            running().log().destroy(groupId);
            LOG.info("group destroyed group={} store={}", groupId, options.storeId());
        });
    }

    /**
     * From now on no replica of this store begins to lead: none stands for election, none takes over from a leader. Those that lead go
     * on until somebody else does. For a store that is about to stop; there is no way back but a restart.
     */
    public void drain() {
        draining.set(true);
    }

    /** Peer id of the replica whose log and vote are here, whether it runs or not; 0 if there are none. */
    public long owner(long groupId) {
        try {
            return running().log().owner(groupId);
        } catch (IOException e) {
            throw new RaftException(Kind.DISK, String.valueOf(e.getMessage()));
        }
    }

    /** Groups that run here. */
    public Collection<RaftGroup<?>> groups() {
        return List.copyOf(groups.values());
    }

    @FunctionalInterface
    private interface Change<T> {
        T run() throws IOException;
    }

    @FunctionalInterface
    private interface Step {
        void run() throws IOException;
    }

    /** One change of a group at a time. */
    private <T> T change(long groupId, Change<T> change) {
        if (!changing.add(groupId)) {
            throw new RaftException(Kind.BUSY, "group " + groupId + " is being started or stopped");
        }
        try {
            return change.run();
        } catch (IOException e) {
            throw new RaftException(Kind.DISK, String.valueOf(e.getMessage()));
        } finally {
            changing.remove(groupId);
        }
    }

    private void alter(long groupId, Step step) {
        change(groupId, () -> {
            step.run();
            return groupId;
        });
    }

    private void checkOwn(Replica self) {
        if (self.storeId() != options.storeId()) {
            throw new IllegalArgumentException(self + " is not on store " + options.storeId());
        }
    }

    private static RaftException otherOwner(long groupId, long owner) {
        return new RaftException(
                Kind.INVALID, "the log of group " + groupId + " belongs to peer " + owner + ": destroy it first");
    }

    /**
     * Runs the body, which may propose to groups of this process: each gets what was proposed to it in one piece when the body has returned, as
     * if many had come at the same time. The body must not wait for what becomes of it.
     */
    public static void together(Runnable body) {
        Gathering.run(() -> Turn.run(body));
    }

    @Override
    public synchronized void close() {
        Running parts = running;
        if (parts == null) {
            return;
        }
        List<JRaftAdapter<?>> all = new ArrayList<>(groups.values());
        for (int from = 0; from < all.size(); from += STOPPED_AT_ONCE) {
            List<JRaftAdapter<?>> some = all.subList(from, Math.min(all.size(), from + STOPPED_AT_ONCE));
            some.forEach(JRaftAdapter::beginStop);
            some.forEach(JRaftAdapter::awaitStop);
        }
        groups.clear();
        running = null;
        parts.heartbeats().close();
        parts.transport().close();
        parts.rings().close();
        parts.pools().close();
        parts.log().close();
        LOG.info("raft stopped store={}", options.storeId());
    }
}
