package io.rutile.raft.log;

import com.alipay.sofa.jraft.entity.LogEntry;
import com.alipay.sofa.jraft.entity.codec.LogEntryDecoder;
import org.jspecify.annotations.Nullable;

/**
 * The newest entry of a group's log, as it was written.
 *
 * <p>JRaft asks for the term of the newest entry with each heartbeat, and with each append when nothing else is on its way, and does that by
 * reading the whole entry and computing its checksum. In a store of many groups, each of which has one entry on its way at a time, that was
 * a read and a checksum for each entry and each heartbeat: a quarter of what its Java code did.
 *
 * <p>Any thread; decoded by the first that wants it.
 */
final class LogTail {

    private final long index;
    private final boolean trusted;
    private byte @Nullable [] value;
    private volatile @Nullable LogEntry entry;

    private LogTail(long index, byte[] value, boolean trusted) {
        this.index = index;
        this.value = value;
        this.trusted = trusted;
    }

    /** @param value that this process encoded, and nobody else's */
    static LogTail written(long index, byte[] value) {
        return new LogTail(index, value, true);
    }

    /** @param value as it was found on the disk: its checksum is looked at, once */
    static LogTail found(long index, byte[] value) {
        return new LogTail(index, value, false);
    }

    long index() {
        return index;
    }

    /**
     * The same object each time; its data is to be read through duplicates only, as that of any entry.
     *
     * @return null if it can't be decoded; a damaged one says so itself
     */
    @Nullable LogEntry entry(LogEntryDecoder decoder) {
        LogEntry decoded = entry;
        return decoded == null ? decode(decoder) : decoded;
    }

    private synchronized @Nullable LogEntry decode(LogEntryDecoder decoder) {
        byte[] encoded = value;
        if (encoded != null) {
            LogEntry decoded = decoder.decode(encoded);
            boolean sound = decoded != null && (trusted || !decoded.isCorrupted());
            entry = decoded != null && sound ? new Sound(decoded) : decoded;
            value = null;
        }
        return entry;
    }

    /** In the memory of this process since its checksum was made or looked at; it still has it, for those it is sent to. */
    private static final class Sound extends LogEntry {

        Sound(LogEntry decoded) {
            super(decoded.getType());
            setId(decoded.getId());
            setPeers(decoded.getPeers());
            setOldPeers(decoded.getOldPeers());
            setLearners(decoded.getLearners());
            setOldLearners(decoded.getOldLearners());
            setData(decoded.getData());
            if (decoded.hasChecksum()) {
                setChecksum(decoded.getChecksum());
            }
        }

        @Override
        public boolean isCorrupted() {
            return false;
        }
    }
}
