/**
 * Garbage collection without anybody to ask for it: the leader moves the safe points by itself.
 *
 * <p>Rule (P7): the transaction safe point first, so that nobody begins or reads before it; then every lock up to it is
 * resolved, over all keys without a hole; only then, and after every client has had time to hear of it, the GC safe point.
 * Whatever fails leaves the GC safe point where it is, and the next round begins anew. {@link io.rutile.pd.gc.GcAdvancer}
 * sequences, {@link io.rutile.pd.gc.LockSweep} walks over the Regions, {@code TxnFates} decides as a client would, {@code
 * RegionCalls} finds a Region's leader by PD's own view.
 *
 * <p>Threads: one, {@code pd-gc}, for as long as a term lasts. It may wait for stores and for the log; nobody waits for it.
 */
@NullMarked
package io.rutile.pd.gc;

import org.jspecify.annotations.NullMarked;
