package io.rutile.node.raftstore;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.KvCursor;
import io.rutile.storage.engine.KvSnapshot;
import io.rutile.storage.engine.ReadBuffer;
import org.jspecify.annotations.Nullable;

/** A snapshot whose reads are counted for the Region's heartbeat and its load; background passes are not. */
final class CountedSnapshot implements KvSnapshot {

    private final KvSnapshot snapshot;
    private final RegionTraffic traffic;
    /** Told which keys are touched; null for most. */
    private final @Nullable RegionLoad sampling;

    CountedSnapshot(KvSnapshot snapshot, RegionTraffic traffic, RegionLoad load) {
        this.snapshot = snapshot;
        this.traffic = traffic;
        this.sampling = load.request() ? load : null;
    }

    @Override
    public long term() {
        return snapshot.term();
    }

    @Override
    public boolean maxTsSynced() {
        return snapshot.maxTsSynced();
    }

    @Override
    public KeyRange range() {
        return snapshot.range();
    }

    @Override
    public byte @Nullable [] get(Cf cf, ByteKey key) {
        byte[] value = snapshot.get(cf, key);
        if (sampling != null) {
            sampling.touched(cf, key.bytes(), key.bytes());
        }
        if (value != null) {
            traffic.read(1, key.bytes().length + (long) value.length);
        }
        return value;
    }

    @Override
    public void mayWaitForDisk(boolean may) {
        snapshot.mayWaitForDisk(may);
    }

    @Override
    public KvCursor cursor(Cf cf, KeyRange bounds) {
        return new CountedCursor(snapshot.cursor(cf, bounds), cf, traffic, sampling);
    }

    @Override
    public KvCursor coldCursor(Cf cf, KeyRange bounds) {
        return snapshot.coldCursor(cf, bounds);
    }

    @Override
    public void close() {
        snapshot.close();
    }

    /** Counts what is looked at and adds it up once, at the end; tells, if somebody wants to know, from where to where it was moved. */
    private static final class CountedCursor implements KvCursor {

        private final KvCursor cursor;
        private final Cf cf;
        private final RegionTraffic traffic;
        private final @Nullable RegionLoad sampling;
        private long keys;
        private long bytes;
        private byte @Nullable [] first;
        private byte @Nullable [] last;

        CountedCursor(KvCursor cursor, Cf cf, RegionTraffic traffic, @Nullable RegionLoad sampling) {
            this.cursor = cursor;
            this.cf = cf;
            this.traffic = traffic;
            this.sampling = sampling;
        }

        @Override
        public void seek(byte[] key) {
            cursor.seek(key);
        }

        @Override
        public void seekForPrev(byte[] key) {
            cursor.seekForPrev(key);
        }

        @Override
        public void seekToFirst() {
            cursor.seekToFirst();
        }

        @Override
        public void seekToLast() {
            cursor.seekToLast();
        }

        @Override
        public void next() {
            cursor.next();
        }

        @Override
        public void prev() {
            cursor.prev();
        }

        @Override
        public boolean isValid() {
            return cursor.isValid();
        }

        @Override
        public byte[] key() {
            byte[] key = cursor.key();
            if (key != last) {
                keys++;
                bytes += key.length;
                first = first == null ? key : first;
                last = key;
            }
            return key;
        }

        @Override
        public byte[] value() {
            byte[] value = cursor.value();
            bytes += value.length;
            return value;
        }

        /** Counted each time: who passes keys on asks once. */
        @Override
        public void key(ReadBuffer into) {
            cursor.key(into);
            keys++;
            bytes += into.length();
            if (sampling != null) {
                last = into.copy();
                first = first == null ? last : first;
            }
        }

        @Override
        public void value(ReadBuffer into) {
            cursor.value(into);
            bytes += into.length();
        }

        @Override
        public void close() {
            traffic.read(keys, bytes);
            keys = 0;
            bytes = 0;
            if (sampling != null && first != null && last != null) {
                sampling.touched(cf, first, last);
                first = null;
            }
            cursor.close();
        }
    }
}
