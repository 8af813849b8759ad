/**
 * The door: PD's gRPC services, one line an RPC, and what guards the port.
 *
 * <p>Rule: {@link io.rutile.pd.rpc.PdService} only forwards; a class for each group of commands holds what they do; {@link
 * io.rutile.pd.rpc.PdCalls} alone knows the checks in front of them and how an outcome becomes a header error or a status.
 * Nothing here blocks.
 *
 * <p>Threads: a bounded gRPC pool; answers that wait for the log are completed on the log's threads.
 */
@NullMarked
package io.rutile.pd.rpc;

import org.jspecify.annotations.NullMarked;
