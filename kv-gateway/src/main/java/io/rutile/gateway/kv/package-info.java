/**
 * The front door that every edge of the gateway calls, raw ({@link io.rutile.gateway.kv.KvOperations}) and transactional ({@link
 * io.rutile.gateway.kv.TxnSessions}, {@link io.rutile.gateway.kv.AtomicCalls}), and what it stands on: a connection to the cluster
 * that opens in the background, the limits on what may be in flight or open, and what each failure
 * means to a caller ({@link io.rutile.gateway.kv.Failures}).
 *
 * <p>Rule: no Spring, no HTTP, no gRPC. Nothing here blocks: answers are futures, completed by the client's threads. {@link
 * io.rutile.gateway.kv.ClusterConnection} owns a thread until it is connected, {@code TxnSessions} one that rolls back what expires.
 */
@NullMarked
package io.rutile.gateway.kv;

import org.jspecify.annotations.NullMarked;
