package io.rutile.pd;

import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.pd.http.ClusterJoin;
import io.rutile.pd.http.PdApi;
import io.rutile.pd.leader.Clocks;
import io.rutile.pd.leader.LeaderTerm;
import io.rutile.pd.leader.Leadership;
import io.rutile.pd.meta.HostPort;
import io.rutile.pd.meta.InitialCluster;
import io.rutile.pd.meta.MemberDirectory;
import io.rutile.pd.meta.MemberIdentity;
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
import io.rutile.raft.Replica;
import io.rutile.tls.TransportSecurity;
import io.rutile.trace.Tracing;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
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

    /** How long a member that joins asks a cluster that has no leader, or takes in another member. */
    private static final Duration JOIN_PATIENCE = Duration.ofMinutes(1);

    private final PdOptions options;
    private final TransportSecurity security;
    private final Tracing tracing;
    private final Clocks clocks;
    private final MeterRegistry metrics;
    /** What was started, to be closed in reverse order. */
    private final Deque<AutoCloseable> started = new ArrayDeque<>();

    private final AtomicBoolean isOut = new AtomicBoolean();

    private volatile @Nullable RaftServer raft;
    private volatile @Nullable Leadership leadership;
    private volatile @Nullable PdMember member;
    private volatile @Nullable PdDoor door;

    public PdServer(PdOptions options, MeterRegistry metrics) {
        this(options, Clocks.system(), metrics);
    }

    /** Over plaintext, and nothing is traced. */
    public PdServer(PdOptions options, Clocks clocks, MeterRegistry metrics) {
        this(options, TransportSecurity.PLAINTEXT, Tracing.OFF, clocks, metrics);
    }

    /**
     * A member that is not started.
     *
     * @param security of its ports, and of connections to other members and stores
     * @param tracing who makes the spans of calls whose callers trace them
     */
    public PdServer(
            PdOptions options, TransportSecurity security, Tracing tracing, Clocks clocks, MeterRegistry metrics) {
        this.options = options;
        this.security = security;
        this.tracing = tracing;
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
                "started member={} id={} client={} raft={} dataDir={}",
                options.name(),
                selfId(),
                clientAddress(),
                raftAddress(),
                options.dataDir());
    }

    /** Clients take the scheme for what is spoken there. */
    private void checkAdvertised() {
        String url = options.advertiseClientUrl();
        String scheme = security.clientScheme();
        if (url != null && !url.startsWith(scheme + "://")) {
            throw new PdStartException(
                    "Clients are told " + url + ", and the client port speaks " + scheme + ".",
                    "Let rutile.pd.advertise-client-url begin with " + scheme + "://, or "
                            + (scheme.equals("http") ? "set rutile.tls.bundle." : "remove rutile.tls.bundle."),
                    null);
        }
    }

    private long selfId() {
        return Objects.requireNonNull(member, "not started").identity().id();
    }

    private void assemble() {
        checkAdvertised();
        Leadership leading = new Leadership(options.leader(), security.channels(), clocks, metrics);
        leadership = leading;
        MetaStateMachine stateMachine = openState(leading);
        MemberIdentity identity = identity(stateMachine);
        MemberDirectory directory =
                new MemberDirectory(identity, options.initialCluster().members(), stateMachine::state);

        RaftGroup<MetaOutcome> group = openGroup(identity, directory, stateMachine);
        MetaStore meta = new MetaStore(new RaftMetaLog(group), stateMachine::state);

        PdMember joined = new PdMember(() -> self(identity), identity, directory, meta);
        member = joined;
        PdApi api = new PdApi(options.http(), security, joined, leading, meta, metrics);
        started.push(api);
        startDoor(new PdDoor(
                options.clientListen().resolve(),
                options.door(),
                security,
                joined,
                leading,
                meta,
                api.entrance(),
                this::putOut,
                tracing,
                metrics));
        leading.begin(meta, joined);
        StandingWatch watch =
                new StandingWatch(joined, new ClusterJoin(security), options.join(), options.dataDir(), this::putOut);
        started.push(watch);
        watch.start();
    }

    /** Who this member is: what its directory says; else what a running cluster says, or the settings. */
    private MemberIdentity identity(MetaStateMachine stateMachine) {
        Path directory = options.dataDir();
        try {
            Optional<MemberIdentity> known = MemberIdentity.read(directory);
            if (known.isPresent()) {
                return stillMember(checkedName(known.get()), stateMachine);
            }
            long incarnation = MemberIdentity.incarnationOf(directory);
            MemberIdentity identity = options.join().isEmpty() || Files.exists(directory.resolve("group-id"))
                    ? initial(incarnation)
                    : join(incarnation);
            identity.write(directory);
            return identity;
        } catch (IOException e) {
            throw new PdStartException(
                    "The data directory " + directory + " cannot be used: " + e,
                    "Look after the data directory of this member.",
                    e);
        }
    }

    private MemberIdentity checkedName(MemberIdentity identity) {
        if (!identity.name().equals(options.name())) {
            throw new PdStartException(
                    "The data directory " + options.dataDir() + " belongs to member " + identity.name() + ", not to "
                            + options.name() + ".",
                    "Set rutile.pd.name to " + identity.name() + ", or give this member a directory of its own.",
                    null);
        }
        return identity;
    }

    /** A member that was removed while it was away hears so before it says anything to anybody. */
    private MemberIdentity stillMember(MemberIdentity identity, MetaStateMachine stateMachine) throws IOException {
        List<String> asked = new ArrayList<>(options.join());
        asked.addAll(MemberIdentity.others(options.dataDir()));
        Collection<String> others =
                StandingWatch.urls(stateMachine.state().members().values(), identity, asked);
        new ClusterJoin(security).goneAccordingTo(others, identity).ifPresent(why -> {
            throw new PdStartException(
                    "The cluster does not take this member for one any more: " + why + ".",
                    "Remove its data directory " + options.dataDir() + " and let it join with rutile.pd.join.",
                    null);
        });
        return identity;
    }

    private MemberIdentity initial(long incarnation) throws IOException {
        InitialCluster cluster = options.initialCluster();
        try {
            return MemberIdentity.initial(cluster, options.name(), groupFingerprint(cluster), incarnation);
        } catch (IllegalArgumentException e) {
            throw new PdStartException(
                    String.valueOf(e.getMessage()), "Name this member in initial-cluster as it is named itself.", e);
        }
    }

    private MemberIdentity join(long incarnation) {
        Member.Builder asking = Member.newBuilder()
                .setName(options.name())
                .addPeerUrls(security.peerScheme() + "://" + advertisedRaft());
        String url = options.advertiseClientUrl();
        if (url != null) {
            asking.addClientUrls(url);
        } else if (options.clientListen().port() != 0) {
            asking.addClientUrls(security.clientScheme() + "://" + options.clientListen());
        }
        log.info("joins member={} by={}", options.name(), options.join());
        try {
            MemberIdentity identity =
                    new ClusterJoin(security).join(options.join(), asking.build(), incarnation, JOIN_PATIENCE);
            log.info("taken in member={} id={} group={}", identity.name(), identity.id(), identity.known());
            return identity;
        } catch (ClusterJoin.NotTakenInException e) {
            throw new PdStartException(
                    "The cluster does not take this member in: " + e.getMessage() + ".",
                    "Look at the members of rutile.pd.join; a member of the same name whose data is lost is removed first.",
                    e);
        }
    }

    private HostPort advertisedRaft() {
        HostPort told = options.advertiseRaft();
        return told == null ? options.raftListen() : told;
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

    private RaftGroup<MetaOutcome> openGroup(
            MemberIdentity identity, MemberDirectory directory, MetaStateMachine stateMachine) {
        try {
            return startRaft(identity, directory, stateMachine);
        } catch (RaftException e) {
            throw new PdStartException(
                    "The Raft log cannot be opened: " + e.getMessage(),
                    "Look whether another member runs here, and whether the data directory is this member's own.",
                    e);
        }
    }

    private RaftGroup<MetaOutcome> startRaft(
            MemberIdentity identity, MemberDirectory directory, MetaStateMachine stateMachine) {
        RaftOptions raftOptions = RaftOptions.of(
                        identity.groupId(),
                        identity.id(),
                        options.dataDir().resolve("raft"),
                        options.raftListen().resolve())
                .withCredentials(security.peerPort(), security.channels())
                .withElectionTimeout(options.electionTimeout())
                .withLogMax(LOG_ENTRIES_MAX, LOG_BYTES_MAX);
        // This member is started below; whoever is written to here under another id is nobody.
        RaftServer server = new RaftServer(
                raftOptions,
                directory::resolve,
                (groupId, self, from) ->
                        log.warn("message for unknown replica group={} self={} from={}", groupId, self, from),
                metrics);
        server.start();
        raft = server;
        started.push(server);
        Replica self = InitialCluster.replica(identity.id());
        if (!identity.joined()) {
            server.bootstrapGroup(
                    GROUP_ID, self, InitialCluster.replicas(identity.known().keySet()), MetaState.FIRST_INDEX);
        }
        // Who joined waits for the leader's image, and votes for nobody's sake before (R2).
        return server.startGroup(GROUP_ID, self, stateMachine);
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

    private Member self(MemberIdentity identity) {
        String url = options.advertiseClientUrl();
        InetSocketAddress listens = clientAddress();
        return Member.newBuilder()
                .setName(identity.name())
                .setMemberId(identity.id())
                .addPeerUrls(security.peerScheme() + "://" + peerAddress(identity))
                .addClientUrls(
                        url != null
                                ? url
                                : security.clientScheme() + "://"
                                        + options.clientListen().host() + ":" + listens.getPort())
                .build();
    }

    /** Where other members find it: as the settings say, for addresses may change. */
    private String peerAddress(MemberIdentity identity) {
        HostPort told = options.advertiseRaft();
        if (told != null) {
            return told.toString();
        }
        return options.initialCluster().members().stream()
                .filter(entry -> entry.name().equals(identity.name()))
                .findFirst()
                .map(InitialCluster.Entry::raftAddress)
                .orElseGet(() -> options.raftListen().toString());
    }

    /** The cluster goes on without this member: it says so, and says nothing to others any more. Any thread; does not wait. */
    private void putOut(String why) {
        if (!isOut.compareAndSet(false, true)) {
            return;
        }
        Thread leaving = new Thread(
                () -> {
                    Leadership leading = leadership;
                    if (leading != null) {
                        leading.onFailure(new MemberGoneException(why));
                    }
                    RaftServer server = raft;
                    if (server != null) {
                        try {
                            server.stopGroup(GROUP_ID);
                        } catch (RaftException e) {
                            log.info("raft group not stopped cause={}", e.getMessage());
                        }
                    }
                },
                "pd-leaving");
        leaving.setDaemon(true);
        leaving.start();
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
        Leadership leading = leadership;
        return leading == null ? Optional.empty() : leading.current();
    }

    /** True if a client that comes here is served, or is told whom to ask. */
    public boolean isReady() {
        Leadership leading = leadership;
        PdMember self = member;
        return leading != null && self != null && PdDoor.isServing(leading, self);
    }

    /** True once the log says of this member all that it says of itself. */
    boolean isIdentified() {
        PdMember self = member;
        return self != null && !self.mustAnnounce();
    }

    /** What ended this member's part for good, if something did: it must be restarted. */
    public Optional<Throwable> failure() {
        Leadership leading = leadership;
        return leading == null ? Optional.empty() : leading.failure();
    }

    @Override
    public void close() {
        // First, so that whoever hangs on this member is told to look for another leader.
        Leadership leading = leadership;
        if (leading != null) {
            leading.close();
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
