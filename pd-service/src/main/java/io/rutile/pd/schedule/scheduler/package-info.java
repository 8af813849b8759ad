/**
 * Schedulers look at the whole cluster and want it better; nothing is broken if they are off. Each says after every round what
 * it did, or why it did nothing, store by store.
 *
 * <p>Rule: a round is bounded, whatever the size of the cluster: it reads every store once and draws a bounded number of
 * Regions. What is moved brings the cluster strictly nearer to even, so that a cluster which stands still comes to rest.
 *
 * <p>Threads: one, the schedule thread of a term; {@link io.rutile.pd.schedule.scheduler.LeaderEvictions} is safe from any.
 */
@NullMarked
package io.rutile.pd.schedule.scheduler;

import org.jspecify.annotations.NullMarked;
