package io.rutile.node.raftstore;

import io.rutile.protocol.kvrpcpb.LeaderInfo;
import io.rutile.protocol.kvrpcpb.ReadState;
import io.rutile.protocol.metapb.Region;

/**
 * A leader's word that a Region is settled up to a timestamp: every replica that has applied the index and has the range under that
 * version holds all that is or ever will be committed there at or below it (P8).
 *
 * @param region as it is at the leader
 * @param peerId the leader
 * @param term that it leads in
 */
public record ResolvedTs(Region region, long peerId, long term, long index, long ts) {

    /** In the protocol's words. */
    public LeaderInfo toLeaderInfo() {
        return LeaderInfo.newBuilder()
                .setRegionId(region.getId())
                .setPeerId(peerId)
                .setTerm(term)
                .setRegionEpoch(region.getRegionEpoch())
                .setReadState(ReadState.newBuilder().setAppliedIndex(index).setSafeTs(ts))
                .build();
    }
}
