package io.rutile.node.raftstore;

import com.google.protobuf.InvalidProtocolBufferException;
import io.rutile.protocol.Epochs;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.RegionEpoch;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * A Region on its way into its neighbour, as its own log has it since it was prepared: it takes no more writes and waits for the
 * neighbour's log to decide. That log decides by the first entry that changes the neighbour's epoch from what was agreed on: if it
 * is the commit of this merge, the Region is gone; if it is anything else, the merge can never be committed any more and the Region
 * may go on. An immutable value; the rules are pure, so that leader and followers answer the same (R4).
 *
 * <pre>
 * merge := index(8) called_off(1) region       region: metapb.Region of the target to the end
 * </pre>
 *
 * @param target the neighbour as it was when they agreed: its epoch is the one that a commit is checked against
 * @param index of the prepare entry: names this attempt
 * @param calledOff true if the target is known to have decided against it. Known to this store by what it has applied of the target,
 *     so the one thing here that other replicas may not have yet; true for all of them all the same
 */
record RegionMerge(Region target, long index, boolean calledOff) {

    RegionMerge {
        Objects.requireNonNull(target);
        if (target.getId() <= 0 || index <= 0) {
            throw new IllegalArgumentException("merge into region " + target.getId() + " at index " + index);
        }
    }

    /** Why these two can't become one, or empty. */
    static Optional<String> refusal(Region source, Region target) {
        if (source.getId() == target.getId()) {
            return Optional.of("region " + source.getId() + " can't be merged into itself");
        }
        if (!isLeftOf(source, target) && !isLeftOf(target, source)) {
            return Optional.of("regions " + source.getId() + " and " + target.getId() + " are no neighbours");
        }
        if (!stores(source).equals(stores(target))) {
            return Optional.of("regions " + source.getId() + " and " + target.getId()
                    + " have their replicas on different stores");
        }
        for (Region region : List.of(source, target)) {
            if (region.getPeersList().stream().anyMatch(peer -> peer.getRole() != PeerRole.Voter)) {
                return Optional.of("region " + region.getId() + " has a peer that is no voter");
            }
        }
        return Optional.empty();
    }

    private static boolean isLeftOf(Region left, Region right) {
        return !left.getEndKey().isEmpty() && left.getEndKey().equals(right.getStartKey());
    }

    private static Set<Long> stores(Region region) {
        Set<Long> stores = new HashSet<>();
        for (Peer peer : region.getPeersList()) {
            stores.add(peer.getStoreId());
        }
        return stores;
    }

    /** The source once it is prepared: one more in both counters, as TiKV does it, so nothing decided before fits any more. */
    static Region prepared(Region source) {
        return withEpoch(
                source,
                source.getRegionEpoch().getVersion() + 1,
                source.getRegionEpoch().getConfVer() + 1);
    }

    /** The target with the source's range, under a version greater than either had: PD takes it for the newer of all three (D1). */
    static Region merged(Region source, Region target) {
        Region.Builder both = isLeftOf(source, target)
                ? target.toBuilder().setStartKey(source.getStartKey())
                : target.toBuilder().setEndKey(source.getEndKey());
        long version = Math.max(
                        source.getRegionEpoch().getVersion(),
                        target.getRegionEpoch().getVersion())
                + 1;
        return withEpoch(both.build(), version, target.getRegionEpoch().getConfVer());
    }

    /** A Region that goes on with what it has, under the next version. */
    static Region renewed(Region region) {
        return withEpoch(
                region,
                region.getRegionEpoch().getVersion() + 1,
                region.getRegionEpoch().getConfVer());
    }

    private static Region withEpoch(Region region, long version, long confVer) {
        return region.toBuilder()
                .setRegionEpoch(RegionEpoch.newBuilder().setVersion(version).setConfVer(confVer))
                .build();
    }

    /** True as long as a commit of this merge would fit a target of that epoch. */
    boolean isOpenAt(RegionEpoch epoch) {
        return epoch.equals(target.getRegionEpoch());
    }

    /** True if a target of that epoch has decided, one way or the other. */
    boolean isDecidedAt(RegionEpoch epoch) {
        return Epochs.isStale(target.getRegionEpoch(), epoch);
    }

    RegionMerge asCalledOff() {
        return new RegionMerge(target, index, true);
    }

    byte[] encode() {
        byte[] meta = target.toByteArray();
        return ByteBuffer.allocate(Long.BYTES + 1 + meta.length)
                .putLong(index)
                .put((byte) (calledOff ? 1 : 0))
                .put(meta)
                .array();
    }

    /** @throws IllegalArgumentException if these bytes are none */
    static RegionMerge decode(ByteBuffer in) {
        try {
            long index = in.getLong();
            byte calledOff = in.get();
            if (calledOff != 0 && calledOff != 1) {
                throw new IllegalArgumentException("a merge called off " + calledOff + " times");
            }
            return new RegionMerge(Region.parseFrom(in), index, calledOff == 1);
        } catch (BufferUnderflowException | InvalidProtocolBufferException e) {
            throw new IllegalArgumentException("merge of a region is damaged", e);
        }
    }
}
