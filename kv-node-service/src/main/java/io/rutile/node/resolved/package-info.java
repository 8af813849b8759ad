/**
 * Keeps stale reads possible (P8): once a second finds out, for every Region that this store leads, up to which timestamp nothing will be
 * committed any more, and tells the stores that have its other replicas.
 *
 * <p>Threads: {@code resolved-ts} makes the rounds and waits for the oracle; answers of other stores come on gRPC's threads.
 */
@NullMarked
package io.rutile.node.resolved;

import org.jspecify.annotations.NullMarked;
