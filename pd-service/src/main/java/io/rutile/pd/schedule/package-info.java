/**
 * Decides what should change in the cluster and sees it through: {@link io.rutile.pd.schedule.Coordinator} says who is asked in
 * which order, {@link io.rutile.pd.schedule.OperatorController} carries operators out on heartbeats, {@link
 * io.rutile.pd.schedule.Schedulers} lets those look who see the whole cluster.
 *
 * <p>Rule: PD never assumes, it observes (D1). One operator a Region at a time; every operator knows why it was made, and for a
 * Region without one PD can say why not.
 *
 * <p>Order: schedule → checker, scheduler → placement → operator.
 *
 * <p>Threads: heartbeats arrive on gRPC threads, patrol and schedulers have a thread of their own; the controller has one
 * lock and is never called back under it.
 */
@NullMarked
package io.rutile.pd.schedule;

import org.jspecify.annotations.NullMarked;
