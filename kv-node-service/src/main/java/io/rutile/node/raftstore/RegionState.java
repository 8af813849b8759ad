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
import org.jspecify.annotations.Nullable;

/**
 * What a store keeps of one replica beside its data; an immutable value.
 *
 * <pre>
 * region_state := format(1)=01 status(1) peer_id(8) region                     region: metapb.Region to the end
 *               | format(1)=02 status(1) peer_id(8) length(4) merge region      while a merge is under way, and after it
 * </pre>
 *
 * See docs/formats/region-state.md.
 *
 * @param status what may be done with the replica
 * @param peerId this store's replica: one incarnation (R3)
 * @param region range, epoch and peers as of the last applied entry
 * @param merge into which neighbour it is about to go, or has gone; null for almost every Region
 */
record RegionState(
        Status status, long peerId, Region region, @Nullable RegionMerge merge) {

    /** The life of a replica on disk. */
    enum Status {
        /** Data, Region and applied index belong together. */
        NORMAL(0),
        /** An image is staged and the data range is being replaced by it: finished or begun again after a restart (R1). */
        APPLYING(1),
        /** This incarnation is gone for ever; no message brings it back (R5). */
        TOMBSTONE(2),
        /** A tombstone whose log and data are still being deleted: finished after a restart. */
        DESTROYING(3),
        /** Its range and data are another Region's by now (R6), its log is still being deleted: finished after a restart. */
        MERGED(4);

        private final int id;

        Status(int id) {
            this.id = id;
        }
    }

    private static final byte FORMAT = 1;
    private static final byte FORMAT_WITH_MERGE = 2;
    private static final int HEADER_BYTES = 2 + Long.BYTES;

    RegionState {
        Objects.requireNonNull(status);
        Objects.requireNonNull(region);
        if (region.getId() <= 0 || peerId <= 0) {
            throw new IllegalArgumentException("region " + region.getId() + " peer " + peerId + " must be positive");
        }
    }

    RegionState(Status status, long peerId, Region region) {
        this(status, peerId, region, null);
    }

    static RegionState normal(long peerId, Region region) {
        return new RegionState(Status.NORMAL, peerId, region);
    }

    RegionState with(Status next) {
        return new RegionState(next, peerId, region, merge);
    }

    RegionState with(Region next) {
        return new RegionState(status, peerId, next, merge);
    }

    RegionState with(@Nullable RegionMerge next) {
        return new RegionState(status, peerId, region, next);
    }

    /** True while a neighbour decides whether it takes this Region over: nothing is read or written meanwhile. */
    boolean isMerging() {
        return merge != null && status == Status.NORMAL;
    }

    /** The merge that a replica waits for; null if it has no state, or waits for none. */
    static @Nullable RegionMerge mergeUnderWay(@Nullable RegionState state) {
        return state != null && state.isMerging() ? state.merge : null;
    }

    /** True once this incarnation is gone or being taken down: whoever wants to take it down comes too late. */
    boolean hasEnded() {
        return status != Status.NORMAL && status != Status.APPLYING;
    }

    /** True if the Region itself has ended, and not only this replica of it. */
    boolean isMerged() {
        return merge != null && (status == Status.MERGED || status == Status.TOMBSTONE);
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
        byte[] under = merge == null ? null : merge.encode();
        ByteBuffer out =
                ByteBuffer.allocate(HEADER_BYTES + (under == null ? 0 : Integer.BYTES + under.length) + meta.length);
        out.put(under == null ? FORMAT : FORMAT_WITH_MERGE)
                .put((byte) status.id)
                .putLong(peerId);
        if (under != null) {
            out.putInt(under.length).put(under);
        }
        return out.put(meta).array();
    }

    /** @throws IllegalArgumentException if these bytes are no Region state of a known format */
    static RegionState decode(byte[] bytes) {
        if (bytes.length < HEADER_BYTES || (bytes[0] != FORMAT && bytes[0] != FORMAT_WITH_MERGE)) {
            throw new IllegalArgumentException("not a region state of a known format: " + bytes.length + " bytes");
        }
        ByteBuffer in = ByteBuffer.wrap(bytes, 1, bytes.length - 1);
        Status status = status(in.get());
        long peerId = in.getLong();
        RegionMerge merge = bytes[0] == FORMAT ? null : merge(in, peerId);
        try {
            return new RegionState(status, peerId, Region.parseFrom(in), merge);
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalArgumentException("region state of peer " + peerId + " is damaged", e);
        }
    }

    private static RegionMerge merge(ByteBuffer in, long peerId) {
        int length = in.remaining() < Integer.BYTES ? -1 : in.getInt();
        if (length < 0 || length > in.remaining()) {
            throw new IllegalArgumentException("region state of peer " + peerId + " ends early");
        }
        ByteBuffer merge = in.slice(in.position(), length);
        in.position(in.position() + length);
        return RegionMerge.decode(merge);
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
