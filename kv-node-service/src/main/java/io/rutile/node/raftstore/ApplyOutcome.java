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
 */
record ApplyOutcome(@Nullable RegionException refusal) {

    static final ApplyOutcome DONE = new ApplyOutcome(null);

    /** The Region has changed between propose and apply (R4). */
    static ApplyOutcome epochNotMatch(Region current) {
        return new ApplyOutcome(RegionErrors.epochNotMatch(List.of(current)));
    }

    static ApplyOutcome refused(String why) {
        return new ApplyOutcome(RegionErrors.message(why));
    }
}
