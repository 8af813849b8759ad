package io.rutile.pd.leader;

import io.grpc.ChannelCredentials;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.pd.cluster.ClusterState;
import io.rutile.pd.cluster.IdAllocator;
import io.rutile.pd.cluster.SafePoints;
import io.rutile.pd.gc.GcAdvancer;
import io.rutile.pd.meta.KeyspaceRecord;
import io.rutile.pd.meta.MetaOutcome;
import io.rutile.pd.meta.MetaRecord;
import io.rutile.pd.meta.MetaStore;
import io.rutile.pd.meta.PdMember;
import io.rutile.pd.schedule.Coordinator;
import io.rutile.pd.schedule.HeartbeatStreams;
import io.rutile.pd.schedule.OperatorController;
import io.rutile.pd.schedule.ScheduleLoop;
import io.rutile.pd.schedule.ScheduleOptions;
import io.rutile.pd.schedule.ScheduleSettings;
import io.rutile.pd.schedule.SchedulerSettings;
import io.rutile.pd.schedule.scheduler.SlowStoreMemory;
import io.rutile.pd.tso.TsoWindow;
import io.rutile.protocol.pdpb.ResponseHeader;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One term of leading: made when the cluster has a name and timestamps may flow, closed when the term is over. */
public final class LeaderTerm {

    private static final Logger log = LoggerFactory.getLogger(LeaderTerm.class);

    private final long term;
    private final MetaStore meta;
    private final TsoWindow tso;
    private final IdAllocator ids;
    private final ClusterState cluster;
    private final SafePoints safePoints;
    private final Clocks clocks;
    private final ScheduleSettings schedule;
    private final OperatorController operators;
    private final HeartbeatStreams streams;
    private final Coordinator coordinator;
    private final ScheduleLoop scheduleLoop;
    private final GcAdvancer gc;
    private final DrainedStores drained;
    private final Membership membership;
    private final Set<String> keyspacesToCreate = ConcurrentHashMap.newKeySet();

    LeaderTerm(
            long term,
            MetaStore meta,
            PdMember member,
            TsoWindow tso,
            LeaderOptions options,
            ChannelCredentials credentials,
            Clocks clocks,
            MeterRegistry metrics) {
        this.term = term;
        this.meta = meta;
        this.tso = tso;
        this.ids = new IdAllocator(meta, term);
        this.cluster = new ClusterState(meta, clocks.wall(), clocks.nano(), options.storeSilence());
        this.safePoints = new SafePoints(meta, term, clocks.wall());
        this.clocks = clocks;
        this.schedule = new ScheduleSettings(options.schedule(), meta);
        this.operators = new OperatorController(() -> schedule.now().limits(), clocks.nano(), metrics);
        this.streams = new HeartbeatStreams(metrics);
        ResponseHeader header = ResponseHeader.newBuilder()
                .setClusterId(meta.state().clusterId())
                .build();
        this.coordinator = new Coordinator(
                cluster,
                operators,
                streams,
                ids,
                header,
                new Coordinator.Sources(clocks.nano(), clocks.wall(), new SplittableRandom()),
                schedule::now,
                slowStoreMemory(),
                metrics);
        this.scheduleLoop = new ScheduleLoop(coordinator, metrics);
        this.gc = new GcAdvancer(
                options.gc(), safePoints, cluster, () -> tso.take(1), credentials, clocks.nano(), metrics);
        this.drained = new DrainedStores(cluster, this::isReceiving, this::propose);
        this.membership = new Membership(term, meta, member, metrics);
        keyspacesToCreate.addAll(options.keyspaces());
    }

    private SlowStoreMemory slowStoreMemory() {
        return new SlowStoreMemory() {
            @Override
            public long slowStore() {
                return SchedulerSettings.slowStore(meta.state().settings());
            }

            @Override
            public void remember(long storeId) {
                CompletableFuture<?> unused = propose(SchedulerSettings.slowStore(storeId));
            }
        };
    }

    void start() {
        scheduleLoop.start();
        gc.start();
    }

    public long term() {
        return term;
    }

    /** True while this member leads in this very term. */
    public boolean isCurrent() {
        return meta.log().leads(term);
    }

    public TsoWindow tso() {
        return tso;
    }

    public IdAllocator ids() {
        return ids;
    }

    public ClusterState cluster() {
        return cluster;
    }

    public SafePoints safePoints() {
        return safePoints;
    }

    /** The wall clock, for what a decision says about time. */
    public long nowMs() {
        return clocks.wall().millis();
    }

    /** The monotonic clock that operators are timed by. */
    public long nowNanos() {
        return clocks.nano().getAsLong();
    }

    /** How scheduling is done now. */
    public ScheduleOptions schedule() {
        return schedule.now();
    }

    public OperatorController operators() {
        return operators;
    }

    public HeartbeatStreams streams() {
        return streams;
    }

    public Coordinator coordinator() {
        return coordinator;
    }

    /** Replicates a decision that was made in this term. */
    public CompletableFuture<MetaOutcome> propose(MetaRecord record) {
        return meta.propose(record, term);
    }

    /** Hands leadership of PD to another member; this term ends when it takes over. */
    public CompletableFuture<Void> transferLeader(long memberId) {
        return meta.log().transferLeader(memberId);
    }

    /** Who of PD's members is taken in and put out. */
    public Membership membership() {
        return membership;
    }

    /** Members that vote. */
    public Set<Long> voters() {
        return meta.log().voters();
    }

    void tick() {
        tso.keepAhead();
        drained.bury();
        membership.tick();
        createKeyspaces();
    }

    /** Whether an operator under way puts a replica on this store, in whatever step. */
    private boolean isReceiving(long storeId) {
        return operators.influenceOn(storeId).receiving() > 0;
    }

    /** Those that the settings name and that are not there. */
    private void createKeyspaces() {
        if (!meta.state().bootstrapped()) {
            return;
        }
        for (String name : List.copyOf(keyspacesToCreate)) {
            keyspacesToCreate.remove(name);
            if (meta.state().keyspaces().named(name).isEmpty()) {
                long atSeconds = TimeUnit.MILLISECONDS.toSeconds(nowMs());
                CompletableFuture<?> unused = propose(new KeyspaceRecord.CreateKeyspace(name, atSeconds))
                        .whenComplete((outcome, failure) -> {
                            if (failure == null) {
                                log.info("keyspace created by settings name={} outcome={}", name, outcome);
                            } else {
                                // The next tick tries again, for as long as the term lasts.
                                keyspacesToCreate.add(name);
                            }
                        });
            }
        }
    }

    void close() {
        membership.close();
        gc.close();
        scheduleLoop.close();
        coordinator.splits().close();
        tso.close();
        streams.close();
    }
}
