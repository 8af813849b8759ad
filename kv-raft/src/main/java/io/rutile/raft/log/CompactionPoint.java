package io.rutile.raft.log;

import com.alipay.sofa.jraft.entity.RaftOutter.SnapshotMeta;
import com.google.protobuf.InvalidProtocolBufferException;
import java.nio.ByteBuffer;

/**
 * Where a group's log begins to be enough: a Raft snapshot without data, for the state machine itself is on disk.
 *
 * <pre>point := applied(8) meta(protobuf SnapshotMeta: index, term, membership)</pre>
 *
 * @param applied what the state machine must have applied, at least, for this log to be its continuation. At most {@code
 *     meta.lastIncludedIndex}, which also counts entries that no state machine sees, or more if an image was newer than its meta
 * @param meta the log's last index, its term and its membership at this point
 */
public record CompactionPoint(long applied, SnapshotMeta meta) {

    byte[] encode() {
        byte[] body = meta.toByteArray();
        return ByteBuffer.allocate(8 + body.length).putLong(applied).put(body).array();
    }

    static CompactionPoint decode(byte[] value) throws InvalidProtocolBufferException {
        ByteBuffer in = ByteBuffer.wrap(value);
        long applied = in.getLong();
        return new CompactionPoint(applied, SnapshotMeta.parseFrom(in));
    }
}
