/**
 * The gRPC edge: the gateway's own small API, for applications that have neither a TiKV client nor want HTTP. Messages in, one call of
 * {@code kv}, messages out.
 *
 * <p>Rule: no Spring, and no thread waits here. {@link io.rutile.gateway.grpc.CallGuards} lets calls in and knows what each holds, {@link
 * io.rutile.gateway.grpc.MessageStream} writes what a client may read slowly, {@link io.rutile.gateway.grpc.RpcErrors} is the only place
 * that makes a status from a failure, in the words of {@link io.rutile.gateway.kv.Failures}. Keys and values appear in no log and in no
 * metric (E3).
 *
 * <p>Threads: {@code gateway-grpc} runs the beginning of calls, {@code gateway-grpc-io} moves bytes, {@code gateway-grpc-sweep} ends calls
 * whose clients have stopped; futures are completed by the client's threads, which send the answer.
 */
@NullMarked
package io.rutile.gateway.grpc;

import org.jspecify.annotations.NullMarked;
