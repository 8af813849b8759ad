package io.rutile.node.raftstore;

import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.RegionException;
import io.rutile.protocol.metapb.Region;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What became of one entry: the same on every replica, told to the proposer.
 *
 * @param refusal why it changed nothing, or null if it took effect
 * @param regions what a split has made of a Region, in key order; empty for everything else
 * @param index where a consistency check hashes; 0 for everything else
 */
record ApplyOutcome(@Nullable RegionException refusal, List<Region> regions, long index) {

    static final ApplyOutcome DONE = new ApplyOutcome(null, List.of());

    ApplyOutcome(@Nullable RegionException refusal, List<Region> regions) {
        this(refusal, regions, 0);
    }

    static ApplyOutcome hashedAt(long index) {
        return new ApplyOutcome(null, List.of(), index);
    }

    static ApplyOutcome split(List<Region> regions) {
        return new ApplyOutcome(null, regions);
    }

    /** The Region has changed between propose and apply (R4). */
    static ApplyOutcome epochNotMatch(Region current) {
        return new ApplyOutcome(RegionErrors.epochNotMatch(List.of(current)), List.of());
    }

    static ApplyOutcome refused(String why) {
        return refused(RegionErrors.message(why));
    }

    static ApplyOutcome refused(RegionException why) {
        return new ApplyOutcome(why, List.of());
    }
}
