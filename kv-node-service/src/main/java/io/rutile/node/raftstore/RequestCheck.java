package io.rutile.node.raftstore;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.Epochs;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.RegionEpoch;
import io.rutile.storage.engine.WriteBatch;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Whether this store serves a request, in the order in which TiKV's clients expect the answers: store, Region, peer, leader,
 * term, epoch, range, size. Pure.
 *
 * <p>A follower that is asked with an old epoch answers {@code NotLeader}, not {@code EpochNotMatch}: whoever asks has to go to
 * the leader anyway.
 */
final class RequestCheck {

    /** Longest key of an engine: a client's longest in the memcomparable encoding with a timestamp behind it. */
    static final int KEY_BYTES_MAX = 10 << 10;

    private RequestCheck() {}

    /** The first two questions: is it meant for this store, and is the Region here. */
    static <V extends ReplicaView> V route(Context request, long storeId, @Nullable V replica) {
        if (request.getPeer().getStoreId() != storeId) {
            throw RegionErrors.storeNotMatch(request.getPeer().getStoreId(), storeId);
        }
        if (replica == null) {
            throw RegionErrors.regionNotFound(request.getRegionId());
        }
        return replica;
    }

    /** For a request that only the leader may serve. @throws RegionException why not */
    static void leader(Context request, ReplicaView replica) {
        peer(request, replica);
        if (!replica.isLeader()) {
            Peer leader = replica.leader();
            if (leader != null && leader.getId() == replica.peerId()) {
                throw new NotReadyException();
            }
            throw RegionErrors.notLeader(replica.region().getId(), leader);
        }
        termAndEpoch(request, replica);
    }

    /** For a read that any replica may serve: all but who leads. @throws RegionException why not */
    static void replica(Context request, ReplicaView replica) {
        peer(request, replica);
        termAndEpoch(request, replica);
    }

    private static void peer(Context request, ReplicaView replica) {
        if (request.getPeer().getId() != replica.peerId()) {
            throw RegionErrors.mismatchPeerId(request.getPeer().getId(), replica.peerId());
        }
    }

    private static void termAndEpoch(Context request, ReplicaView replica) {
        // One term behind is tolerated: the client may have learnt it from the answer that the election overtook.
        if (request.getTerm() != 0 && Long.compareUnsigned(request.getTerm() + 1, replica.term()) < 0) {
            throw RegionErrors.staleCommand(replica.region().getId());
        }
        epoch(request, replica);
    }

    /** Older or newer: any difference in version means that the range may not be what the client thinks. */
    static Region epoch(Context request, ReplicaView replica) {
        Region region = replica.region();
        if (!request.hasRegionEpoch()) {
            throw RegionErrors.message("missing epoch in a request for region " + region.getId());
        }
        epoch(request.getRegionEpoch(), region, replica);
        return region;
    }

    /** @param region the replica's own, as the caller goes on to use it */
    static void epoch(RegionEpoch asked, Region region, ReplicaView replica) {
        if (!Epochs.sameVersion(asked, region.getRegionEpoch())) {
            throw RegionErrors.epochNotMatch(replica.regionsSince(asked.getVersion()));
        }
    }

    /** Where a Region may be cut: inside its range (else the key is told), ascending, and not at its start. */
    static void split(List<ByteKey> borders, Region region) {
        KeyRange range = RaftStore.rangeOf(region);
        for (ByteKey border : borders) {
            if (!range.contains(border)) {
                throw RegionErrors.keyNotInRegion(border.toByteString(), region);
            }
        }
        RegionSplit.refusal(region, borders).ifPresent(why -> {
            throw RegionErrors.message(why);
        });
    }

    /** What no engine takes must never get into a log: it would poison every replica that applies it (E1). */
    static void keys(WriteBatch batch) {
        for (WriteBatch.Op op : batch.ops()) {
            if (op instanceof WriteBatch.Put put) {
                key(put.key());
            } else if (op instanceof WriteBatch.Delete delete) {
                key(delete.key());
            } else if (op instanceof WriteBatch.DeleteRange range) {
                key(range.start());
                key(range.end());
            }
        }
    }

    private static void key(ByteKey key) {
        if (key.bytes().length > KEY_BYTES_MAX) {
            throw RegionErrors.message("a key of " + key.bytes().length + " bytes is longer than " + KEY_BYTES_MAX);
        }
    }

    /** Every key that a batch touches lies inside the Region; nothing is clipped. */
    static void range(WriteBatch batch, Region region) {
        KeyRange range = new KeyRange(ByteKey.of(region.getStartKey()), ByteKey.of(region.getEndKey()));
        for (WriteBatch.Op op : batch.ops()) {
            if (op instanceof WriteBatch.DeleteRange deleted
                    && new KeyRange(deleted.start(), deleted.end()).isEmpty()) {
                throw RegionErrors.message("delete range is empty or turned round in region " + region.getId());
            }
        }
        ByteKey outside = batch.firstKeyOutside(range);
        if (outside != null) {
            throw RegionErrors.keyNotInRegion(outside.toByteString(), region);
        }
    }

    /**
     * @param entryBytes what goes into the log
     * @param dataBytes keys and values alone, for the message
     */
    static void size(long entryBytes, long dataBytes, long regionId) {
        if (entryBytes > RaftCommand.BYTES_MAX) {
            throw RegionErrors.entryTooLarge(regionId, dataBytes);
        }
    }
}
