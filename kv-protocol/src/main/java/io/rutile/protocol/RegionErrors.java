package io.rutile.protocol;

import com.google.protobuf.ByteString;
import io.rutile.protocol.errorpb.DiskFull;
import io.rutile.protocol.errorpb.EpochNotMatch;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.errorpb.KeyNotInRegion;
import io.rutile.protocol.errorpb.MaxTimestampNotSynced;
import io.rutile.protocol.errorpb.MismatchPeerId;
import io.rutile.protocol.errorpb.NotLeader;
import io.rutile.protocol.errorpb.ProposalInMergingMode;
import io.rutile.protocol.errorpb.RaftEntryTooLarge;
import io.rutile.protocol.errorpb.RegionNotFound;
import io.rutile.protocol.errorpb.ServerIsBusy;
import io.rutile.protocol.errorpb.StaleCommand;
import io.rutile.protocol.errorpb.StoreNotMatch;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Makes the Region errors of the protocol. Messages name region, peer, epoch and range, never a value. */
public final class RegionErrors {

    /**
     * How the reason of {@code ServerIsBusy} begins where a change feed is refused because versions behind its checkpoint may be gone: the
     * feed's errors have no field for it, and it doesn't pass.
     */
    public static final String CHECKPOINT_TOO_OLD = "the checkpoint is too old";

    private RegionErrors() {}

    public static RegionException storeNotMatch(long requested, long actual) {
        return new RegionException(Error.newBuilder()
                .setMessage("store not match: request for store " + requested + ", this is store " + actual)
                .setStoreNotMatch(
                        StoreNotMatch.newBuilder().setRequestStoreId(requested).setActualStoreId(actual))
                .build());
    }

    public static RegionException regionNotFound(long regionId) {
        return new RegionException(Error.newBuilder()
                .setMessage("region " + regionId + " is not found")
                .setRegionNotFound(RegionNotFound.newBuilder().setRegionId(regionId))
                .build());
    }

    public static RegionException mismatchPeerId(long requested, long actual) {
        return new RegionException(Error.newBuilder()
                .setMessage("mismatch peer id: request for peer " + requested + ", this is peer " + actual)
                .setMismatchPeerId(
                        MismatchPeerId.newBuilder().setRequestPeerId(requested).setStorePeerId(actual))
                .build());
    }

    /** @param leader the leader if one is known; never a peer of store 0, which clients would try to reach */
    public static RegionException notLeader(long regionId, @Nullable Peer leader) {
        NotLeader.Builder notLeader = NotLeader.newBuilder().setRegionId(regionId);
        if (leader != null && leader.getStoreId() != 0) {
            notLeader.setLeader(leader);
        }
        return new RegionException(Error.newBuilder()
                .setMessage("peer is not leader for region " + regionId)
                .setNotLeader(notLeader)
                .build());
    }

    public static RegionException staleCommand(long regionId) {
        return new RegionException(Error.newBuilder()
                .setMessage("stale command for region " + regionId)
                .setStaleCommand(StaleCommand.getDefaultInstance())
                .build());
    }

    /** @param current this Region as it is now, and those beside it that overlap what the caller asked for */
    public static RegionException epochNotMatch(List<Region> current) {
        return new RegionException(Error.newBuilder()
                .setMessage("epoch not match: current regions "
                        + current.stream()
                                .map(r -> r.getId() + "@" + r.getRegionEpoch().getConfVer() + "."
                                        + r.getRegionEpoch().getVersion())
                                .toList())
                .setEpochNotMatch(EpochNotMatch.newBuilder().addAllCurrentRegions(current))
                .build());
    }

    public static RegionException keyNotInRegion(ByteString key, Region region) {
        return new RegionException(Error.newBuilder()
                .setMessage("key is not in region " + region.getId() + " "
                        + new KeyRange(ByteKey.of(region.getStartKey()), ByteKey.of(region.getEndKey())))
                .setKeyNotInRegion(KeyNotInRegion.newBuilder()
                        .setKey(key)
                        .setRegionId(region.getId())
                        .setStartKey(region.getStartKey())
                        .setEndKey(region.getEndKey()))
                .build());
    }

    public static RegionException entryTooLarge(long regionId, long entryBytes) {
        return new RegionException(Error.newBuilder()
                .setMessage("entry of " + entryBytes + " bytes is larger than " + WireLimits.ENTRY_BYTES_MAX)
                .setRaftEntryTooLarge(
                        RaftEntryTooLarge.newBuilder().setRegionId(regionId).setEntrySize(entryBytes))
                .build());
    }

    public static RegionException diskFull(long storeId, String reason) {
        return new RegionException(Error.newBuilder()
                .setMessage("store " + storeId + " has no space: " + reason)
                .setDiskFull(DiskFull.newBuilder().addStoreId(storeId).setReason(reason))
                .build());
    }

    /** @param backoffMs how long a client should wait; 0 leaves it to the client */
    public static RegionException serverIsBusy(String reason, long backoffMs) {
        return new RegionException(Error.newBuilder()
                .setMessage("server is busy: " + reason)
                .setServerIsBusy(ServerIsBusy.newBuilder().setReason(reason).setBackoffMs(backoffMs))
                .build());
    }

    /** Both texts are matched by client-go: see docs/compatibility.md. */
    public static RegionException deadlineExceeded() {
        return new RegionException(Error.newBuilder()
                .setMessage("Deadline is exceeded")
                .setServerIsBusy(ServerIsBusy.newBuilder().setReason("deadline is exceeded"))
                .build());
    }

    /** A new leader that has not heard from the timestamp oracle yet must not choose a commit timestamp (P4). */
    public static RegionException maxTimestampNotSynced(long regionId) {
        return new RegionException(Error.newBuilder()
                .setMessage("max timestamp of region " + regionId + " is not synced with the timestamp oracle yet")
                .setMaxTimestampNotSynced(MaxTimestampNotSynced.getDefaultInstance())
                .build());
    }

    /** The Region waits for its neighbour to take it over; it is over in a moment, one way or the other. */
    public static RegionException proposalInMergingMode(long regionId) {
        return new RegionException(Error.newBuilder()
                .setMessage("region " + regionId + " is merging into its neighbour")
                .setProposalInMergingMode(ProposalInMergingMode.newBuilder().setRegionId(regionId))
                .build());
    }

    /** An error that has no message type of its own. */
    public static RegionException message(String text) {
        return new RegionException(Error.newBuilder().setMessage(text).build());
    }
}
