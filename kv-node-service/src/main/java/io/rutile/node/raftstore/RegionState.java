package io.rutile.node.raftstore;

import com.google.protobuf.InvalidProtocolBufferException;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What a store keeps of one replica beside its data; an immutable value.
 *
 * <pre>
 * region_state := format(1)=01 status(1) peer_id(8) region     region: metapb.Region to the end
 * </pre>
 *
 * See docs/formats/region-state.md.
 *
 * @param status what may be done with the replica
 * @param peerId this store's replica: one incarnation (R3)
 * @param region range, epoch and peers as of the last applied entry
 */
record RegionState(Status status, long peerId, Region region) {

    /** The life of a replica on disk. */
    enum Status {
        /** Data, Region and applied index belong together. */
        NORMAL(0),
        /** An image is staged and the data range is being replaced by it: finished or begun again after a restart (R1). */
        APPLYING(1),
        /** This incarnation is gone for ever; no message brings it back (R5). */
        TOMBSTONE(2),
        /** A tombstone whose log and data are still being deleted: finished after a restart. */
        DESTROYING(3);

        private final int id;

        Status(int id) {
            this.id = id;
        }
    }

    private static final byte FORMAT = 1;
    private static final int HEADER_BYTES = 2 + Long.BYTES;

    RegionState {
        Objects.requireNonNull(status);
        Objects.requireNonNull(region);
        if (region.getId() <= 0 || peerId <= 0) {
            throw new IllegalArgumentException("region " + region.getId() + " peer " + peerId + " must be positive");
        }
    }

    static RegionState normal(long peerId, Region region) {
        return new RegionState(Status.NORMAL, peerId, region);
    }

    RegionState with(Status next) {
        return new RegionState(next, peerId, region);
    }

    RegionState with(Region next) {
        return new RegionState(status, peerId, next);
    }

    long regionId() {
        return region.getId();
    }

    KeyRange range() {
        return new KeyRange(ByteKey.of(region.getStartKey()), ByteKey.of(region.getEndKey()));
    }

    /** False once the Region has let this replica go. */
    boolean isMember() {
        return peer(peerId).isPresent();
    }

    Optional<Peer> peer(long id) {
        List<Peer> peers = region.getPeersList();
        return peers.stream().filter(peer -> peer.getId() == id).findFirst();
    }

    byte[] encode() {
        byte[] meta = region.toByteArray();
        return ByteBuffer.allocate(HEADER_BYTES + meta.length)
                .put(FORMAT)
                .put((byte) status.id)
                .putLong(peerId)
                .put(meta)
                .array();
    }

    /** @throws IllegalArgumentException if these bytes are no Region state of a known format */
    static RegionState decode(byte[] bytes) {
        if (bytes.length < HEADER_BYTES || bytes[0] != FORMAT) {
            throw new IllegalArgumentException(
                    "not a region state of format " + FORMAT + ": " + bytes.length + " bytes");
        }
        ByteBuffer in = ByteBuffer.wrap(bytes, 1, bytes.length - 1);
        Status status = status(in.get());
        long peerId = in.getLong();
        try {
            return new RegionState(status, peerId, Region.parseFrom(in));
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalArgumentException("region state of peer " + peerId + " is damaged", e);
        }
    }

    private static Status status(byte id) {
        for (Status status : Status.values()) {
            if (status.id == id) {
                return status;
            }
        }
        throw new IllegalArgumentException("unknown region status " + id);
    }
}
