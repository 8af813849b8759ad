/**
 * What a member does only while it leads: one {@link io.rutile.pd.leader.LeaderTerm} holds the timestamps, id windows, soft
 * view and operators of one term, and is thrown away whole when the term is over.
 *
 * <p>Rule: timestamps first; everything else may come later.
 *
 * <p>Threads: {@link io.rutile.pd.leader.Leadership} begins and ends terms on one timer thread of its own; readers take the
 * current term from a volatile field.
 */
@NullMarked
package io.rutile.pd.leader;

import org.jspecify.annotations.NullMarked;
