/**
 * The Region replicas of this store: a command is proposed here, comes back committed, and is applied here.
 *
 * <p>Rule: knows Raft ({@code io.rutile.raft}) and the engine seam ({@code io.rutile.storage.engine}); knows nothing of gRPC, of
 * the Placement Driver, or of what a key means. Whoever above wants to hear about a Region implements {@link
 * io.rutile.node.raftstore.RegionObserver}. Every change of a Region goes decide → {@link
 * io.rutile.node.raftstore.RaftCommand} → Raft → {@link io.rutile.node.raftstore.ApplyStateMachine}; nothing else writes the
 * engine but the birth and the death of a replica, in {@link io.rutile.node.raftstore.RaftStore}.
 *
 * <p>Threads: proposals and reads come from any thread; apply and leadership news of one Region arrive one at a time on the
 * raft room's pool; slow work (membership changes, destruction) runs on the store's own small pool.
 */
@NullMarked
package io.rutile.node.raftstore;

import org.jspecify.annotations.NullMarked;
