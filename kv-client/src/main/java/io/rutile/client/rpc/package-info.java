/**
 * One RPC to one address: channels, single attempts, delays between attempts. The lowest room of the client.
 *
 * <p>Rule: knows neither PD nor Regions, and repeats nothing: who calls decides whether to try again.
 *
 * <p>Threads: responses come on gRPC's executor, delayed work on the client's one timer thread; neither may be blocked.
 */
@NullMarked
package io.rutile.client.rpc;

import org.jspecify.annotations.NullMarked;
