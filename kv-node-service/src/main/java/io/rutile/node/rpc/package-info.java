/**
 * The door: TiKV's gRPC service, one unary call or one stream of batched commands at a time.
 *
 * <p>Rule: a request is checked for its cluster, given a deadline, handed to {@link io.rutile.storage.Storage}, and its outcome
 * is put into the protocol's words by {@link io.rutile.node.rpc.RpcErrors} alone. Nothing here knows Raft or Regions. Whatever
 * bytes arrive end in a typed answer or a closed connection (E1).
 *
 * <p>Threads: Netty's few threads read and write frames; handlers run on the door's own bounded pool and never block; answers
 * leave on whichever thread completed them, those of a stream through its drain.
 */
@NullMarked
package io.rutile.node.rpc;

import org.jspecify.annotations.NullMarked;
