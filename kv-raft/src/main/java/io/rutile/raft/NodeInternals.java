package io.rutile.raft;

import com.alipay.sofa.jraft.FSMCaller;
import com.alipay.sofa.jraft.ReadOnlyService;
import com.alipay.sofa.jraft.ReplicatorGroup;
import com.alipay.sofa.jraft.Status;
import com.alipay.sofa.jraft.conf.ConfigurationEntry;
import com.alipay.sofa.jraft.core.BallotBox;
import com.alipay.sofa.jraft.core.NodeImpl;
import com.alipay.sofa.jraft.core.ReadOnlyServiceImpl;
import com.alipay.sofa.jraft.core.Replicator;
import com.alipay.sofa.jraft.core.ReplicatorGroupImpl;
import com.alipay.sofa.jraft.core.State;
import com.alipay.sofa.jraft.entity.LogId;
import com.alipay.sofa.jraft.entity.PeerId;
import com.alipay.sofa.jraft.rpc.RpcRequests.AppendEntriesResponse;
import com.alipay.sofa.jraft.rpc.RpcResponseClosureAdapter;
import com.alipay.sofa.jraft.rpc.RpcUtils;
import com.alipay.sofa.jraft.storage.LogManager;
import com.alipay.sofa.jraft.storage.impl.LogManagerImpl;
import com.alipay.sofa.jraft.util.RepeatedTimer;
import com.alipay.sofa.jraft.util.SegmentList;
import com.alipay.sofa.jraft.util.ThreadId;
import com.alipay.sofa.jraft.util.ThreadPoolsFactory;
import com.alipay.sofa.jraft.util.Utils;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;
import java.util.List;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.locks.Lock;
import java.util.function.BooleanSupplier;

/**
 * The things of JRaft that it does not show and that we need: the membership in force without its lock (the lease
 * counts a majority of it), the ends of the log and the last sign of a leader (elections depend on them), the caller of the
 * state machine (whose progress also counts entries that no state machine sees), the timer of elections, who is followed in which term and when a member has last answered (heartbeats of many groups travel as one), how far a leader has committed and how it tells, the end of a transfer that was refused, and the scanner thread of a read service that we
 * do not use. Fields are looked up once, when this class is loaded, so that another version of JRaft fails at start and not in
 * the middle of the night.
 */
final class NodeInternals {

    private static final VarHandle CONF;
    private static final VarHandle FSM_CALLER;
    private static final VarHandle BALLOT_BOX;
    private static final VarHandle REPLICATORS;
    private static final VarHandle LOG_MANAGER;
    private static final VarHandle LOGS_IN_MEMORY;
    private static final VarHandle LAST_LEADER_MS;
    private static final VarHandle LEADER;
    private static final VarHandle TERM;
    private static final VarHandle ANSWERED_MS;
    private static final VarHandle HAS_SUCCEEDED;
    private static final VarHandle WRITE_LOCK;
    private static final VarHandle ELECTION_TIMER;
    private static final VarHandle READ_ONLY_SERVICE;
    private static final VarHandle READ_SCANNER;
    private static final MethodHandle TRANSFER_TIMED_OUT;

    private static final List<ThreadPoolExecutor> POOLS;
    private static final int POOL_THREADS = 4;

    static {
        try {
            MethodHandles.Lookup node = MethodHandles.privateLookupIn(NodeImpl.class, MethodHandles.lookup());
            CONF = node.findVarHandle(NodeImpl.class, "conf", ConfigurationEntry.class);
            FSM_CALLER = node.findVarHandle(NodeImpl.class, "fsmCaller", FSMCaller.class);
            BALLOT_BOX = node.findVarHandle(NodeImpl.class, "ballotBox", BallotBox.class);
            REPLICATORS = node.findVarHandle(NodeImpl.class, "replicatorGroup", ReplicatorGroup.class);
            LOG_MANAGER = node.findVarHandle(NodeImpl.class, "logManager", LogManager.class);
            LOGS_IN_MEMORY = MethodHandles.privateLookupIn(LogManagerImpl.class, MethodHandles.lookup())
                    .findVarHandle(LogManagerImpl.class, "logsInMemory", SegmentList.class);
            LAST_LEADER_MS = node.findVarHandle(NodeImpl.class, "lastLeaderTimestamp", long.class);
            LEADER = node.findVarHandle(NodeImpl.class, "leaderId", PeerId.class);
            TERM = node.findVarHandle(NodeImpl.class, "currTerm", long.class);
            ANSWERED_MS = MethodHandles.privateLookupIn(Replicator.class, MethodHandles.lookup())
                    .findVarHandle(Replicator.class, "lastRpcSendTimestamp", long.class);
            HAS_SUCCEEDED = MethodHandles.privateLookupIn(Replicator.class, MethodHandles.lookup())
                    .findVarHandle(Replicator.class, "hasSucceeded", boolean.class);
            TRANSFER_TIMED_OUT = node.findVirtual(
                    NodeImpl.class,
                    "handleTransferTimeout",
                    MethodType.methodType(void.class, long.class, PeerId.class));
            WRITE_LOCK = node.findVarHandle(NodeImpl.class, "writeLock", Lock.class);
            ELECTION_TIMER = node.findVarHandle(NodeImpl.class, "electionTimer", RepeatedTimer.class);
            READ_ONLY_SERVICE = node.findVarHandle(NodeImpl.class, "readOnlyService", ReadOnlyService.class);
            MethodHandles.Lookup reads =
                    MethodHandles.privateLookupIn(ReadOnlyServiceImpl.class, MethodHandles.lookup());
            POOLS = List.of(
                    pool(RpcUtils.class, "RPC_CLOSURE_EXECUTOR"),
                    pool(
                            Class.forName(ThreadPoolsFactory.class.getName() + "$InternalClosureExecutorHolder"),
                            "INSTANCE"),
                    pool(Class.forName(ThreadPoolsFactory.class.getName() + "$GlobalThreadPoolHolder"), "INSTANCE"));
            READ_SCANNER = reads.findVarHandle(
                    ReadOnlyServiceImpl.class, "scheduledExecutorService", ScheduledExecutorService.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private NodeInternals() {}

    private static ThreadPoolExecutor pool(Class<?> owner, String field) throws ReflectiveOperationException {
        return (ThreadPoolExecutor) MethodHandles.privateLookupIn(owner, MethodHandles.lookup())
                .findStaticVarHandle(owner, field, ThreadPoolExecutor.class)
                .get();
    }

    /**
     * JRaft's process-wide pools refuse what comes when a hundred threads are busy, and a refused heartbeat is never sent again.
     * With many groups that is a matter of time: here they stay small, and what they can't take goes to ours.
     */
    static void tamePools(ThreadPoolExecutor overflow) {
        for (ThreadPoolExecutor pool : POOLS) {
            pool.setRejectedExecutionHandler((task, full) -> overflow.execute(task));
            pool.setMaximumPoolSize(Math.max(pool.getCorePoolSize(), POOL_THREADS));
        }
    }

    /**
     * The membership in force, replaced as a whole when an entry that changes it is appended. Nobody can have received such an
     * entry before this store's processors see the new value, so whoever reads the old one reads it in time.
     */
    static ConfigurationEntry conf(NodeImpl node) {
        return (ConfigurationEntry) CONF.getAcquire(node);
    }

    static FSMCaller fsmCaller(NodeImpl node) {
        return (FSMCaller) FSM_CALLER.getAcquire(node);
    }

    /**
     * How far a leader has committed. The node's own answer is how far its state machine has been told, which may be later than when
     * followers learn it; this is what they are told.
     */
    static long leaderCommitted(NodeImpl node) {
        return ((BallotBox) BALLOT_BOX.getAcquire(node)).getLastCommittedIndex();
    }

    /**
     * Sends a peer one heartbeat beside the regular ones, so that it hears at once how far is committed. Nothing happens if this
     * replica doesn't lead.
     */
    static void tellCommitted(NodeImpl node, PeerId peer) {
        ((ReplicatorGroup) REPLICATORS.getAcquire(node))
                .sendHeartbeat(peer, new RpcResponseClosureAdapter<AppendEntriesResponse>() {
                    @Override
                    public void run(Status status) {
                        // If it is lost, the next regular one does its work.
                    }
                });
    }

    /** The first entry that is still there; one more than the last if none is. */
    static long firstLogIndex(NodeImpl node) {
        return ((LogManager) LOG_MANAGER.getAcquire(node)).getFirstLogIndex();
    }

    /** Bytes of entries that the node holds because they are not applied, or not on disk, yet; read without its lock, so of about now. */
    static long logBytesInMemory(NodeImpl node) {
        LogManager logs = (LogManager) LOG_MANAGER.getAcquire(node);
        return logs instanceof LogManagerImpl ours ? ((SegmentList<?>) LOGS_IN_MEMORY.get(ours)).estimatedBytes() : 0;
    }

    /** The last entry that the node has, on disk or on its way there. */
    static LogId lastLogId(NodeImpl node) {
        return ((LogManager) LOG_MANAGER.getAcquire(node)).getLastLogId(false);
    }

    /**
     * Lets a node that has stopped leading stand for election again. When a leader looks whether it has lost its majority, a
     * membership with nobody else in it sets the time of the last sign of a leader to the end of all times. While a group of one
     * grows, that is the old membership, looked at after the node has stepped down for the new one: it would take the leader that it
     * was for alive for ever. Waits for the node's lock, which that look holds from beginning to end.
     */
    static void resumeElections(NodeImpl node) {
        Lock lock = (Lock) WRITE_LOCK.get(node);
        lock.lock();
        try {
            long now = Utils.monotonicMs();
            if (node.getNodeState() == State.STATE_FOLLOWER && (long) LAST_LEADER_MS.getVolatile(node) > now) {
                LAST_LEADER_MS.setVolatile(node, now);
            }
        } finally {
            lock.unlock();
        }
    }

    /** What became of a heartbeat that says nothing new. */
    enum Heard {
        /** The leader is heard; the promise that goes with it has begun. */
        YES,
        /** The node is at something else at this moment. */
        BUSY,
        /** It doesn't follow that leader in that term. */
        NO
    }

    /**
     * A heartbeat that says what the one before said, as the node itself takes it: under its lock, so that it stands for no election in
     * between. Waits for nothing.
     *
     * @param promise made under the lock if the leader is the one that this node follows; false if it can't be at this moment
     */
    static Heard hearLeader(NodeImpl node, PeerId from, long term, BooleanSupplier promise) {
        Lock lock = (Lock) WRITE_LOCK.get(node);
        if (!lock.tryLock()) {
            return Heard.BUSY;
        }
        try {
            if (node.getNodeState() != State.STATE_FOLLOWER
                    || (long) TERM.get(node) != term
                    || !from.equals((PeerId) LEADER.get(node))) {
                return Heard.NO;
            }
            if (!promise.getAsBoolean()) {
                return Heard.BUSY;
            }
            LAST_LEADER_MS.setVolatile(node, Utils.monotonicMs());
            return Heard.YES;
        } finally {
            lock.unlock();
        }
    }

    /**
     * What was sent to a member at that time has been answered, past the node: a leader that hears nothing from a majority steps down.
     *
     * @param sentMs by {@link Utils#monotonicMs}
     */
    static void noteAnswered(NodeImpl node, PeerId peer, long sentMs) {
        if (REPLICATORS.getAcquire(node) instanceof ReplicatorGroupImpl group) {
            ThreadId replicator = group.getReplicator(peer);
            if (replicator != null
                    && replicator.getData() instanceof Replicator answered
                    && (long) ANSWERED_MS.getVolatile(answered) < sentMs) {
                ANSWERED_MS.setVolatile(answered, sentMs);
            }
        }
    }

    /**
     * Up to where a member is known to have the same log as this leader; -1 if that is not known. Read without the replicator's lock, so of
     * about now.
     */
    static long matchedIndex(NodeImpl node, PeerId peer) {
        if (REPLICATORS.getAcquire(node) instanceof ReplicatorGroupImpl group) {
            ThreadId replicator = group.getReplicator(peer);
            if (replicator != null
                    && replicator.getData() instanceof Replicator member
                    && (boolean) HAS_SUCCEEDED.getVolatile(member)) {
                return Replicator.getNextIndexUnsafe(replicator) - 1;
            }
        }
        return -1;
    }

    /**
     * Has a follower look every so often whether its leader is silent, from now on, whether or not it did before. Takes the node's lock.
     *
     * @param timeoutMs as JRaft knows it; {@link ElectionTimers} looks more often
     */
    static void lookForLeader(NodeImpl node, int timeoutMs) {
        Lock lock = (Lock) WRITE_LOCK.get(node);
        lock.lock();
        try {
            RepeatedTimer timer = (RepeatedTimer) ELECTION_TIMER.get(node);
            if (node.getNodeState().compareTo(State.STATE_FOLLOWER) <= 0 && timer.getTimeoutMs() != timeoutMs) {
                timer.reset(timeoutMs);
            }
            if (node.getNodeState() == State.STATE_FOLLOWER) {
                timer.start();
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Ends a transfer of leadership before its time is over: the node leads on in the same term. Nothing happens if it doesn't lead in
     * that term any more. Takes the node's lock.
     */
    static void endTransfer(NodeImpl node, long term, PeerId to) {
        try {
            TRANSFER_TIMED_OUT.invokeExact(node, term, to);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("JRaft can't end a transfer", e);
        }
    }

    /** Ends the scanner of a service that nobody asks: reads go through {@link ReadRounds}. */
    static void stopReadScanner(NodeImpl node) {
        Object service = READ_ONLY_SERVICE.getAcquire(node);
        if (service instanceof ReadOnlyServiceImpl reads) {
            ((ScheduledExecutorService) READ_SCANNER.getAcquire(reads)).shutdownNow();
        }
    }
}
