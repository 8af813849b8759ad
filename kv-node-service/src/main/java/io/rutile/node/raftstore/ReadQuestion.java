package io.rutile.node.raftstore;

import com.google.protobuf.InvalidProtocolBufferException;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.RegionException;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.protocol.kvrpcpb.ReadIndexRequest;
import io.rutile.protocol.kvrpcpb.ReadIndexResponse;
import io.rutile.storage.engine.LockedByLeaderException;
import io.rutile.storage.engine.ReplicaRead;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a replica asks its leader before it serves a read, and what the leader says against it, as bytes between two stores (P4): the
 * protocol's ReadIndex messages, the ranges in encoded keys. Pure.
 */
final class ReadQuestion {

    private ReadQuestion() {}

    /**
     * Empty for raw reads: the leader has nothing to say about those.
     *
     * @param region the asking replica's; keys outside are left out, for others may be choosing timestamps there
     */
    static byte[] encode(ReplicaRead read, KeyRange region) {
        if (read.ranges().isEmpty()) {
            return new byte[0];
        }
        ReadIndexRequest.Builder question = ReadIndexRequest.newBuilder().setStartTs(read.version());
        for (KeyRange range : read.ranges()) {
            if (range.overlaps(region)) {
                question.addRanges(io.rutile.protocol.kvrpcpb.KeyRange.newBuilder()
                        .setStartKey(later(range.start(), region.start()).toByteString())
                        .setEndKey(earlier(range.end(), region.end()).toByteString()));
            }
        }
        return question.build().toByteArray();
    }

    private static ByteKey later(ByteKey one, ByteKey other) {
        return one.compareTo(other) >= 0 ? one : other;
    }

    /** Of two ends, of which an empty one is behind every key. */
    private static ByteKey earlier(ByteKey one, ByteKey other) {
        if (one.isEmpty() || other.isEmpty()) {
            return one.isEmpty() ? other : one;
        }
        return one.compareTo(other) <= 0 ? one : other;
    }

    /** The leader's part. @return what it has against the read, or null */
    static byte @Nullable [] answer(byte[] question, LeaderLocks locks) {
        if (question.length == 0) {
            return null;
        }
        try {
            ReadIndexRequest asked = ReadIndexRequest.parseFrom(question);
            List<KeyRange> ranges = asked.getRangesList().stream()
                    .map(range -> new KeyRange(ByteKey.of(range.getStartKey()), ByteKey.of(range.getEndKey())))
                    .toList();
            LockInfo lock = locks.announce(new ReplicaRead(asked.getStartTs(), ranges));
            return lock == null
                    ? null
                    : ReadIndexResponse.newBuilder().setLocked(lock).build().toByteArray();
        } catch (RegionException refused) {
            return refused(refused);
        } catch (InvalidProtocolBufferException e) {
            return refused(RegionErrors.message("not a question of a reading replica"));
        }
    }

    private static byte[] refused(RegionException why) {
        return ReadIndexResponse.newBuilder()
                .setRegionError(why.error())
                .build()
                .toByteArray();
    }

    /** What the leader said against it, in the asking store's words. */
    static RuntimeException refusal(byte[] answer) {
        try {
            ReadIndexResponse said = ReadIndexResponse.parseFrom(answer);
            return said.hasLocked()
                    ? new LockedByLeaderException(said.getLocked())
                    : new RegionException(said.getRegionError());
        } catch (InvalidProtocolBufferException e) {
            return RegionErrors.message("not an answer of a leader");
        }
    }
}
