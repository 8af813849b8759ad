package io.rutile.raft;

import com.alipay.sofa.jraft.FSMCaller;
import com.alipay.sofa.jraft.NodeManager;
import com.alipay.sofa.jraft.Status;
import com.alipay.sofa.jraft.conf.Configuration;
import com.alipay.sofa.jraft.conf.ConfigurationEntry;
import com.alipay.sofa.jraft.core.NodeImpl;
import com.alipay.sofa.jraft.core.State;
import com.alipay.sofa.jraft.entity.EnumOutter.ErrorType;
import com.alipay.sofa.jraft.entity.LogId;
import com.alipay.sofa.jraft.entity.PeerId;
import com.alipay.sofa.jraft.entity.Task;
import com.alipay.sofa.jraft.error.RaftError;
import com.alipay.sofa.jraft.rpc.RpcRequests.AppendEntriesRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.AppendEntriesResponse;
import com.alipay.sofa.jraft.rpc.RpcRequests.ErrorResponse;
import com.alipay.sofa.jraft.rpc.RpcRequests.InstallSnapshotRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.InstallSnapshotResponse;
import com.alipay.sofa.jraft.rpc.RpcRequests.ReadIndexRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.ReadIndexResponse;
import com.alipay.sofa.jraft.rpc.RpcRequests.RequestVoteRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.RequestVoteResponse;
import com.alipay.sofa.jraft.rpc.RpcRequests.TimeoutNowRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.TimeoutNowResponse;
import com.alipay.sofa.jraft.rpc.RpcResponseClosureAdapter;
import com.alipay.sofa.jraft.util.Endpoint;
import com.alipay.sofa.jraft.util.ThreadPoolsFactory;
import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import com.google.protobuf.UnsafeByteOperations;
import io.rutile.raft.RaftException.Kind;
import io.rutile.raft.disruptor.Turn;
import io.rutile.raft.log.CompactionPoint;
import io.rutile.raft.log.GroupLog;
import io.rutile.raft.log.GroupVote;
import io.rutile.raft.transport.GroupCalls;
import io.rutile.raft.transport.LinkException;
import io.rutile.raft.transport.OutboundCall;
import io.rutile.raft.transport.RaftTransport;
import io.rutile.raft.wire.ReadIndexAnswer;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A {@link RaftGroup} on a JRaft node. Translates requests and refusals, watches what the node sends and hears for the lease, and
 * keeps what is under way bounded (R10).
 */
final class JRaftAdapter<R>
        implements RaftGroup<R>, GroupCalls, ApplyDriver.Listener, CoalescedHeartbeats.Leader, LogBudget.Log {

    /** A follower's read lasts two election timeouts at most on its own clock; twice that is enough for any clock. */
    private static final long FOLLOWER_READ_TIMEOUTS = 4;

    private static final Logger LOG = LoggerFactory.getLogger(JRaftAdapter.class);
    private static final int IN_FLIGHT_ENTRIES_MAX = 4_096;
    private static final long IN_FLIGHT_BYTES_MAX = 16L << 20;
    /** So much a new replica may be sent that its image holds already. */
    private static final long REPLAY_BYTES_MAX = 256L << 10;

    private static final int CATCH_UP_MARGIN_MAX = 1_000;
    /** A new replica that does not answer within an election timeout is given so many of them. */
    private static final int CATCH_UP_ATTEMPTS = 5;
    /** Of a replica that counts as caught up. */
    private static final int ENTRIES_BEHIND_MAX = 10_000;
    /** Pause before a vote is asked for again that a store could not give yet. */
    private static final long VOTE_PAUSE_MS = 20;
    /** How many times longer than a voter somebody without a vote takes to look whether the leader is silent. */
    private static final int NO_VOTER_TIMEOUTS = 20;
    /** JRaft's task without an expected term. */
    private static final long ANY_TERM = -1;

    private final long groupId;
    private final Replica self;
    private final PeerId selfPeer;
    private final RaftOptions options;
    private final RaftTransport transport;
    private final CoalescedHeartbeats heartbeats;
    private final RaftMetrics metrics;
    private final RaftMemory memory;
    private final Pools pools;
    private final GroupVote vote;
    /** When another replica was last told an index for a read of its own; 0 if none was, for long enough. */
    private final AtomicLong followerReadNanos = new AtomicLong();

    /** Everything up to here has passed the state machine, entries that it does not see included. */
    private volatile long passed;

    private final BooleanSupplier draining;
    private final ApplyDriver<R> driver;
    private final LeaderLease lease;
    private final VoteGate gate;
    private final BooleanSupplier promise;
    private final ReadRounds reads;
    private final FollowerReads followerReads;
    private final ImageBackoff imageBackoff =
            new ImageBackoff(() -> ThreadLocalRandom.current().nextDouble());
    /** Members that were told an index since this replica leads. */
    private final ConcurrentHashMap<PeerId, Long> toldCommitted = new ConcurrentHashMap<>();
    /** How far was committed when a member, by its name, was last sent a heartbeat by this leader. */
    private final ConcurrentHashMap<String, Long> committedInHeartbeats = new ConcurrentHashMap<>();
    /** What a member, by its name, has last answered to a heartbeat of this leader. */
    private final ConcurrentHashMap<String, Said> answeredHeartbeats = new ConcurrentHashMap<>();

    private final SerialExecutor inbound;
    private final SerialExecutor answers;
    private final NodeImpl node;
    private final AtomicInteger inFlightEntries = new AtomicInteger();
    private final AtomicLong inFlightBytes = new AtomicLong();
    private final AtomicBoolean compacting = new AtomicBoolean();

    private volatile @Nullable FSMCaller progress;
    private volatile @Nullable GroupSnapshots snapshots;
    private volatile @Nullable GroupLog entries;
    private volatile long leaderTerm;
    private volatile @Nullable Replica leader;
    private volatile Replicas replicas = new Replicas(Set.of(), Set.of());
    private volatile long replicasIndex = -1;
    /** Term of the election that a leader has told this replica to start; 0 if none. */
    private volatile long handoverTerm;

    private volatile @Nullable RaftException dead;
    private volatile boolean started;
    private volatile boolean stopping;

    /** The membership that the election timer was set for last; inbound thread. */
    private @Nullable ConfigurationEntry settledConf;

    // Guarded by this.
    private @Nullable Transfer transfer;

    /** When what entries a member, by its name, has last taken from this leader were sent, by {@link System#nanoTime}. */
    private final ConcurrentHashMap<String, AtomicLong> takenEntries = new ConcurrentHashMap<>();

    /** What a heartbeat says: that nothing comes behind the index which the follower is to have, and how far is committed. */
    private record Said(long term, long index, long indexTerm, long committed) {

        static Said by(AppendEntriesRequest heartbeat) {
            return new Said(
                    heartbeat.getTerm(),
                    heartbeat.getPrevLogIndex(),
                    heartbeat.getPrevLogTerm(),
                    heartbeat.getCommittedIndex());
        }

        /** How far a follower that has answered it knows for sure that entries are committed. */
        long told() {
            return Math.min(index, committed);
        }
    }

    /** The leader that heartbeats for a whole store came from last, as the node knows it. */
    private volatile @Nullable HeardFrom heardFrom;

    private record HeardFrom(long store, long peer, PeerId id) {}

    private record Transfer(Replica to, CompletableFuture<Void> done) {}

    JRaftAdapter(
            long groupId,
            Replica self,
            String name,
            ReplicatedStateMachine<R> stateMachine,
            RaftOptions options,
            RaftTransport transport,
            CoalescedHeartbeats heartbeats,
            RaftMetrics metrics,
            RaftMemory memory,
            Pools pools,
            GroupVote vote,
            BooleanSupplier draining) {
        this.groupId = groupId;
        this.self = self;
        this.selfPeer = PeerIds.of(self);
        this.options = options;
        this.transport = transport;
        this.heartbeats = heartbeats;
        this.metrics = metrics;
        this.memory = memory;
        this.pools = pools;
        this.vote = vote;
        this.draining = draining;
        long timeoutNanos = options.electionTimeout().toNanos();
        this.lease = new LeaderLease(selfPeer, timeoutNanos, System::nanoTime);
        this.gate = new VoteGate(timeoutNanos, System::nanoTime, vote.getTerm() <= GroupVote.FIRST_TERM);
        this.promise = gate::hearLeader;
        this.reads = new ReadRounds(this::startReadRound);
        this.followerReads = new FollowerReads(this::askLeader, this::after);
        this.inbound = new SerialExecutor(pools.rpc());
        this.answers = new SerialExecutor(pools.rpc());
        this.driver = new ApplyDriver<>(groupId, self, stateMachine, options, pools.work(), metrics, this);
        this.node = new NodeImpl(name, selfPeer);
    }

    /** Starts the node; what it applies from now on reaches the state machine. */
    void start(GroupServices services, @Nullable CompactionPoint point) {
        snapshots = services.snapshots();
        entries = services.entries();
        if (point != null) {
            if (driver.applied() < point.applied()) {
                // Entries in between are in neither: applying on would be a silent gap (R1).
                throw new RaftException(
                        Kind.INVALID,
                        "state of group " + groupId + " ends at " + driver.applied() + ", its log begins behind "
                                + point.applied());
            }
            noteReplicas(NodeOptionsOf.conf(point.meta()), point.meta().getLastIncludedIndex());
        }
        registerClosurePool(node.getGroupId());
        NodeManager.getInstance().addAddress(selfPeer.getEndpoint());
        if (!node.init(NodeOptionsOf.group(options, services, driver))) {
            stop();
            RaftException why = dead;
            throw why != null && why.kind() == Kind.DISK
                    ? why
                    : new RaftException(
                            Kind.INVALID,
                            "group " + groupId + " can't start from its log: see the messages before this one");
        }
        driver.startsWith(services.entries().sizeBytes());
        NodeInternals.stopReadScanner(node);
        FSMCaller caller = NodeInternals.fsmCaller(node);
        progress = caller;
        caller.addLastAppliedLogIndexListener(this::progressed);
        reads.applied(caller.getLastAppliedIndex());
        followerReads.applied(caller.getLastAppliedIndex());
        started = true;
        inbound.execute(this::settleElections);
    }

    private static void registerClosurePool(String name) {
        try {
            ThreadPoolsFactory.registerThreadPool(name, Pools.CLOSURES);
        } catch (IllegalArgumentException e) {
            LOG.trace("closure pool known name={}", name);
        }
    }

    /** False while it reads its log: nobody can be answered yet. */
    boolean isStarted() {
        return started;
    }

    /** True once it is being taken apart: its node may throw at whoever asks it. */
    boolean isStopping() {
        return stopping;
    }

    /** Ends the node and waits until nothing of it runs. */
    void stop() {
        beginStop();
        awaitStop();
    }

    void beginStop() {
        stopping = true;
        node.shutdown();
    }

    void awaitStop() {
        try {
            node.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        RaftException why = new RaftException(Kind.STOPPED, "group " + groupId + " has stopped");
        reads.stop(why);
        followerReads.stop(why);
        endTransfer(null, why);
    }

    @Override
    public long groupId() {
        return groupId;
    }

    @Override
    public Replica self() {
        return self;
    }

    // ---- proposals

    @Override
    public CompletableFuture<R> propose(byte[] data, long expectedTerm, LongConsumer committed) {
        RaftException refusal = refusal(data);
        if (refusal != null) {
            return CompletableFuture.failedFuture(refusal);
        }
        if (!admit(data.length)) {
            metrics.refusedBusy.increment();
            return CompletableFuture.failedFuture(
                    new RaftException(Kind.BUSY, "group " + groupId + " has too much on its way"));
        }
        long begin = System.nanoTime();
        Proposal<R> proposal = new Proposal<>(status -> proposalRefusal(status, expectedTerm), takenUpNanos -> {
            metrics.commit.record(takenUpNanos - begin, TimeUnit.NANOSECONDS);
            committed.accept(takenUpNanos);
        });
        proposal.future.whenComplete((outcome, failure) -> {
            release(data.length);
            if (failure == null) {
                metrics.propose.record(System.nanoTime() - begin, TimeUnit.NANOSECONDS);
            }
        });
        try {
            Task task = new Task(ByteBuffer.wrap(data), proposal, expectedTerm == 0 ? ANY_TERM : expectedTerm);
            // From here to the log and to the network on this thread, unless another is at it for this group.
            Turn.run(() -> node.apply(task));
        } catch (RuntimeException e) {
            // Only a node that is being taken apart refuses like this, before anything is appended.
            proposal.fail(stopped());
        }
        return proposal.future;
    }

    private @Nullable RaftException refusal(byte[] data) {
        RaftException why = dead;
        if (why != null) {
            return why;
        }
        if (stopping) {
            return stopped();
        }
        if (data.length == 0) {
            return new RaftException(Kind.INVALID, "an entry must not be empty");
        }
        if (data.length > options.entryBytesMax()) {
            return new RaftException(
                    Kind.INVALID,
                    "entry of " + data.length + " bytes, at most " + options.entryBytesMax() + " are taken");
        }
        State state = node.getNodeState();
        if (state == State.STATE_TRANSFERRING) {
            metrics.refusedBusy.increment();
            return new RaftException(Kind.BUSY, "group " + groupId + " is handing leadership over");
        }
        return state == State.STATE_LEADER ? null : notLeader();
    }

    private boolean admit(int bytes) {
        if (inFlightEntries.get() >= IN_FLIGHT_ENTRIES_MAX
                || (inFlightBytes.get() > 0 && inFlightBytes.get() + bytes > IN_FLIGHT_BYTES_MAX)
                || !memory.takesEntries(logBytesInMemory())
                || !memory.proposals.take(bytes)) {
            return false;
        }
        inFlightEntries.incrementAndGet();
        inFlightBytes.addAndGet(bytes);
        return true;
    }

    private void release(int bytes) {
        inFlightEntries.decrementAndGet();
        inFlightBytes.addAndGet(-bytes);
        memory.proposals.giveBack(bytes);
    }

    /** Only refusals that JRaft gives before it appends are told as "nothing was written". */
    private RaftException proposalRefusal(Status status, long expectedTerm) {
        String message = String.valueOf(status.getErrorMsg());
        RaftError error = status.getRaftError();
        if (error == RaftError.EBUSY) {
            metrics.refusedBusy.increment();
            return new RaftException(Kind.BUSY, "group " + groupId + ": " + message);
        }
        if (error == RaftError.EPERM && message.startsWith("expected_term=")) {
            return new RaftException(
                    Kind.STALE_TERM, "group " + groupId + " is not in term " + expectedTerm + " any more");
        }
        if (error == RaftError.EPERM && message.startsWith("Is not leader")) {
            return notLeader();
        }
        if (error == RaftError.ENODESHUTDOWN) {
            return stopped();
        }
        metrics.undetermined.increment();
        return new RaftException(Kind.UNDETERMINED, "group " + groupId + " lost its leader on the way: " + message);
    }

    private RaftException notLeader() {
        return new RaftException(Kind.NOT_LEADER, self + " does not lead group " + groupId);
    }

    private RaftException stopped() {
        return new RaftException(Kind.STOPPED, "group " + groupId + " has stopped");
    }

    // ---- leadership

    @Override
    public boolean isLeader() {
        // The term on disk is a leader's own before it leads, so a start of an earlier term is never taken for this
        // one's.
        return node.isLeader(false) && leaderTerm == vote.getTerm() && leaderTerm != 0;
    }

    @Override
    public long term() {
        return vote.getTerm();
    }

    @Override
    public @Nullable Replica leader() {
        return leader;
    }

    /** True if it lives and knows of nobody who leads. */
    boolean isLeaderless() {
        return leader == null && dead == null;
    }

    @Override
    public boolean isBehindFollowers() {
        long since = followerReadNanos.get();
        if (since == 0) {
            return false;
        }
        if (passed < NodeInternals.leaderCommitted(node)) {
            return true;
        }
        if (System.nanoTime() - since
                > FOLLOWER_READ_TIMEOUTS * options.electionTimeout().toNanos()) {
            // Whoever was told of an index has long been answered, and what it may have shown is applied here.
            followerReadNanos.compareAndSet(since, 0);
        }
        return false;
    }

    @Override
    public boolean holdsLease() {
        if (options.forceReadIndex()) {
            return false;
        }
        ConfigurationEntry conf = NodeInternals.conf(node);
        long term = leaderTerm;
        return conf != null && lease.holds(term, conf) && isLeader() && leaderTerm == term;
    }

    @Override
    public CompletableFuture<Void> readIndex() {
        RaftException why = dead;
        if (why != null) {
            return CompletableFuture.failedFuture(why);
        }
        if (!isLeader()) {
            return CompletableFuture.failedFuture(notLeader());
        }
        return provenIndex().thenApply(index -> null);
    }

    /** By a round to a majority that begins now or later: how far was committed when it began. */
    private CompletableFuture<Long> provenIndex() {
        long begin = System.nanoTime();
        return reads.read().whenComplete((index, failure) -> {
            if (failure == null) {
                metrics.readIndex.record(System.nanoTime() - begin, TimeUnit.NANOSECONDS);
            }
        });
    }

    private void startReadRound(ReadRounds rounds, long round) {
        if (!isLeader()) {
            rounds.failed(round, notLeader());
            return;
        }
        metrics.readRounds.increment();
        RaftException late =
                new RaftException(Kind.BUSY, "group " + groupId + " could not prove in time that it leads");
        Future<?> deadline = later(() -> rounds.failed(round, late));
        long term = leaderTerm;
        long begin = System.nanoTime();
        ReadIndexRequest request = ReadIndexRequest.newBuilder()
                .setGroupId(node.getGroupId())
                .setServerId(selfPeer.toString())
                .setPeerId(selfPeer.toString())
                .build();
        node.handleReadIndexRequest(request, new RpcResponseClosureAdapter<ReadIndexResponse>() {
            @Override
            public void run(Status status) {
                deadline.cancel(false);
                readRoundDone(rounds, round, status, getResponse(), term, begin);
            }
        });
    }

    /** Runs when two election timeouts have passed; nothing here waits longer for other stores. */
    private Future<?> later(Runnable handOver) {
        return after(patienceMs(), handOver);
    }

    private long patienceMs() {
        return 2 * options.electionTimeout().toMillis();
    }

    private Future<?> after(long ms, Runnable handOver) {
        try {
            return pools.timer().schedule(() -> pools.rpc().execute(handOver), ms, TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            // Closing: the end of the group ends what waits.
            return CompletableFuture.completedFuture(null);
        }
    }

    private void readRoundDone(
            ReadRounds rounds, long round, Status status, @Nullable ReadIndexResponse response, long term, long begin) {
        if (!status.isOk() || response == null || !response.getSuccess()) {
            boolean other = status.getRaftError() == RaftError.EPERM;
            rounds.failed(
                    round,
                    other
                            ? notLeader()
                            : new RaftException(Kind.BUSY, "group " + groupId + " could not prove that it leads"));
            return;
        }
        // JRaft counts a majority of the new membership only; while it replaces the old one, that proves too little.
        ConfigurationEntry conf = NodeInternals.conf(node);
        if (!conf.getOldConf().isEmpty() && !lease.provenSince(term, conf, begin)) {
            rounds.failed(round, new RaftException(Kind.BUSY, "group " + groupId + " is changing its membership"));
            return;
        }
        rounds.finished(round, response.getIndex());
    }

    // ---- reads at other replicas

    @Override
    public CompletableFuture<Optional<byte[]>> followerReadIndex(byte[] question, Duration timeout) {
        RaftException why = dead;
        if (why != null) {
            return CompletableFuture.failedFuture(why);
        }
        if (question.length > QUESTION_BYTES_MAX) {
            return CompletableFuture.failedFuture(new RaftException(
                    Kind.INVALID,
                    "question of " + question.length + " bytes, at most " + QUESTION_BYTES_MAX
                            + " are sent to a leader"));
        }
        long begin = System.nanoTime();
        long timeoutMs = Math.max(1, Math.min(timeout.toMillis(), patienceMs()));
        return followerReads.read(question, timeoutMs).whenComplete((refusal, failure) -> {
            if (failure == null) {
                metrics.followerReads.record(System.nanoTime() - begin, TimeUnit.NANOSECONDS);
            } else {
                metrics.followerReadsRefused.increment();
            }
        });
    }

    /** Past {@link #send}: JRaft has no part in it. */
    private void askLeader(byte[] question, long timeoutMs, FollowerReads.Answer answer) {
        Replica to = leader;
        if (to == null || to.equals(self)) {
            answer.take(null);
            return;
        }
        ReadIndexRequest request = ReadIndexRequest.newBuilder()
                .setGroupId(node.getGroupId())
                .setServerId(selfPeer.toString())
                .setPeerId(PeerIds.of(to).toString())
                .addEntries(UnsafeByteOperations.unsafeWrap(question))
                .build();
        transport.send(new OutboundCall(
                to.storeId(),
                groupId,
                request,
                false,
                false,
                timeoutMs,
                answers,
                (response, failure) -> answer.take(response instanceof ReadIndexAnswer said ? said : null)));
    }

    /**
     * Another replica wants to serve a read: {@link RaftGroup#followerReadIndex} says why in this order. All of it has to happen in
     * one term: a leader that was deposed in between and elected again would prove the wrong thing.
     */
    void answerReadIndex(ReadIndexRequest request, Consumer<ReadIndexAnswer> reply) {
        long term = leaderTerm;
        if (!isLeader() || leaderTerm != term) {
            reply.accept(notNow());
            return;
        }
        // Before it can show anything: from here on this replica's own reads must not fall behind it.
        followerReadNanos.set(Math.max(1, System.nanoTime()));
        ByteString question = request.getEntriesCount() == 0 ? ByteString.EMPTY : request.getEntries(0);
        if (question.size() > QUESTION_BYTES_MAX) {
            reply.accept(notNow());
            return;
        }
        byte[] refusal;
        try {
            refusal = driver.readIndexAsked(question.toByteArray());
        } catch (RuntimeException e) {
            LOG.warn("question of a reading replica not answered group={} from={}", groupId, request.getServerId(), e);
            reply.accept(notNow());
            return;
        }
        if (refusal != null) {
            reply.accept(ReadIndexAnswer.newBuilder()
                    .setRefusal(UnsafeByteOperations.unsafeWrap(refusal))
                    .build());
            return;
        }
        long committed = NodeInternals.leaderCommitted(node);
        if (holdsLease() && leaderTerm == term) {
            reply.accept(ReadIndexAnswer.newBuilder().setIndex(committed).build());
            tellCommitted(request.getServerId(), committed);
            return;
        }
        provenIndex().whenComplete((index, failure) -> {
            boolean proven = failure == null && isLeader() && leaderTerm == term;
            reply.accept(proven ? ReadIndexAnswer.newBuilder().setIndex(index).build() : notNow());
        });
    }

    /**
     * In a group where nobody writes at this moment a follower would hear of the last entries only with the next heartbeat. One beside
     * it is enough for each index that somebody is told of; a round to a majority has sent its own.
     */
    private void tellCommitted(String peerText, long committed) {
        PeerId peer = PeerIds.of(PeerIds.parse(peerText));
        ConfigurationEntry conf = NodeInternals.conf(node);
        if (!conf.contains(peer) && !conf.containsLearner(peer)) {
            return;
        }
        Long before = toldCommitted.put(peer, committed);
        if (before == null || before < committed) {
            NodeInternals.tellCommitted(node, peer);
        }
    }

    private ReadIndexAnswer notNow() {
        return ReadIndexAnswer.newBuilder()
                .setNotNow(self + " can't prove that it leads group " + groupId)
                .build();
    }

    @Override
    public void leads(long term) {
        toldCommitted.clear();
        committedInHeartbeats.clear();
        answeredHeartbeats.clear();
        takenEntries.clear();
        leaderTerm = term;
        leader = self;
        metrics.elections.increment();
        noteProgress();
        // Told again in the same term: a transfer has come to nothing.
        endTransfer(null, new RaftException(Kind.BUSY, "group " + groupId + ": leadership was not taken over in time"));
    }

    @Override
    public void stopsLeading() {
        leaderTerm = 0;
        imageBackoff.clear();
        if (self.equals(leader)) {
            leader = null;
        }
        try {
            pools.rpc().execute(() -> NodeInternals.resumeElections(node));
        } catch (RejectedExecutionException e) {
            LOG.debug("closing, nobody is elected any more group={}", groupId);
        }
    }

    @Override
    public void follows(@Nullable Replica other, long term) {
        leader = other;
        if (other != null) {
            endTransfer(other, new RaftException(Kind.BUSY, "group " + groupId + " is led by " + other + " now"));
        }
    }

    @Override
    public void campaign() {
        inbound.execute(() -> {
            if (stopping || vote.getTerm() != GroupVote.FIRST_TERM) {
                return;
            }
            // JRaft's own way to stand without a pre-vote; it looks at the term once more under its lock.
            node.handleTimeoutNowRequest(
                    TimeoutNowRequest.newBuilder()
                            .setGroupId(node.getGroupId())
                            .setServerId(selfPeer.toString())
                            .setPeerId(selfPeer.toString())
                            .setTerm(GroupVote.FIRST_TERM)
                            .build(),
                    GroupRouter.closure(TimeoutNowResponse.getDefaultInstance(), response -> {}));
        });
    }

    @Override
    public CompletableFuture<Void> transferLeader(Replica to) {
        if (!isLeader()) {
            return CompletableFuture.failedFuture(notLeader());
        }
        if (to.equals(self)) {
            return CompletableFuture.completedFuture(null);
        }
        Transfer mine = new Transfer(to, new CompletableFuture<>());
        synchronized (this) {
            if (transfer != null) {
                return CompletableFuture.failedFuture(
                        new RaftException(Kind.BUSY, "group " + groupId + " is handing leadership over"));
            }
            transfer = mine;
        }
        Future<?> deadline = later(() -> endTransfer(
                null, new RaftException(Kind.BUSY, "group " + groupId + ": leadership was not taken over in time")));
        mine.done().whenComplete((nothing, failure) -> deadline.cancel(false));
        Status status = node.transferLeadershipTo(PeerIds.of(to));
        if (!status.isOk()) {
            synchronized (this) {
                transfer = null;
            }
            mine.done().completeExceptionally(changeRefusal(status));
        }
        return mine.done();
    }

    private void endTransfer(@Nullable Replica now, RaftException otherwise) {
        Transfer mine;
        synchronized (this) {
            mine = transfer;
            transfer = null;
        }
        if (mine == null) {
            return;
        }
        if (mine.to().equals(now)) {
            mine.done().complete(null);
        } else {
            mine.done().completeExceptionally(otherwise);
        }
    }

    // ---- membership

    @Override
    public Replicas replicas() {
        return replicas;
    }

    @Override
    public Set<Replica> reachable() {
        long term = leaderTerm;
        if (!isLeader()) {
            return Set.of();
        }
        Set<Replica> here = new HashSet<>();
        here.add(self);
        lease.answeredWithin(term, options.electionTimeout().toNanos())
                .forEach(peer -> here.add(PeerIds.replica(peer)));
        Replicas members = replicas;
        here.removeIf(replica -> !members.contains(replica));
        return Set.copyOf(here);
    }

    @Override
    public Set<Replica> caughtUp() {
        if (!isLeader()) {
            return Set.of();
        }
        long needed = Math.max(
                NodeInternals.firstLogIndex(node) - 1, NodeInternals.leaderCommitted(node) - ENTRIES_BEHIND_MAX);
        Replicas members = replicas;
        return Stream.concat(members.voters().stream(), members.learners().stream())
                .filter(replica ->
                        replica.equals(self) || NodeInternals.matchedIndex(node, PeerIds.of(replica)) >= needed)
                .collect(Collectors.toUnmodifiableSet());
    }

    @Override
    public CompletableFuture<Void> changeReplicas(Replicas target) {
        if (target.voters().isEmpty()) {
            return CompletableFuture.failedFuture(new RaftException(Kind.INVALID, "a group needs a voter"));
        }
        if (!isLeader()) {
            return CompletableFuture.failedFuture(notLeader());
        }
        CompletableFuture<Void> done = new CompletableFuture<>();
        nudgeUntil(done);
        Runnable change = () -> nextChange(new ArrayDeque<>(steps(membership(), target)), CATCH_UP_ATTEMPTS, done);
        Replicas now = membership();
        boolean adds = Stream.concat(target.voters().stream(), target.learners().stream())
                .anyMatch(replica -> !now.contains(replica));
        if (adds && driver.replayBytes() > REPLAY_BYTES_MAX) {
            compact(change);
        } else {
            change.run();
        }
        return done;
    }

    private Replicas membership() {
        return PeerIds.replicas(NodeInternals.conf(node).getConf());
    }

    /**
     * The memberships on the way. JRaft takes no peer that is a learner in one and a voter in the next: it has to be neither in
     * between.
     */
    static List<Replicas> steps(Replicas now, Replicas target) {
        List<Replicas> steps = new ArrayList<>();
        Set<Replica> promoted = new HashSet<>(now.learners());
        promoted.retainAll(target.voters());
        if (!promoted.isEmpty()) {
            Set<Replica> learners = new HashSet<>(now.learners());
            learners.removeAll(promoted);
            steps.add(new Replicas(now.voters(), learners));
        }
        Set<Replica> demoted = new HashSet<>(now.voters());
        demoted.retainAll(target.learners());
        if (!demoted.isEmpty()) {
            Set<Replica> learners = new HashSet<>(target.learners());
            learners.removeAll(demoted);
            steps.add(new Replicas(target.voters(), learners));
        }
        steps.add(target);
        return steps;
    }

    /**
     * JRaft looks whether a new peer has caught up only when that peer takes an entry. One that had everything a moment before the
     * change began to wait for it would be waited for until somebody writes; in a quiet group for ever.
     */
    private void nudgeUntil(CompletableFuture<Void> changed) {
        try {
            pools.timer()
                    .schedule(
                            () -> pools.rpc().execute(() -> {
                                if (!changed.isDone() && isLeader()) {
                                    nudge();
                                    nudgeUntil(changed);
                                }
                            }),
                            options.electionTimeout().toMillis() / 2,
                            TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            LOG.debug("closing, nobody waits for the change group={}", groupId);
        }
    }

    /** Appends an entry that no state machine sees. If the group is too busy to take it, others do its work. */
    void nudge() {
        node.apply(new Task(ByteBuffer.allocate(0), status -> LOG.debug("nudge group={} {}", groupId, status)));
    }

    /**
     * How many entries a new voter may lack when it begins to count (D2). JRaft's first question to an empty replica, about index 0,
     * is answered well and leaves it with everything still to come: in a log shorter than the margin it would count at once, without
     * its image, and a group of one that grows would be without a majority.
     */
    static int catchUpMargin(long lastLogIndex) {
        return (int) Math.min(CATCH_UP_MARGIN_MAX, lastLogIndex / 2);
    }

    private void nextChange(Deque<Replicas> steps, int attempts, CompletableFuture<Void> done) {
        Replicas step = steps.peek();
        if (step == null) {
            done.complete(null);
            return;
        }
        try {
            node.getOptions().setCatchupMargin(catchUpMargin(node.getLastLogIndex()));
            node.changePeers(PeerIds.of(step), status -> changed(status, steps, attempts, done));
        } catch (IllegalArgumentException e) {
            done.completeExceptionally(
                    new RaftException(Kind.INVALID, "not an acceptable membership: " + e.getMessage()));
        } catch (IllegalStateException e) {
            done.completeExceptionally(
                    new RaftException(Kind.BUSY, "group " + groupId + " is changing its membership"));
        }
    }

    private void changed(Status status, Deque<Replicas> steps, int attempts, CompletableFuture<Void> done) {
        if (status.isOk()) {
            steps.poll();
            nextChange(steps, CATCH_UP_ATTEMPTS, done);
        } else if (status.getRaftError() == RaftError.ECATCHUP && attempts > 1 && node.isLeader(false) && !stopping) {
            // A store that has just been told of its new replica may take a moment to start it.
            nextChange(steps, attempts - 1, done);
        } else {
            done.completeExceptionally(changeRefusal(status));
        }
    }

    private RaftException changeRefusal(Status status) {
        String message = "group " + groupId + ": " + status.getErrorMsg();
        RaftError error = status.getRaftError();
        if (error == RaftError.EBUSY || error == RaftError.ECATCHUP) {
            return new RaftException(Kind.BUSY, message);
        }
        if (error == RaftError.EINVAL) {
            return new RaftException(Kind.INVALID, message);
        }
        if (error == RaftError.EPERM && !node.isLeader(false)) {
            return new RaftException(Kind.UNDETERMINED, message);
        }
        return new RaftException(error == RaftError.EPERM ? Kind.NOT_LEADER : Kind.UNDETERMINED, message);
    }

    /** Everything up to this index has passed the state machine, entries that it does not see included; apply thread. */
    void progressed(long index) {
        passed = index;
        reads.applied(index);
        followerReads.applied(index);
        noteProgress();
    }

    /** JRaft reports only some membership changes; here all are, once the entry that made them is applied. */
    private void noteProgress() {
        FSMCaller caller = progress;
        ConfigurationEntry conf = NodeInternals.conf(node);
        if (caller == null
                || conf == null
                || conf.isEmpty()
                || !conf.getOldConf().isEmpty()) {
            return;
        }
        long index = conf.getId().getIndex();
        if (index > caller.getLastAppliedIndex() || index == replicasIndex) {
            return;
        }
        if (noteReplicas(conf.getConf(), index)) {
            driver.replicas(replicas);
        }
    }

    private boolean noteReplicas(Configuration conf, long index) {
        Replicas now = PeerIds.replicas(conf);
        boolean changed = !now.equals(replicas);
        replicas = now;
        replicasIndex = index;
        return changed;
    }

    // ---- progress and death

    @Override
    public long appliedIndex() {
        return driver.applied();
    }

    @Override
    public long committedIndex() {
        FSMCaller caller = progress;
        return caller == null ? 0 : caller.getLastCommittedIndex();
    }

    /** Bytes of entries that are not applied, or not on disk, yet. */
    long logBytesInMemory() {
        return NodeInternals.logBytesInMemory(node);
    }

    @Override
    public long logBytes() {
        GroupLog mine = entries;
        return mine == null ? 0 : mine.sizeBytes();
    }

    @Override
    public long firstLogIndex() {
        return NodeInternals.firstLogIndex(node);
    }

    @Override
    public void imageInstalled(long applied) {
        reads.applied(applied);
        followerReads.applied(applied);
    }

    @Override
    public void compactionDue() {
        compact(() -> {});
    }

    /**
     * Moves the point that an image continues from to what is applied now, and cuts the log up to the point before. A new replica gets the
     * image of a moment and every entry behind the point: with an old point the whole Region twice.
     *
     * @param then run when that is done, has failed, or can't be done now; any thread
     */
    private void compact(Runnable then) {
        GroupSnapshots mine = snapshots;
        if (mine == null || mine.isOffering() || !compacting.compareAndSet(false, true)) {
            then.run();
            return;
        }
        try {
            pools.work()
                    .execute(() -> node.snapshot(status -> {
                        compacting.set(false);
                        then.run();
                    }));
        } catch (RejectedExecutionException e) {
            // Closing: what follows is refused by the node.
            compacting.set(false);
            then.run();
        }
    }

    @Override
    public void died(Throwable cause, boolean disk) {
        leaderTerm = 0;
        RaftException why = new RaftException(
                disk ? Kind.DISK : Kind.STOPPED,
                disk ? "the disk of " + self + " failed" : self + " of group " + groupId + " is dead");
        dead = why;
        // It hears nobody any more, whoever it followed.
        leader = null;
        reads.stop(why);
        followerReads.stop(why);
        endTransfer(null, why);
    }

    /** The shared log can't be written any more; any thread. */
    void diskFailed(String why) {
        com.alipay.sofa.jraft.error.RaftException error =
                new com.alipay.sofa.jraft.error.RaftException(ErrorType.ERROR_TYPE_LOG);
        error.setStatus(new Status(RaftError.EIO, "%s", why));
        node.onError(error);
    }

    // ---- messages

    /**
     * What the node sends. Entries are watched for the lease, and a request to stand for election ends it first. Who has just
     * answered a leader asks nobody for a vote.
     */
    @Override
    public void send(Endpoint to, Message request, long timeoutMs, OutboundCall.Answer answer) {
        boolean handover = false;
        OutboundCall.Answer watched = answer;
        if (request instanceof AppendEntriesRequest entries) {
            if (!isHeld(to, entries, timeoutMs, answer)) {
                sendEntries(to, entries, timeoutMs, answer);
            }
            return;
        } else if (request instanceof InstallSnapshotRequest image) {
            watched = (response, failure) -> imageAnswered(image, response, failure, answer);
        } else if (request instanceof TimeoutNowRequest now) {
            lease.forfeit(now.getTerm());
            watched = (response, failure) -> {
                answer.complete(response, failure);
                if (response instanceof ErrorResponse) {
                    // Nobody there takes over. JRaft would wait for an election timeout and take no writes meanwhile.
                    NodeInternals.endTransfer(node, now.getTerm(), PeerIds.of(PeerIds.parse(now.getPeerId())));
                }
            };
        } else if (request instanceof RequestVoteRequest asks) {
            handover = !asks.getPreVote() && asks.getTerm() == handoverTerm;
            // Whoever is about to stop asks for no leadership: it would only have to be given away again.
            if (draining.getAsBoolean() || !gate.mayGrant(handover)) {
                answers.execute(() -> withhold(answer));
                return;
            }
            if (asks.getPreVote()) {
                watched = (response, failure) -> {
                    noteDissolved(response);
                    if (gate.mayGrant(false)) {
                        answer.complete(response, failure);
                    } else {
                        withhold(answer);
                    }
                };
            } else if (asks.getLastLogTerm() == GroupVote.FIRST_TERM) {
                watched = (response, failure) -> {
                    if (isUnborn(response) && stands(asks.getTerm())) {
                        soon(
                                VOTE_PAUSE_MS,
                                () -> send(to, asks, timeoutMs, answer),
                                () -> answer.complete(response, failure));
                    } else {
                        answer.complete(response, failure);
                    }
                };
            }
        }
        transport.send(
                new OutboundCall(PeerIds.storeOf(to), groupId, request, handover, false, timeoutMs, answers, watched));
    }

    private void sendEntries(Endpoint to, AppendEntriesRequest request, long timeoutMs, OutboundCall.Answer answer) {
        long sent = System.nanoTime();
        OutboundCall.Answer watched = (response, failure) -> {
            if (response instanceof AppendEntriesResponse said && said.getTerm() == request.getTerm()) {
                PeerId peer = PeerId.parsePeer(request.getPeerId());
                if (peer != null) {
                    lease.acked(peer, request.getTerm(), sent);
                }
                if (said.getSuccess() && !isHeartbeat(request)) {
                    takenEntries
                            .computeIfAbsent(request.getPeerId(), member -> new AtomicLong(sent))
                            .set(sent);
                } else if (said.getSuccess()) {
                    answeredHeartbeats.put(request.getPeerId(), Said.by(request));
                    CoalescedHeartbeats.Follower follower = followerAddressedBy(request);
                    if (follower != null) {
                        heartbeats.answeredBy(follower);
                    }
                }
            } else {
                noteDissolved(response);
            }
            answer.complete(response, failure);
        };
        transport.send(new OutboundCall(
                PeerIds.storeOf(to), groupId, request, false, isPatient(request), timeoutMs, answers, watched));
    }

    private static boolean isHeartbeat(AppendEntriesRequest request) {
        return request.getEntriesCount() == 0 && !request.hasData();
    }

    /**
     * A heartbeat that says what its follower has answered already, or that comes right after entries which that took, travels with those of
     * other groups; {@link CoalescedHeartbeats} sends it by itself if that isn't enough. Not while a read round waits for its answer.
     */
    private boolean isHeld(Endpoint to, AppendEntriesRequest request, long timeoutMs, OutboundCall.Answer answer) {
        CoalescedHeartbeats.Follower follower = isHeartbeat(request) ? followerAddressedBy(request) : null;
        if (follower == null) {
            return false;
        }
        heartbeats.speakTo(follower);
        if (reads.isRunning()) {
            return false;
        }
        Said answered = answeredHeartbeats.get(request.getPeerId());
        boolean repeats = Said.by(request).equals(answered);
        long known = repeats ? request.getCommittedIndex() : answered == null ? 0 : answered.told();
        Long asked = toldCommitted.get(follower.peer());
        boolean entriesTell = heartbeats.tookEntriesJustNow(follower) && (asked == null || known >= asked);
        return (repeats || entriesTell)
                && heartbeats.hold(follower, known, () -> sendEntries(to, request, timeoutMs, answer));
    }

    private CoalescedHeartbeats.@Nullable Follower followerAddressedBy(AppendEntriesRequest request) {
        PeerId peer = PeerId.parsePeer(request.getPeerId());
        return peer == null
                ? null
                : new CoalescedHeartbeats.Follower(groupId, this, self, PeerIds.replica(peer), peer, request.getTerm());
    }

    @Override
    public boolean leadsIn(long term) {
        return !stopping && node.isLeader(false) && vote.getTerm() == term;
    }

    @Override
    public long committed() {
        return NodeInternals.leaderCommitted(node);
    }

    @Override
    public long tookEntriesNanos(PeerId follower, long otherwise) {
        AtomicLong sent = takenEntries.get(follower.toString());
        return sent == null ? otherwise : sent.get();
    }

    @Override
    public void heard(PeerId follower, long term, long sentNanos, long sentMs) {
        lease.acked(follower, term, sentNanos);
        NodeInternals.noteAnswered(node, follower, sentMs);
    }

    /**
     * A leader has said, in one heartbeat for all groups of its store, that it leads on. Not in the turn of inbound messages, which may be
     * a long time coming; but never while a vote is decided, which would not see the promise (R7). Waits for nothing.
     *
     * @param term in which it leads
     */
    NodeInternals.Heard hear(long fromStore, long fromPeer, long term) {
        if (!started || stopping || dead != null) {
            return NodeInternals.Heard.NO;
        }
        HeardFrom from = heardFrom;
        if (from == null || from.peer() != fromPeer || from.store() != fromStore) {
            from = new HeardFrom(fromStore, fromPeer, PeerIds.of(new Replica(fromStore, fromPeer)));
            heardFrom = from;
        }
        return NodeInternals.hearLeader(node, from.id(), term, promise);
    }

    /**
     * Somebody waits for the answer of entries, a probe or a read round, and for the news that entries are committed; nobody for a
     * heartbeat that says what the last one said.
     */
    private boolean isPatient(AppendEntriesRequest request) {
        if (!isHeartbeat(request) || reads.isRunning()) {
            return false;
        }
        long committed = request.getCommittedIndex();
        Long told = committedInHeartbeats.get(request.getPeerId());
        if (told != null && told >= committed) {
            return true;
        }
        committedInHeartbeats.put(request.getPeerId(), committed);
        return false;
    }

    /**
     * JRaft asks for the next image a tenth of an election timeout after it hears of a refusal, so it hears of it later. While it waits,
     * heartbeats go on. What was not even made, because enough others were on their way, costs nothing and is asked for as before.
     */
    private void imageAnswered(
            InstallSnapshotRequest request,
            @Nullable Message response,
            @Nullable Throwable failure,
            OutboundCall.Answer answer) {
        Replica to = PeerIds.parse(request.getPeerId());
        GroupSnapshots mine = snapshots;
        if (response instanceof InstallSnapshotResponse said && said.getSuccess()) {
            imageBackoff.takenBy(to);
            answer.complete(response, failure);
        } else if (mine == null || !mine.givenUp(request.getUri())) {
            answer.complete(response, failure);
        } else {
            metrics.imageBackoffs.increment();
            long pauseMs = imageBackoff.refusedBy(to);
            LOG.info("image was made in vain group={} for={} next_in_ms={}", groupId, to, pauseMs);
            Runnable tell = () -> answer.complete(response, failure);
            soon(pauseMs, () -> answers.execute(tell), tell);
        }
    }

    private void noteDissolved(@Nullable Message response) {
        if (Dissolved.is(response)) {
            driver.onDissolved();
        }
    }

    /** A group's first election may come before another store has started its replica: a matter of one more apply over there. */
    private static boolean isUnborn(@Nullable Message response) {
        return response instanceof ErrorResponse error && error.getErrorCode() == RaftError.ENOENT.getNumber();
    }

    private boolean stands(long term) {
        return !stopping && vote.getTerm() == term && node.getNodeState() == State.STATE_CANDIDATE;
    }

    private void soon(long ms, Runnable again, Runnable ifClosing) {
        try {
            pools.timer().schedule(() -> pools.rpc().execute(again), ms, TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            ifClosing.run();
        }
    }

    /**
     * A candidate's own vote, too, is owed to the leader that it has answered (R7). A pre-vote that began while that leader was
     * silent may be won after the leader was heard again: JRaft would go on and stand.
     */
    private void withhold(OutboundCall.Answer answer) {
        metrics.votesWithheld.increment();
        answer.complete(null, new LinkException("a leader was heard", false));
    }

    /** Where this group's inbound messages are handled, in order. */
    SerialExecutor inbound() {
        return inbound;
    }

    NodeImpl node() {
        return node;
    }

    ApplyDriver<R> driver() {
        return driver;
    }

    VoteGate gate() {
        return gate;
    }

    /**
     * Whether a candidate may ask for votes. JRaft says no to one that its own membership does not name. But it may be entries that
     * have yet to come here that made it a voter, and it may need this very vote: of a new replica that has no membership yet, or of
     * one that slept through a change (D2). Who is fit to lead is seen by the log, as in the vote itself; a leader that may be alive
     * is protected by the {@link VoteGate}, which the caller has asked.
     */
    Message preVote(RequestVoteRequest request) {
        State state = node.getNodeState();
        boolean known = NodeInternals.conf(node).contains(PeerIds.of(PeerIds.parse(request.getServerId())));
        if (known || (state != State.STATE_FOLLOWER && state != State.STATE_CANDIDATE)) {
            return node.handlePreVoteRequest(request);
        }
        long term = vote.getTerm();
        LogId theirs = new LogId(request.getLastLogIndex(), request.getLastLogTerm());
        return RequestVoteResponse.newBuilder()
                .setTerm(term)
                .setGranted(request.getTerm() >= term && theirs.compareTo(NodeInternals.lastLogId(node)) >= 0)
                .build();
    }

    /**
     * After a message, which may have brought another membership. JRaft decides whether a replica's election timer runs when it follows
     * somebody else, by what it is then: a learner that was restarted never has one, even when it is a voter later, and who is no member
     * looks for a silent leader as often as a voter, and says each time that it may not stand. Inbound thread.
     */
    void settleElections() {
        ConfigurationEntry conf = NodeInternals.conf(node);
        if (conf != settledConf) {
            settledConf = conf;
            int timeoutMs = Math.toIntExact(options.electionTimeout().toMillis());
            NodeInternals.lookForLeader(node, conf.contains(selfPeer) ? timeoutMs : NO_VOTER_TIMEOUTS * timeoutMs);
        }
    }

    /** A leader has told this replica to stand for election; before the node hears of it. */
    void handoverFrom(long term) {
        handoverTerm = term + 1;
    }
}
