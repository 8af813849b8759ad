package io.rutile.storage.mvcc;

import org.jspecify.annotations.Nullable;

/**
 * A write record: what a transaction did to a key, stored at its commit timestamp, a rollback at its start timestamp.
 *
 * @param startTs of the transaction
 * @param shortValue the value of a put if it is short enough to be stored here
 * @param overlappedRollback true if another transaction, whose start timestamp is this record's timestamp, was rolled back on this
 *     key: both records would have the same place
 * @param protectedRollback of a rollback: never collapsed by a newer one
 */
@SuppressWarnings("ArrayRecordComponent") // never compared as a record
public record Write(
        WriteKind kind,
        long startTs,
        byte @Nullable [] shortValue,
        boolean overlappedRollback,
        boolean protectedRollback) {

    /** Longest value in bytes that is stored in the record itself. */
    public static final int SHORT_VALUE_BYTES_MAX = 255;

    private static final int HAS_VALUE = 1;
    private static final int OVERLAPPED = 2;
    private static final int PROTECTED = 4;

    /** What a lock commits to. */
    static Write of(WriteKind kind, long startTs, byte @Nullable [] shortValue, boolean overlappedRollback) {
        return new Write(kind, startTs, shortValue, overlappedRollback, false);
    }

    static Write rollback(long startTs, boolean isProtected) {
        return new Write(WriteKind.ROLLBACK, startTs, null, false, isProtected);
    }

    Write withOverlappedRollback() {
        return new Write(kind, startTs, shortValue, true, protectedRollback);
    }

    boolean isCollapsible() {
        return kind == WriteKind.ROLLBACK && !protectedRollback;
    }

    byte[] encode() {
        byte[] value = shortValue;
        int flags = (value != null ? HAS_VALUE : 0)
                | (overlappedRollback ? OVERLAPPED : 0)
                | (protectedRollback ? PROTECTED : 0);
        return Records.encode(value == null ? 16 : 16 + value.length, out -> {
            out.writeRawByte(kind.id());
            out.writeRawByte(flags);
            out.writeUInt64NoTag(startTs);
            if (value != null) {
                out.writeByteArrayNoTag(value);
            }
        });
    }

    /** @throws CorruptRecordException if the bytes are no record */
    public static Write decode(byte[] record) {
        return Records.decode("write record", record, in -> {
            WriteKind kind = WriteKind.byId(in.readRawByte());
            int flags = in.readRawByte();
            long startTs = in.readUInt64();
            byte[] value = (flags & HAS_VALUE) != 0 ? in.readByteArray() : null;
            return new Write(kind, startTs, value, (flags & OVERLAPPED) != 0, (flags & PROTECTED) != 0);
        });
    }
}
