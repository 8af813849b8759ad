package io.rutile.raft.transport;

import com.google.protobuf.Message;

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
}
