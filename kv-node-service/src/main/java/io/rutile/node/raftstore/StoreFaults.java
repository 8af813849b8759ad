package io.rutile.node.raftstore;

import io.rutile.raft.transport.LinkFilter;
import java.util.function.UnaryOperator;

/**
 * The seams through which tests bring failing disks and networks to a whole store.
 *
 * @param disk put around the engine's own
 * @param links which Raft messages get through
 */
public record StoreFaults(UnaryOperator<DataDisk> disk, LinkFilter links) {

    /** As in production. */
    public static final StoreFaults NONE = new StoreFaults(UnaryOperator.identity(), LinkFilter.OPEN);
}
