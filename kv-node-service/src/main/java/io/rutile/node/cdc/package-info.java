/**
 * The change feed: tells clients what is committed in Regions that this store leads, by TiKV's own {@code cdcpb.ChangeData}. What a
 * Region does comes from {@link io.rutile.node.raftstore.ChangeWatcher}, how far it is settled from {@link
 * io.rutile.node.raftstore.RegionPeer#resolve}; nothing here is durable, and nothing here can hold an apply up.
 *
 * <p>Threads: apply threads put what they have done into bounded queues; {@code cdc} (2) run the streams, each of them by one thread at a
 * time, scans included; {@code cdc-resolved} makes the rounds and waits for the oracle.
 */
@NullMarked
package io.rutile.node.cdc;

import org.jspecify.annotations.NullMarked;
