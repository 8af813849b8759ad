/**
 * Decides what should change in the cluster and sees it through: {@link io.rutile.pd.schedule.Coordinator} says who is asked in
 * which order, {@link io.rutile.pd.schedule.OperatorController} carries operators out on heartbeats.
 *
 * <p>Rule: PD never assumes, it observes (D1). One operator a Region at a time; every operator knows why it was made, and for a
 * Region without one PD can say why not.
 *
 * <p>Threads: heartbeats arrive on gRPC threads, the patrol on the term's timer; the controller has one lock and is never
 * called back under it.
 */
@NullMarked
package io.rutile.pd.schedule;

import org.jspecify.annotations.NullMarked;
