/**
 * Transactions: snapshot isolation by Percolator, driven from this side. A transaction buffers its writes ({@code MemBuffer}),
 * reads at one timestamp ({@code TxnSnapshot}), and commits in two phases, or in one where that is enough ({@code
 * TwoPhaseCommitter}); locks that others left are judged by their primary ({@code LockResolver}).
 *
 * <p>Rule: the primary decides (P3), and every request may be carried out twice (P5). An outcome that is not known is said to be
 * unknown; a transaction that met a conflict is never begun again from here. Keys are in wire form inside this room and in the
 * application's form at its doors.
 *
 * <p>Threads: steps follow one another on gRPC's executor and on the client's timer; nothing blocks.
 */
@NullMarked
package io.rutile.client.txn;

import org.jspecify.annotations.NullMarked;
