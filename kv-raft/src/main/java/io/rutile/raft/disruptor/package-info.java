/**
 * JRaft's event rings without a thread for each: a ring's consumer is a task on a pool that all groups share, there only while
 * there is something to do.
 *
 * <p>Rule: this room knows rings and pools, not Raft. It takes effect through a class of ours with the name of JRaft's {@code
 * DisruptorBuilder}, the one trick of this house: docs/decisions/0002-pooled-disruptors.md.
 *
 * <p>Threads: one pool for each kind of ring, so that none can starve another. They belong to the process.
 */
@NullMarked
package io.rutile.raft.disruptor;

import org.jspecify.annotations.NullMarked;
