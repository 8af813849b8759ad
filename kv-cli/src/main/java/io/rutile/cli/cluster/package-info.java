/**
 * A cluster of real processes on loopback: what belongs to it ({@link io.rutile.cli.cluster.ClusterLayout}), one process of it
 * ({@link io.rutile.cli.cluster.ServiceProcess}) and all of it ({@link io.rutile.cli.cluster.LocalCluster}).
 *
 * <p>Rule: the truth is on disk. The layout is a file of the data directory and a process is its pid file, so any command can find, stop
 * or restart what another one has started. Every wait has a bound. Not safe for use by several threads, {@link
 * io.rutile.cli.cluster.LocalCluster#stop} excepted.
 */
@NullMarked
package io.rutile.cli.cluster;

import org.jspecify.annotations.NullMarked;
