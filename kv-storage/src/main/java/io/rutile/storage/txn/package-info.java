/**
 * Percolator: one RPC, one small command. Each takes the protocol's request and makes the protocol's response, so that what the
 * conformance cases say is tested on what travels.
 *
 * <p>Rule: a command decides on a snapshot and collects ({@link io.rutile.storage.mvcc.MvccTxn}); it writes nothing and waits for
 * nobody. {@link io.rutile.storage.txn.TxnScheduler} runs it under its latches. How one key is prewritten, committed or rolled back
 * is said once ({@code KeyPrewrite}, {@code KeyCommit}, {@code KeyRollback}) and shared. Commands run on the threads of
 * {@link io.rutile.storage.command.ReadPool}.
 */
@NullMarked
package io.rutile.storage.txn;

import org.jspecify.annotations.NullMarked;
