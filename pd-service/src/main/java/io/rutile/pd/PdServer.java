package io.rutile.pd;

import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.pd.http.PdApi;
import io.rutile.pd.leader.Clocks;
import io.rutile.pd.leader.LeaderTerm;
import io.rutile.pd.leader.Leadership;
import io.rutile.pd.meta.InitialCluster;
import io.rutile.pd.meta.MetaOutcome;
import io.rutile.pd.meta.MetaState;
import io.rutile.pd.meta.MetaStateMachine;
import io.rutile.pd.meta.MetaStore;
import io.rutile.pd.meta.PdMember;
import io.rutile.pd.meta.RaftMetaLog;
import io.rutile.pd.rpc.PdDoor;
import io.rutile.protocol.pdpb.Member;
import io.rutile.raft.RaftException;
import io.rutile.raft.RaftGroup;
import io.rutile.raft.RaftOptions;
import io.rutile.raft.RaftServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One member of the Placement Driver, assembled: hard state and its Raft group, leadership, the client port. Starts from the
 * bottom up, stops from the top down.
 */
public final class PdServer implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(PdServer.class);

    /** PD has one group, and a member's peer id is its store id. */
    private static final long GROUP_ID = 1;

    /** Small records, one or two a second: an image every few hours keeps a restart quick. */
    private static final long LOG_ENTRIES_MAX = 10_000;

    private static final long LOG_BYTES_MAX = 32L << 20;

    private final PdOptions options;
    private final Clocks clocks;
    private final MeterRegistry metrics;
    /** What was started, to be closed in reverse order. */
    private final Deque<AutoCloseable> started = new ArrayDeque<>();

    private @Nullable RaftServer raft;
    private @Nullable Leadership leadership;
    private @Nullable PdMember member;
    private @Nullable PdDoor door;

    public PdServer(PdOptions options, MeterRegistry metrics) {
        this(options, Clocks.system(), metrics);
    }

    public PdServer(PdOptions options, Clocks clocks, MeterRegistry metrics) {
        this.options = options;
        this.clocks = clocks;
        this.metrics = metrics;
    }

    /**
     * Opens disk and ports and joins the group. Returns without waiting for a leader.
     *
     * @throws PdStartException with one clear sentence; everything is closed again
     */
    public void start() {
        try {
            assemble();
        } catch (RuntimeException e) {
            close();
            throw e;
        }
        log.info(
                "started member={} id={} clientUrl={} raft={} dataDir={}",
                options.name(),
                self().getMemberId(),
                self().getClientUrls(0),
                raftAddress(),
                options.dataDir());
    }

    private void assemble() {
        InitialCluster cluster = options.initialCluster();
        long memberId = memberId(cluster);
        Leadership leading = new Leadership(options.leader(), clocks, metrics);
        leadership = leading;

        MetaStateMachine stateMachine = openState(leading);
        RaftGroup<MetaOutcome> group = openGroup(cluster, memberId, stateMachine);
        MetaStore meta = new MetaStore(new RaftMetaLog(group), stateMachine::state);

        PdMember joined = new PdMember(this::self, meta);
        member = joined;
        PdApi api = new PdApi(options.http(), joined, leading, meta, metrics);
        started.push(api);
        startDoor(new PdDoor(
                options.clientListen().resolve(),
                options.door(),
                cluster,
                joined,
                leading,
                meta,
                api.entrance(),
                metrics));
        leading.begin(meta, joined);
    }

    private long memberId(InitialCluster cluster) {
        try {
            return cluster.idOf(options.name());
        } catch (IllegalArgumentException e) {
            throw new PdStartException(
                    String.valueOf(e.getMessage()), "Name this member in initial-cluster as it is named itself.", e);
        }
    }

    private MetaStateMachine openState(Leadership leading) {
        try {
            return new MetaStateMachine(options.dataDir().resolve("meta"), leading);
        } catch (IOException e) {
            throw new PdStartException(
                    "The data directory " + options.dataDir() + " cannot be used: " + e,
                    "Give a directory that this user may write to, on a disk with space.",
                    e);
        }
    }

    private RaftGroup<MetaOutcome> openGroup(InitialCluster cluster, long memberId, MetaStateMachine stateMachine) {
        try {
            return startRaft(cluster, memberId, stateMachine);
        } catch (RaftException e) {
            throw new PdStartException(
                    "The Raft log cannot be opened: " + e.getMessage(),
                    "Look whether another member runs here, and whether the data directory is this member's own.",
                    e);
        }
    }

    private RaftGroup<MetaOutcome> startRaft(InitialCluster cluster, long memberId, MetaStateMachine stateMachine) {
        RaftOptions raftOptions = RaftOptions.of(
                        groupFingerprint(cluster),
                        memberId,
                        options.dataDir().resolve("raft"),
                        options.raftListen().resolve())
                .withElectionTimeout(options.electionTimeout())
                .withLogMax(LOG_ENTRIES_MAX, LOG_BYTES_MAX);
        // A member of the initial cluster is started below; whoever else writes here is nobody.
        RaftServer server = new RaftServer(
                raftOptions,
                cluster::raftAddress,
                (groupId, self, from) ->
                        log.warn("message for unknown replica group={} self={} from={}", groupId, self, from));
        server.start();
        raft = server;
        started.push(server);
        server.bootstrapGroup(GROUP_ID, InitialCluster.replica(memberId), cluster.replicas(), MetaState.FIRST_INDEX);
        return server.startGroup(GROUP_ID, InitialCluster.replica(memberId), stateMachine);
    }

    /**
     * What the members compare when they connect. Kept from the first start on, so that addresses may change later, and a
     * member whose disk was lost does not come back as if nothing had been (R3).
     */
    private long groupFingerprint(InitialCluster cluster) {
        Path file = options.dataDir().resolve("group-id");
        try {
            if (!Files.exists(file)) {
                Path beside = options.dataDir().resolve("group-id.tmp");
                Files.writeString(beside, Long.toString(cluster.fingerprint()));
                Files.move(beside, file);
            }
            return Long.parseLong(Files.readString(file).strip());
        } catch (IOException | NumberFormatException e) {
            throw new PdStartException(
                    "The file " + file + " cannot be used: " + e, "Look after the data directory of this member.", e);
        }
    }

    private void startDoor(PdDoor opened) {
        door = opened;
        started.push(opened);
        try {
            opened.start();
        } catch (IOException e) {
            Throwable reason = e.getCause() == null ? e : e.getCause();
            throw new PdStartException(
                    "The client port " + options.clientListen() + " cannot be opened: " + reason.getMessage(),
                    "Stop what listens there, or give another rutile.pd.client-address.",
                    e);
        }
    }

    private Member self() {
        InitialCluster cluster = options.initialCluster();
        long id = cluster.idOf(options.name());
        String url = options.advertiseClientUrl();
        InetSocketAddress listens = clientAddress();
        return Member.newBuilder()
                .setName(options.name())
                .setMemberId(id)
                .addPeerUrls("http://" + cluster.member(id).raftAddress())
                .addClientUrls(
                        url != null ? url : "http://" + options.clientListen().host() + ":" + listens.getPort())
                .build();
    }

    /** Where clients connect, after {@link #start}. */
    public InetSocketAddress clientAddress() {
        return Objects.requireNonNull(door, "not started").listenAddress();
    }

    /** Where other members connect, after {@link #start}. */
    public InetSocketAddress raftAddress() {
        return Objects.requireNonNull(raft, "not started").listenAddress();
    }

    /** The term that this member leads and serves in, if it does. */
    public Optional<LeaderTerm> leaderTerm() {
        return leadership == null ? Optional.empty() : leadership.current();
    }

    /** True if a client that comes here is served, or is told whom to ask. */
    public boolean isReady() {
        return leadership != null && member != null && PdDoor.isServing(leadership, member);
    }

    /** What ended this member's part for good, if something did: it must be restarted. */
    public Optional<Throwable> failure() {
        return leadership == null ? Optional.empty() : leadership.failure();
    }

    @Override
    public void close() {
        // First, so that whoever hangs on this member is told to look for another leader.
        if (leadership != null) {
            leadership.close();
        }
        while (!started.isEmpty()) {
            AutoCloseable top = started.pop();
            try {
                top.close();
            } catch (Exception e) {
                log.warn("close failed part={}", top.getClass().getSimpleName(), e);
            }
        }
    }
}
