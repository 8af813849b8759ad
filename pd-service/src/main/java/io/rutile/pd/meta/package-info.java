/**
 * The hard state of the Placement Driver: what must survive every fault, replicated by one Raft group.
 *
 * <p>Rule: decide → {@link io.rutile.pd.meta.MetaRecord} → Raft → apply. A record carries its own transition, a pure function
 * from {@link io.rutile.pd.meta.MetaState} to the next one: no clock, no random, the same outcome on every member. Regions and
 * statistics are soft and live elsewhere. This is the only room that knows {@code io.rutile.raft}, beside the assembly.
 *
 * <p>Threads: the group's apply thread alone replaces the state; everybody reads the immutable snapshot that is current.
 */
@NullMarked
package io.rutile.pd.meta;

import org.jspecify.annotations.NullMarked;
