/**
 * Operators: what is to be done to one Region, as steps that know their command, when they are finished and how long they may
 * take.
 *
 * <p>Rule: only {@link io.rutile.pd.schedule.operator.OperatorBuilder} knows a safe order of steps (D2).
 *
 * <p>Threads: steps are values; an {@link io.rutile.pd.schedule.operator.Operator} belongs to the controller's lock.
 */
@NullMarked
package io.rutile.pd.schedule.operator;

import org.jspecify.annotations.NullMarked;
