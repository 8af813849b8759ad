package io.rutile.node.cdc;

import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.RegionException;
import io.rutile.protocol.cdcpb.ClusterIDMismatch;
import io.rutile.protocol.cdcpb.Congested;
import io.rutile.protocol.cdcpb.DuplicateRequest;
import io.rutile.protocol.cdcpb.Error;
import io.rutile.protocol.cdcpb.Event;
import io.rutile.protocol.errorpb.ServerIsBusy;
import io.rutile.storage.mvcc.Ts;

/** Why a Region isn't fed, in the feed's words: the only place where they are made. */
final class FeedErrors {

    private FeedErrors() {}

    static Event event(RegionFeed.Key key, Error error) {
        return Event.newBuilder()
                .setRegionId(key.regionId())
                .setRequestId(key.requestId())
                .setError(error)
                .build();
    }

    /** The feed has words for three of a Region's errors; whatever else there is passes, and the client is told to come again. */
    static Error of(RegionException failure) {
        io.rutile.protocol.errorpb.Error error = failure.error();
        if (error.hasNotLeader()) {
            return Error.newBuilder().setNotLeader(error.getNotLeader()).build();
        }
        if (error.hasEpochNotMatch()) {
            return Error.newBuilder().setEpochNotMatch(error.getEpochNotMatch()).build();
        }
        if (error.hasRegionNotFound()) {
            return Error.newBuilder()
                    .setRegionNotFound(error.getRegionNotFound())
                    .build();
        }
        return busy(error.getMessage());
    }

    static Error busy(String reason) {
        return Error.newBuilder()
                .setServerIsBusy(ServerIsBusy.newBuilder().setReason(reason).setBackoffMs(100))
                .build();
    }

    static Error failed() {
        return busy("the changes of this region can't be read");
    }

    static Error congested(long regionId) {
        return Error.newBuilder()
                .setCongested(Congested.newBuilder().setRegionId(regionId))
                .build();
    }

    static Error duplicate(long regionId) {
        return Error.newBuilder()
                .setDuplicateRequest(DuplicateRequest.newBuilder().setRegionId(regionId))
                .build();
    }

    static Error otherCluster(long current, long requested) {
        return Error.newBuilder()
                .setClusterIdMismatch(
                        ClusterIDMismatch.newBuilder().setCurrent(current).setRequest(requested))
                .build();
    }

    /** The protocol has no field for it; clients of ours know the first words. */
    static Error tooOld(long checkpointTs, long safePoint) {
        return busy(RegionErrors.CHECKPOINT_TOO_OLD + ": checkpoint " + Ts.text(checkpointTs)
                + " is before the GC safe point " + Ts.text(safePoint));
    }
}
