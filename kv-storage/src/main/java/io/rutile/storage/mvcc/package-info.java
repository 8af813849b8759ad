/**
 * Versions, locks and their records: the state that Percolator works on.
 *
 * <p>Rule: {@link io.rutile.storage.mvcc.MvccReader} reads a snapshot, {@link io.rutile.storage.mvcc.MvccTxn} collects changes and
 * writes nothing; neither knows which RPC asks. Timestamps are unsigned and only compared by {@link io.rutile.storage.mvcc.Ts}.
 * One thread at a time: that of the command or read they belong to.
 */
@NullMarked
package io.rutile.storage.mvcc;

import org.jspecify.annotations.NullMarked;
