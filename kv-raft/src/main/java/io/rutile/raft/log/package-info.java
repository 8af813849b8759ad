/**
 * The one Raft log of a process: entries, votes and compaction points of all its groups in one RocksDB with one write-ahead log,
 * so that one file sync serves whoever waits for it at that moment.
 *
 * <p>Rule: nothing here knows what an entry means. What is said to be durable is durable when the call returns; after the first
 * write or sync that fails, nothing is written any more ({@link io.rutile.raft.log.RaftLog#failure}).
 *
 * <p>Threads: any; calls block for the disk. A group's own log is appended to by one thread at a time. Layout:
 * docs/formats/raft-log.md.
 */
@NullMarked
package io.rutile.raft.log;

import org.jspecify.annotations.NullMarked;
