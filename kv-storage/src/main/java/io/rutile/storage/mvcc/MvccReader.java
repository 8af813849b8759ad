package io.rutile.storage.mvcc;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.KvCursor;
import io.rutile.storage.engine.KvSnapshot;
import org.jspecify.annotations.Nullable;

/**
 * Reads locks, write records and values of single keys from one snapshot. Opens its cursor when it first needs it; closes it with
 * itself, before the snapshot. One thread.
 *
 * <p>Every method fails with {@code KeyNotInRegion} for a key that {@link #lock} refuses; commands ask for the lock first.
 */
public final class MvccReader implements AutoCloseable {

    /** Versions that a scan steps over before it looks for one: most keys have few, and a step is much cheaper. */
    private static final int STEPS_MAX = 8;

    private final KvSnapshot snapshot;
    private final boolean scanning;
    private @Nullable KvCursor writes;

    public MvccReader(KvSnapshot snapshot) {
        this.snapshot = snapshot;
        this.scanning = false;
    }

    /**
     * Reads for a scan that walks upwards: keys in order, and of each key only what is older than what was asked for before.
     *
     * @param writes the scan's own, on the newest version of the key that is read next, or behind all of its versions; not closed here
     */
    MvccReader(KvSnapshot snapshot, KvCursor writes) {
        this.snapshot = snapshot;
        this.scanning = true;
        this.writes = writes;
    }

    public KvSnapshot snapshot() {
        return snapshot;
    }

    /** Whoever's lock is on the key, or null. */
    public @Nullable Lock lock(MvccKey key) {
        byte[] record = snapshot.get(Cf.LOCK, key.encoded());
        return record == null ? null : Lock.decode(record);
    }

    /** The newest record, of whatever kind, at or below that timestamp; null if there is none. */
    public @Nullable Version seek(MvccKey key, long ts) {
        KvCursor cursor = writes();
        if (scanning) {
            for (int steps = 0; steps < STEPS_MAX; steps++) {
                byte[] at = cursor.isValid() ? cursor.key() : null;
                if (at == null || !key.holds(at)) {
                    return null;
                }
                if (!Ts.isAfter(MvccKey.tsOf(at), ts)) {
                    return new Version(MvccKey.tsOf(at), Write.decode(cursor.value()));
                }
                cursor.next();
            }
        }
        cursor.seek(key.at(ts));
        return current(cursor, key);
    }

    /** The next older record after the one last returned for the same key. */
    public @Nullable Version next(MvccKey key) {
        KvCursor cursor = writes();
        cursor.next();
        return current(cursor, key);
    }

    /** The newest put or delete at or below that timestamp; null if there is neither. */
    public @Nullable Version data(MvccKey key, long ts) {
        Version version = seek(key, ts);
        while (version != null && !version.kind().isData()) {
            version = next(key);
        }
        return version;
    }

    /** The newest put at or below that timestamp, unless a delete is newer. */
    public @Nullable Version put(MvccKey key, long ts) {
        Version version = data(key, ts);
        return version != null && version.kind() == WriteKind.PUT ? version : null;
    }

    /** The newest value at or below that timestamp, or null. */
    public byte @Nullable [] value(MvccKey key, long ts) {
        Version version = put(key, ts);
        return version == null ? null : value(key, version);
    }

    /** The value of a put. */
    public byte[] value(MvccKey key, Version put) {
        byte[] inlined = put.write().shortValue();
        return inlined != null ? inlined : longValue(key, put.write().startTs());
    }

    /** What a lock of kind put would write. */
    public byte[] value(MvccKey key, Lock put) {
        byte[] inlined = put.shortValue();
        return inlined != null ? inlined : longValue(key, put.startTs());
    }

    private byte[] longValue(MvccKey key, long startTs) {
        byte[] value = snapshot.get(Cf.DEFAULT, ByteKey.wrap(key.at(startTs)));
        if (value == null) {
            throw new CorruptRecordException("a write of transaction " + Ts.text(startTs) + " has lost its value");
        }
        return value;
    }

    /** What the key remembers of the transaction that began at {@code startTs}. */
    public OwnRecord recordOf(MvccKey key, long startTs) {
        for (Version version = seek(key, Ts.MAX);
                version != null && !Ts.isBefore(version.ts(), startTs);
                version = next(key)) {
            if (version.write().startTs() == startTs) {
                return version.kind() == WriteKind.ROLLBACK
                        ? new OwnRecord.RolledBack()
                        : new OwnRecord.Committed(version);
            }
            if (version.ts() == startTs) {
                return version.write().overlappedRollback() ? new OwnRecord.RolledBack() : new OwnRecord.None(version);
            }
        }
        return new OwnRecord.None(null);
    }

    private static @Nullable Version current(KvCursor cursor, MvccKey key) {
        if (!cursor.isValid()) {
            return null;
        }
        byte[] at = cursor.key();
        return key.holds(at) ? new Version(MvccKey.tsOf(at), Write.decode(cursor.value())) : null;
    }

    private KvCursor writes() {
        KvCursor cursor = writes;
        if (cursor == null) {
            cursor = snapshot.cursor(Cf.WRITE, KeyRange.ALL);
            writes = cursor;
        }
        return cursor;
    }

    @Override
    public void close() {
        if (writes != null && !scanning) {
            writes.close();
        }
    }
}
