package io.rutile.raft;

import java.net.InetSocketAddress;
import java.util.Collection;

/**
 * The Raft part of one process: the port, the log, the threads that its groups share.
 *
 * <p>{@link #start} opens disk and port, {@link #close} stops every group and then both. Groups are started and stopped in
 * between, from any thread.
 */
public final class RaftServer implements AutoCloseable {

    public RaftServer(RaftOptions options, StoreAddresses addresses, UnknownReplicas unknown) {}

    /**
     * Opens the log and the port.
     *
     * @throws RaftException {@code DISK} or {@code INVALID} with one clear sentence: port in use, data of another cluster or store
     */
    public void start() {
        throw new UnsupportedOperationException("not built yet");
    }

    /** Where it listens, after {@link #start}. */
    public InetSocketAddress listenAddress() {
        throw new UnsupportedOperationException("not built yet");
    }

    /**
     * Writes the beginning of a group's log on this store, before {@link #startGroup}: a first membership, and a log that begins
     * behind {@code index}, so that no replica can ever replay it from nothing (R2): whoever joins needs an image. Durable on
     * return; a second call for the same group changes nothing.
     *
     * @param index at least 1; the state machine's applied index at this moment
     */
    public void bootstrapGroup(long groupId, Replica self, Replicas first, long index) {
        throw new UnsupportedOperationException("not built yet");
    }

    /**
     * Starts a replica: from its own log and vote if it has them, else from what {@link #bootstrapGroup} wrote, else empty: a
     * replica that grants votes and waits for a leader's image.
     */
    public <R> RaftGroup<R> startGroup(long groupId, Replica self, ReplicatedStateMachine<R> stateMachine) {
        throw new UnsupportedOperationException("not built yet");
    }

    /** Stops a replica and waits until nothing of it runs. Its log stays. */
    public void stopGroup(long groupId) {
        throw new UnsupportedOperationException("not built yet");
    }

    /** Stops a replica and deletes its log, vote and images. The caller has written its tombstone before (R5). */
    public void destroyGroup(long groupId) {
        throw new UnsupportedOperationException("not built yet");
    }

    /** Groups that run here. */
    public Collection<RaftGroup<?>> groups() {
        throw new UnsupportedOperationException("not built yet");
    }

    @Override
    public void close() {
        throw new UnsupportedOperationException("not built yet");
    }
}
