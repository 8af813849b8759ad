package io.rutile.raft.log;

import java.nio.ByteBuffer;

/**
 * Keys of the shared log.
 *
 * <pre>
 * key    := entry | conf | first | vote | point | owner | identity
 * entry  := 'l' group(8) index(8)      → a log entry, by JRaft's codec
 * conf   := 'c' group(8) index(8)      → the same entry once more, if it changes the membership
 * first  := 'f' group(8)               → index(8) of the first entry that counts
 * vote   := 't' group(8)               → term(8) peer text of the vote, empty for none
 * point  := 's' group(8)               → the compaction point, see {@link CompactionPoint}
 * owner  := 'o' group(8)               → store(8) peer(8): the incarnation that this log belongs to (R3)
 * identity := 'i'                      → version(4) cluster(8) store(8)
 * </pre>
 * All numbers big-endian, so that a group's entries lie together in log order.
 */
final class LogKeys {

    static final byte ENTRY = 'l';
    static final byte CONF = 'c';
    static final byte FIRST = 'f';
    static final byte VOTE = 't';
    static final byte POINT = 's';
    static final byte OWNER = 'o';
    static final byte[] IDENTITY = {'i'};

    private LogKeys() {}

    static byte[] of(byte kind, long groupId) {
        return ByteBuffer.allocate(9).put(kind).putLong(groupId).array();
    }

    static byte[] of(byte kind, long groupId, long index) {
        return ByteBuffer.allocate(17).put(kind).putLong(groupId).putLong(index).array();
    }

    /** The index in an entry's or a membership's key. */
    static long index(byte[] key) {
        return ByteBuffer.wrap(key).getLong(9);
    }

    static byte[] number(long value) {
        return ByteBuffer.allocate(8).putLong(value).array();
    }

    static long number(byte[] value) {
        return ByteBuffer.wrap(value).getLong();
    }
}
