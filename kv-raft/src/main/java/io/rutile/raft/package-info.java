/**
 * A replicated log for many groups of one process: one disk, one port, one set of threads.
 *
 * <p>Rule: nothing of SOFAJRaft is visible outside this package, and no other package of Rutile imports it. What a caller
 * sees is a group to propose to ({@link io.rutile.raft.RaftGroup}) and a state machine to implement ({@link
 * io.rutile.raft.ReplicatedStateMachine}).
 *
 * <p>Threads: futures complete on this room's pools. Whatever hangs on them only hands over.
 */
@NullMarked
package io.rutile.raft;

import org.jspecify.annotations.NullMarked;
