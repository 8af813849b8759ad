/**
 * Clients that run transactions and record what they did and saw, for {@link io.rutile.cli.check} to judge: bank transfers, appends to
 * lists, counters under pessimistic locks.
 *
 * <p>Rule: a workload knows a {@link io.rutile.cli.workload.TxnStore} and nothing of clusters, and every transaction that it begins is
 * recorded, whatever becomes of it. One thread per client; the random numbers of each come from the seed of the run.
 */
@NullMarked
package io.rutile.cli.workload;

import org.jspecify.annotations.NullMarked;
