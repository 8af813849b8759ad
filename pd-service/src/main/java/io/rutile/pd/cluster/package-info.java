/**
 * What the leader knows of the cluster by being told: Regions and store statistics from heartbeats, and ids to give away.
 *
 * <p>Rule: observe, don't assume (D1). All of it is soft and belongs to one term of leading: a new leader begins empty and is
 * told again within a heartbeat. Values ({@link io.rutile.pd.cluster.RegionInfo}, {@link io.rutile.pd.cluster.StoreInfo}) are
 * immutable.
 *
 * <p>Threads: any; one read-write lock around the Regions, a concurrent map for the stores.
 */
@NullMarked
package io.rutile.pd.cluster;

import org.jspecify.annotations.NullMarked;
