package io.rutile.storage.mvcc;

import io.rutile.protocol.KeyRange;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.KvCursor;
import io.rutile.storage.engine.KvSnapshot;
import org.jspecify.annotations.Nullable;

/**
 * Walks over the keys of a range that have a lock or a write record, each once, in either direction. What a key's value is the
 * caller asks {@link #reader}, before the next key. One thread; closed before the snapshot.
 *
 * <p>Upwards walk and reads share a cursor: a key whose newest version is the one that is read costs a step, not a search.
 */
public final class MvccScanner implements AutoCloseable {

    private final KvCursor locks;
    private final KvCursor writes;
    private final boolean reverse;
    private final MvccReader reader;
    /** The key that was found last, if the cursor of writes may still be on one of its versions. */
    private @Nullable MvccKey toLeave;

    /** @param range of encoded keys; only what lies in the snapshot's range is walked over */
    public MvccScanner(KvSnapshot snapshot, KeyRange range, boolean reverse) {
        this.reverse = reverse;
        this.locks = snapshot.cursor(Cf.LOCK, range);
        try {
            this.writes = snapshot.cursor(Cf.WRITE, range);
        } catch (RuntimeException | Error e) {
            locks.close();
            throw e;
        }
        this.reader = reverse ? new MvccReader(snapshot) : new MvccReader(snapshot, writes);
        if (reverse) {
            locks.seekToLast();
            writes.seekToLast();
        } else {
            locks.seekToFirst();
            writes.seekToFirst();
        }
    }

    /** A key and whoever's lock is on it. */
    public record Found(MvccKey key, @Nullable Lock lock) {}

    /** Reads the key that was found last, at one version; closed with the scan. */
    public MvccReader reader() {
        return reader;
    }

    /** The next key, or null at the end. */
    public @Nullable Found next() {
        if (toLeave != null) {
            leave(toLeave);
            toLeave = null;
        }
        MvccKey locked = locks.isValid() ? MvccKey.ofEncoded(locks.key()) : null;
        MvccKey written = writes.isValid() ? MvccKey.ofVersion(writes.key()) : null;
        MvccKey key = first(locked, written);
        if (key == null) {
            return null;
        }
        Lock lock = null;
        if (locked != null && key.equals(locked)) {
            lock = Lock.decode(locks.value());
            step(locks);
        }
        if (written != null && key.equals(written)) {
            toLeave = key;
        }
        return new Found(key, lock);
    }

    /** Whichever comes first in the direction of the walk. */
    private @Nullable MvccKey first(@Nullable MvccKey locked, @Nullable MvccKey written) {
        if (locked == null || written == null) {
            return locked == null ? written : locked;
        }
        int order = locked.encoded().compareTo(written.encoded());
        return (reverse ? -order : order) <= 0 ? locked : written;
    }

    /** Past every version of the key. */
    private void leave(MvccKey key) {
        if (reverse) {
            writes.seekForPrev(key.encoded().bytes());
            return;
        }
        // Most keys have few versions: a step or two is cheaper than a seek.
        for (int steps = 0; steps < 8; steps++) {
            if (!writes.isValid() || !key.holds(writes.key())) {
                return;
            }
            writes.next();
        }
        writes.seek(key.at(0));
        if (writes.isValid() && key.holds(writes.key())) {
            writes.next();
        }
    }

    private void step(KvCursor cursor) {
        if (reverse) {
            cursor.prev();
        } else {
            cursor.next();
        }
    }

    @Override
    public void close() {
        reader.close();
        writes.close();
        locks.close();
    }
}
