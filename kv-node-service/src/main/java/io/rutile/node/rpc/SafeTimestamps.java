package io.rutile.node.rpc;

import io.rutile.protocol.KeyRange;
import io.rutile.protocol.kvrpcpb.LeaderInfo;
import java.util.List;

/** How far the replicas of this store can be read without a word to their leaders. */
public interface SafeTimestamps {

    /** The least over a range, as borders are written; 0 if nothing can be promised. */
    long over(KeyRange range);

    /** Another store says what it leads. @return the Regions whose replica here agrees */
    List<Long> heard(List<LeaderInfo> leaders);
}
