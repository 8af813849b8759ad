package io.rutile.raft.transport;

import com.google.protobuf.Message;
import org.jspecify.annotations.Nullable;

/**
 * One question to another store.
 *
 * @param patient may wait {@link FrameSender#LINGER_MS} for others to travel with, and so may its answer
 * @param executor where the answer is handed over
 */
public record OutboundCall(
        long toStore,
        long groupId,
        Message request,
        boolean handover,
        boolean patient,
        long timeoutMs,
        Answers executor,
        Answer answer) {

    /** Takes the answer, or why there is none; called exactly once. */
    @FunctionalInterface
    public interface Answer {
        void complete(@Nullable Message response, @Nullable Throwable failure);
    }
}
