/**
 * The link to the Placement Driver: how this store joins a cluster, what it reports, and how PD's orders reach the raftstore.
 *
 * <p>Rule: reports what is, decides nothing. PD may be away: what is known goes on being served (D3), and everything here tries
 * again by itself.
 *
 * <p>Threads: one thread of its own for heartbeats and periodic questions; PD's answers and orders come on gRPC's threads and are
 * handed over.
 */
@NullMarked
package io.rutile.node.placement;

import org.jspecify.annotations.NullMarked;
