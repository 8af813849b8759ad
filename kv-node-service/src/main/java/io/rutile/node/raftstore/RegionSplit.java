package io.rutile.node.raftstore;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.RegionEpoch;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * How a Region is cut into several: what the log carries, and what it makes of the Region. The pieces are cut off from the left,
 * the Region itself keeps the rightmost one, and every version becomes greater by the number of pieces, as TiKV's
 * {@code exec_batch_split} does it.
 *
 * @param pieces the new Regions in key order, at least one
 */
public record RegionSplit(List<Piece> pieces) {

    /** Most pieces that one entry cuts off. */
    public static final int PIECES_MAX = 1_024;

    /**
     * One new Region.
     *
     * @param endKey where it ends and its right neighbour begins
     * @param regionId its id, as PD gave it
     * @param peerIds ids of its peers, in the order of the parent's peers and on the same stores
     */
    public record Piece(ByteKey endKey, long regionId, List<Long> peerIds) {

        public Piece {
            Objects.requireNonNull(endKey);
            peerIds = List.copyOf(peerIds);
            if (regionId <= 0) {
                throw new IllegalArgumentException("region id " + regionId);
            }
            for (long peerId : peerIds) {
                if (peerId <= 0 || peerId > Integer.MAX_VALUE) {
                    throw new IllegalArgumentException("peer id " + peerId);
                }
            }
        }
    }

    public RegionSplit {
        pieces = List.copyOf(pieces);
        if (pieces.isEmpty() || pieces.size() > PIECES_MAX) {
            throw new IllegalArgumentException("a split into " + pieces.size() + " more regions");
        }
    }

    /** Why a Region can't be cut at these keys, or empty. */
    public static Optional<String> refusal(Region region, List<ByteKey> borders) {
        if (borders.isEmpty()) {
            return Optional.of("no split keys are given for region " + region.getId());
        }
        if (borders.size() > PIECES_MAX) {
            return Optional.of(borders.size() + " split keys, at most " + PIECES_MAX + " are taken at once");
        }
        ByteKey left = ByteKey.of(region.getStartKey());
        for (ByteKey border : borders) {
            if (border.compareTo(left) <= 0) {
                return Optional.of("split keys of region " + region.getId() + " must ascend behind its start key");
            }
            left = border;
        }
        return RaftStore.rangeOf(region).contains(left)
                ? Optional.empty()
                : Optional.of("a split key is behind the end of region " + region.getId());
    }

    /** Why this can't be done to this Region, or empty. Pure, so that leader and followers answer the same (R4). */
    Optional<String> refusal(Region region) {
        Optional<String> why =
                refusal(region, pieces.stream().map(Piece::endKey).toList());
        if (why.isPresent()) {
            return why;
        }
        Set<Long> ids = new HashSet<>();
        for (Piece piece : pieces) {
            if (piece.peerIds().size() != region.getPeersCount()) {
                return Optional.of("region " + region.getId() + " has " + region.getPeersCount() + " peers, its piece "
                        + piece.regionId() + " " + piece.peerIds().size());
            }
            if (!ids.add(piece.regionId()) || piece.regionId() == region.getId()) {
                return Optional.of("region id " + piece.regionId() + " is used twice");
            }
        }
        return Optional.empty();
    }

    /** The new Regions, in key order. */
    List<Region> children(Region parent) {
        List<Region> children = new ArrayList<>();
        Region.Builder next = parent.toBuilder().setRegionEpoch(epoch(parent));
        for (Piece piece : pieces) {
            next.setId(piece.regionId())
                    .setEndKey(piece.endKey().toByteString())
                    .clearPeers();
            for (int i = 0; i < parent.getPeersCount(); i++) {
                Peer peer = parent.getPeers(i);
                next.addPeers(peer.toBuilder().setId(piece.peerIds().get(i)));
            }
            children.add(next.build());
            next.setStartKey(piece.endKey().toByteString());
        }
        return children;
    }

    /** What is left of the Region itself. */
    Region remainder(Region parent) {
        return parent.toBuilder()
                .setStartKey(pieces.get(pieces.size() - 1).endKey().toByteString())
                .setRegionEpoch(epoch(parent))
                .build();
    }

    private RegionEpoch epoch(Region parent) {
        RegionEpoch before = parent.getRegionEpoch();
        return before.toBuilder()
                .setVersion(before.getVersion() + pieces.size())
                .build();
    }
}
