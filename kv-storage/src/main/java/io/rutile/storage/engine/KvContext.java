package io.rutile.storage.engine;

import io.rutile.protocol.kvrpcpb.Context;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What travels with a request through every room.
 *
 * @param request which Region, which epoch, which peer, as the client sent it
 * @param deadlineNanos {@link System#nanoTime()} after which nobody waits for the answer
 * @param decidedInTerm term of the snapshot that a write was decided on, or 0 for a blind write
 * @param replayable false if applying the write twice differs from applying it once (compare-and-swap): an outcome that is
 *     unknown must then be said to be unknown and not be invited to be retried
 * @param choosesCommitTs true if what is read decides a commit timestamp: a leader that may not choose one yet had better hold the
 *     request for a moment (P4)
 * @param replicaRead if any replica may serve it: how, and what its leader must be told; null if only the leader may
 * @param times where it spends its time; the same object however the context changes on its way
 */
public record KvContext(
        Context request,
        long deadlineNanos,
        long decidedInTerm,
        boolean replayable,
        boolean choosesCommitTs,
        @Nullable ReplicaRead replicaRead,
        RequestTimes times) {

    public static KvContext of(Context request, long deadlineNanos) {
        return of(request, deadlineNanos, new RequestTimes());
    }

    /** @param times of a request that somebody follows */
    public static KvContext of(Context request, long deadlineNanos, RequestTimes times) {
        return new KvContext(request, deadlineNanos, 0, true, false, null, times);
    }

    public KvContext decidedOn(KvSnapshot snapshot) {
        return new KvContext(request, deadlineNanos, snapshot.term(), replayable, choosesCommitTs, null, times);
    }

    public KvContext notReplayable() {
        return new KvContext(request, deadlineNanos, decidedInTerm, false, choosesCommitTs, null, times);
    }

    public KvContext choosingCommitTs() {
        return new KvContext(request, deadlineNanos, decidedInTerm, replayable, true, null, times);
    }

    /**
     * For what only reads: another replica than the leader may serve it, if the request asks for that. If it asks for a stale read of what
     * has versions, every replica, the leader too, serves it as one or refuses.
     */
    public KvContext reading(Supplier<ReplicaRead> what) {
        if (!request.getReplicaRead() && !request.getStaleRead()) {
            return this;
        }
        ReplicaRead read = what.get();
        if (request.getStaleRead() && !read.equals(ReplicaRead.RAW)) {
            read = ReplicaRead.staleAt(read.version());
        } else if (!request.getReplicaRead()) {
            return this;
        }
        return new KvContext(request, deadlineNanos, 0, true, false, read, times);
    }

    public boolean isExpired() {
        return System.nanoTime() - deadlineNanos > 0;
    }
}
