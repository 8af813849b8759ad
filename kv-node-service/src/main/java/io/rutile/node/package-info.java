/**
 * A KV node: {@link io.rutile.node.KvNode} assembles it without Spring, {@link io.rutile.node.KvNodeApplication} wraps it as a
 * service with configuration, health and metrics.
 *
 * <p>Rule: this package only wires. Rooms below it: {@code rpc} and {@code placement} are doors and don't know each other;
 * {@code raftstore} lies under both.
 *
 * <p>Threads: starting and stopping happen on one thread and block it.
 */
@NullMarked
package io.rutile.node;

import org.jspecify.annotations.NullMarked;
