/**
 * The Placement Driver: timestamps, cluster metadata, scheduling.
 *
 * <p>Rule: {@link io.rutile.pd.PdServer} is the plain assembly that a unit test can start; Spring lives in this package alone.
 * Rooms below use each other in one direction: {@code rpc → leader → tso, schedule → cluster → meta}.
 *
 * <p>Threads: each room's page says its own; this one only starts and stops them.
 */
@NullMarked
package io.rutile.pd;

import org.jspecify.annotations.NullMarked;
