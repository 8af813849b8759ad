/**
 * Finds circles of transactions that wait for each other, over the whole cluster: the store that leads the first Region keeps the
 * one graph, every other store has a stream to it. Best effort throughout: what gets lost costs a lock wait's time-out, never
 * correctness. Threads: {@code deadlocks} owns this store's edges and its way to the graph; gRPC's threads serve the streams of the
 * others; the graph is guarded by its own lock.
 */
@NullMarked
package io.rutile.node.deadlock;

import org.jspecify.annotations.NullMarked;
