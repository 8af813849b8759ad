/**
 * The one front door that every edge of the gateway calls, and what it stands on: a connection to the cluster that opens in the
 * background, and the limits on what may be in flight.
 *
 * <p>Rule: no Spring, no HTTP. Nothing here blocks: answers are futures, completed by the client's threads. Only {@link
 * io.rutile.gateway.kv.ClusterConnection} owns a thread, and only until it is connected.
 */
@NullMarked
package io.rutile.gateway.kv;

import org.jspecify.annotations.NullMarked;
