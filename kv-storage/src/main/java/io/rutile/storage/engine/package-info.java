/**
 * The seam between what a store means and where its bytes live: column families, snapshots, cursors, write batches.
 *
 * <p>Rule: knows RocksDB and nothing of transactions, Regions or Raft. {@link io.rutile.storage.engine.ReplicatedKv} is
 * implemented by the node over Raft and by tests over one local engine.
 */
@NullMarked
package io.rutile.storage.engine;

import org.jspecify.annotations.NullMarked;
