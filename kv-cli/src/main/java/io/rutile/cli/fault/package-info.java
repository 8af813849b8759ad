/**
 * Faults on purpose: a {@link io.rutile.cli.fault.Nemesis} kills, freezes and stops processes of a cluster and brings them back, and
 * splits Regions between the keys of its workloads, on a schedule that its seed decides.
 *
 * <p>Rule: it touches only the cluster that it was given, one fault at a time, and leaves all of them running when it ends. One
 * thread of its own.
 */
@NullMarked
package io.rutile.cli.fault;

import org.jspecify.annotations.NullMarked;
