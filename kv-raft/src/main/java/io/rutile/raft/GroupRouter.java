package io.rutile.raft;

import com.alipay.sofa.jraft.core.NodeImpl;
import com.alipay.sofa.jraft.error.RaftError;
import com.alipay.sofa.jraft.rpc.Connection;
import com.alipay.sofa.jraft.rpc.RpcContext;
import com.alipay.sofa.jraft.rpc.RpcRequestClosure;
import com.alipay.sofa.jraft.rpc.RpcRequests.AppendEntriesRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.AppendEntriesResponse;
import com.alipay.sofa.jraft.rpc.RpcRequests.ErrorResponse;
import com.alipay.sofa.jraft.rpc.RpcRequests.InstallSnapshotRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.InstallSnapshotResponse;
import com.alipay.sofa.jraft.rpc.RpcRequests.ReadIndexRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.RequestVoteRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.RequestVoteResponse;
import com.alipay.sofa.jraft.rpc.RpcRequests.TimeoutNowRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.TimeoutNowResponse;
import com.google.protobuf.Message;
import io.rutile.raft.transport.InboundCalls;
import io.rutile.raft.wire.CoalescedHeartbeat;
import io.rutile.raft.wire.CoalescedHeartbeatAnswer;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hands what other stores ask to the replica that it is addressed to: that very incarnation (R3), in order for entries, apart for
 * images. What is addressed to a replica that does not run here is told to its owner; votes are not, for who votes has a log. If the
 * owner knows that the group has ended, the sender is told.
 */
final class GroupRouter implements InboundCalls {

    private static final Logger LOG = LoggerFactory.getLogger(GroupRouter.class);

    private final long storeId;
    private final Map<Long, JRaftAdapter<?>> groups;
    private final UnknownReplicas unknown;
    private final Pools pools;
    private final RaftMetrics metrics;
    private final RaftMemory memory;
    private final BooleanSupplier mute;
    private final BooleanSupplier draining;
    private final Set<Long> asking = ConcurrentHashMap.newKeySet();

    /**
     * @param mute true once the log's disk has failed: what is not on disk must not leave the process (R8)
     * @param draining true once no replica may take over from a leader any more
     */
    GroupRouter(
            long storeId,
            Map<Long, JRaftAdapter<?>> groups,
            UnknownReplicas unknown,
            Pools pools,
            RaftMetrics metrics,
            RaftMemory memory,
            BooleanSupplier mute,
            BooleanSupplier draining) {
        this.storeId = storeId;
        this.groups = groups;
        this.unknown = unknown;
        this.pools = pools;
        this.metrics = metrics;
        this.memory = memory;
        this.mute = mute;
        this.draining = draining;
    }

    @Override
    public void onCall(long fromStore, long groupId, Message request, boolean handover, Reply reply) {
        if (mute.getAsBoolean()) {
            return;
        }
        Reply unlessMute = response -> {
            if (!mute.getAsBoolean()) {
                reply.send(response);
            }
        };
        if (request instanceof AppendEntriesRequest entries) {
            JRaftAdapter<?> group =
                    addressed(fromStore, groupId, entries.getPeerId(), entries.getServerId(), true, unlessMute);
            if (group != null) {
                receive(group, entries, unlessMute);
            }
        } else if (request instanceof RequestVoteRequest asks) {
            JRaftAdapter<?> group =
                    addressed(fromStore, groupId, asks.getPeerId(), asks.getServerId(), false, unlessMute);
            if (group != null) {
                // Behind the entries that came before it: what they answer decides about the vote.
                handle(group, unlessMute, () -> vote(group, asks, handover, unlessMute));
            }
        } else if (request instanceof TimeoutNowRequest now) {
            JRaftAdapter<?> group =
                    addressed(fromStore, groupId, now.getPeerId(), now.getServerId(), false, unlessMute);
            if (group != null && draining.getAsBoolean()) {
                unlessMute.send(error(RaftError.EBUSY, "this store is about to stop"));
            } else if (group != null) {
                handle(group, unlessMute, () -> standForElection(group, now, unlessMute));
            }
        } else if (request instanceof ReadIndexRequest asks) {
            JRaftAdapter<?> group =
                    addressed(fromStore, groupId, asks.getPeerId(), asks.getServerId(), false, unlessMute);
            if (group != null) {
                handle(group, unlessMute, () -> group.answerReadIndex(asks, unlessMute::send));
            }
        } else if (request instanceof InstallSnapshotRequest image) {
            JRaftAdapter<?> group =
                    addressed(fromStore, groupId, image.getPeerId(), image.getServerId(), true, unlessMute);
            if (group != null) {
                install(group, image, unlessMute);
            }
        } else {
            throw new IllegalArgumentException("not a request");
        }
    }

    @Override
    public @Nullable CoalescedHeartbeatAnswer onHeartbeat(long fromStore, CoalescedHeartbeat heartbeat) {
        if (mute.getAsBoolean()) {
            return null;
        }
        int count = heartbeat.getGroupsCount();
        if (heartbeat.getFromPeersCount() != count
                || heartbeat.getToPeersCount() != count
                || heartbeat.getTermsCount() != count) {
            throw new IllegalArgumentException("lists of different lengths");
        }
        CoalescedHeartbeatAnswer.Builder answer = CoalescedHeartbeatAnswer.newBuilder();
        for (int i = 0; i < count; i++) {
            JRaftAdapter<?> group = groups.get(heartbeat.getGroups(i));
            NodeInternals.Heard heard = group == null || group.self().peerId() != heartbeat.getToPeers(i)
                    ? NodeInternals.Heard.NO
                    : group.hear(fromStore, heartbeat.getFromPeers(i), heartbeat.getTerms(i));
            switch (heard) {
                case BUSY -> answer.addBusy(i);
                case NO -> answer.addRefused(i);
                case YES -> {}
            }
        }
        // The disk may have failed meanwhile; the promise then binds nobody else.
        return mute.getAsBoolean() ? null : answer.build();
    }

    /** Entries count until the group has looked at them: a follower that is slow must not have a leader's whole log in memory. */
    private void receive(JRaftAdapter<?> group, AppendEntriesRequest request, Reply reply) {
        int bytes = request.getData().size();
        if (bytes == 0) {
            group.inbound().executeHere(handling(group, reply, () -> append(group, request, reply)));
        } else if (!memory.takesEntries(group.logBytesInMemory()) || !memory.inbound.take(bytes)) {
            metrics.refusedEntries.increment();
            reply.send(error(RaftError.EBUSY, "this store has too many entries in memory"));
        } else {
            // What has come in one frame is taken one after the other, without waking anybody: entries are only handed
            // to the log here.
            group.inbound().executeHere(() -> {
                try {
                    unlessStopping(group, reply, () -> {
                        append(group, request, reply);
                        group.settleElections();
                    });
                } finally {
                    memory.inbound.giveBack(bytes);
                }
            });
        }
    }

    /** What may write to the disk, a vote above all, keeps no other group's messages waiting. */
    private static void handle(JRaftAdapter<?> group, Reply reply, Runnable handling) {
        group.inbound().execute(handling(group, reply, handling));
    }

    private static Runnable handling(JRaftAdapter<?> group, Reply reply, Runnable handling) {
        return () -> unlessStopping(group, reply, () -> {
            handling.run();
            group.settleElections();
        });
    }

    /** A node that is taken apart in the middle of a message throws; to the sender it is one that is no longer here. */
    private static void unlessStopping(JRaftAdapter<?> group, Reply reply, Runnable handling) {
        try {
            if (!group.isStopping()) {
                handling.run();
                return;
            }
        } catch (RuntimeException e) {
            if (!group.isStopping()) {
                throw e;
            }
            LOG.debug("message met its end group={} replica={} cause={}", group.groupId(), group.self(), e.toString());
        }
        reply.send(error(RaftError.ENOENT, "this replica is being stopped"));
    }

    private @Nullable JRaftAdapter<?> addressed(
            long fromStore, long groupId, String toText, String fromText, boolean tellOwner, Reply reply) {
        Replica to = PeerIds.parse(toText);
        Replica from = PeerIds.parse(fromText);
        if (to.storeId() != storeId || from.storeId() != fromStore) {
            throw new IllegalArgumentException("addressed to another store, or in the name of one");
        }
        JRaftAdapter<?> group = groups.get(groupId);
        if (group != null && group.self().equals(to)) {
            if (group.isStarted()) {
                return group;
            }
            reply.send(error(RaftError.ENOENT, "this replica is just starting"));
            return null;
        }
        metrics.unknownReplicas.increment();
        // Addressed to an older incarnation than the one that runs: its sender has yet to learn that it is gone.
        boolean stale = group != null && group.self().peerId() > to.peerId();
        boolean news = tellOwner && !stale;
        if ((group != null && !news) || !ask(groupId, to, from, news, reply)) {
            reply.send(error(RaftError.ENOENT, "no such replica here"));
        }
        return null;
    }

    /** @return true if an answer is on its way; one question a group at a time */
    private boolean ask(long groupId, Replica self, Replica from, boolean tellOwner, Reply reply) {
        if (!asking.add(groupId)) {
            return false;
        }
        try {
            pools.work().execute(() -> {
                try {
                    boolean dissolved = unknown.isDissolved(groupId);
                    reply.send(dissolved ? Dissolved.answer(groupId) : error(RaftError.ENOENT, "no such replica here"));
                    if (tellOwner && !dissolved) {
                        unknown.onMessage(groupId, self, from);
                    }
                } catch (RuntimeException e) {
                    LOG.warn("unknown replica not handled group={} replica={}", groupId, self, e);
                } finally {
                    asking.remove(groupId);
                }
            });
            return true;
        } catch (RejectedExecutionException e) {
            asking.remove(groupId);
            return false;
        }
    }

    private static void append(JRaftAdapter<?> group, AppendEntriesRequest request, Reply reply) {
        NodeImpl node = group.node();
        // Not the request: its entries would stay in memory twice until they are on disk.
        long term = request.getTerm();
        if (term >= group.term()) {
            // R7: before the node sees it, so that it can't stand for election between its answer and the promise.
            group.gate().heardLeader();
        }
        RpcRequestClosure done = closure(AppendEntriesResponse.getDefaultInstance(), response -> {
            if (response instanceof AppendEntriesResponse said && said.getTerm() == term) {
                // The leader will count on this answer: the promise that goes with it begins before it leaves.
                group.gate().heardLeader();
            }
            reply.send(response);
        });
        Message response = node.handleAppendEntriesRequest(request, done);
        if (response != null) {
            done.sendResponse(response);
        }
    }

    private void vote(JRaftAdapter<?> group, RequestVoteRequest request, boolean handover, Reply reply) {
        VoteGate gate = group.gate();
        // A leader owes nobody a promise; what it is asked makes it step down, or not.
        boolean mayDecide = gate.mayDecide(handover || group.isLeader());
        if (!mayDecide) {
            metrics.votesWithheld.increment();
            reply.send(RequestVoteResponse.newBuilder()
                    .setTerm(Math.min(group.term(), request.getTerm()))
                    .setGranted(false)
                    .build());
            return;
        }
        Message response;
        try {
            response =
                    request.getPreVote() ? group.preVote(request) : group.node().handleRequestVoteRequest(request);
        } finally {
            gate.voteDecided();
        }
        reply.send(response);
    }

    private static void standForElection(JRaftAdapter<?> group, TimeoutNowRequest request, Reply reply) {
        group.handoverFrom(request.getTerm());
        RpcRequestClosure done = closure(TimeoutNowResponse.getDefaultInstance(), reply);
        Message response = group.node().handleTimeoutNowRequest(request, done);
        if (response != null) {
            done.sendResponse(response);
        }
    }

    /** Occupies a thread of the pool for images until the image is in: JRaft waits for it in its handler. */
    private void install(JRaftAdapter<?> group, InstallSnapshotRequest request, Reply reply) {
        try {
            pools.imagesIn()
                    .execute(() -> unlessStopping(group, reply, () -> {
                        RpcRequestClosure done = closure(InstallSnapshotResponse.getDefaultInstance(), reply);
                        Message response = group.node().handleInstallSnapshot(request, done);
                        if (response != null) {
                            done.sendResponse(response);
                        }
                        group.inbound().execute(group::settleElections);
                    }));
        } catch (RejectedExecutionException e) {
            reply.send(error(RaftError.EBUSY, "enough images are on their way to this store"));
        }
    }

    private static ErrorResponse error(RaftError error, String message) {
        return ErrorResponse.newBuilder()
                .setErrorCode(error.getNumber())
                .setErrorMsg(message)
                .build();
    }

    static RpcRequestClosure closure(Message type, Reply reply) {
        return new RpcRequestClosure(
                new RpcContext() {
                    @Override
                    public void sendResponse(Object response) {
                        reply.send((Message) response);
                    }

                    @Override
                    public @Nullable Connection getConnection() {
                        return null;
                    }

                    @Override
                    public String getRemoteAddress() {
                        return "";
                    }
                },
                type);
    }
}
