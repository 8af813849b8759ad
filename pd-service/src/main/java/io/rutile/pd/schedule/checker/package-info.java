/**
 * Checkers look at one Region and say what must be repaired, or why nothing is.
 *
 * <p>Rule: pure functions of the soft view; they change nothing and allocate nothing.
 *
 * <p>Threads: any.
 */
@NullMarked
package io.rutile.pd.schedule.checker;

import org.jspecify.annotations.NullMarked;
