package io.rutile.raft.transport;

/** Decides whether a message between two stores gets through; the seam through which tests bring partitions. */
@FunctionalInterface
public interface LinkFilter {

    /** In production every message passes. */
    LinkFilter OPEN = (from, to) -> true;

    boolean passes(long fromStore, long toStore);
}
