package io.rutile.raft.transport;

import com.google.protobuf.Message;
import io.rutile.raft.wire.CoalescedHeartbeat;
import io.rutile.raft.wire.CoalescedHeartbeatAnswer;
import org.jspecify.annotations.Nullable;

/** Takes what other stores ask. Called on one thread at a time per sending store, in the order of sending; must not block. */
public interface InboundCalls {

    /** Gives one answer back; safe from any thread, at most once. */
    @FunctionalInterface
    interface Reply {
        void send(Message response);
    }

    /**
     * @param handover the sender asks for a vote because the leader itself told it to
     * @throws RuntimeException if the message makes no sense; the call is dropped
     */
    void onCall(long fromStore, long groupId, Message request, boolean handover, Reply reply);

    /**
     * A heartbeat for many groups. On the thread of its connection: nothing in it waits.
     *
     * @return null if this store says nothing
     * @throws IllegalArgumentException if it makes no sense
     */
    @Nullable CoalescedHeartbeatAnswer onHeartbeat(long fromStore, CoalescedHeartbeat heartbeat);
}
