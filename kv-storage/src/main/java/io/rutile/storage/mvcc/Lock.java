package io.rutile.storage.mvcc;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.kvrpcpb.LockInfo;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A Percolator lock: one transaction's claim on a key, with what it will write there. Immutable. Timestamps are unsigned.
 *
 * <p>The stored form is described in docs/formats/mvcc.md.
 */
public final class Lock {

    private static final int HAS_VALUE = 1;
    private static final int ASYNC_COMMIT = 2;
    private static final int WITH_CONFLICT = 4;

    private final LockKind kind;
    private final ByteKey primary;
    private final long startTs;
    private final long ttlMs;
    private final byte @Nullable [] shortValue;
    private final long forUpdateTs;
    private final long txnSize;
    private final long minCommitTs;
    private final boolean asyncCommit;
    private final List<ByteKey> secondaries;
    private final List<Long> rolledBack;
    private final long generation;
    private final boolean lockedWithConflict;
    private final boolean onePc;

    private Lock(Builder b) {
        kind = b.kind;
        primary = b.primary;
        startTs = b.startTs;
        ttlMs = b.ttlMs;
        shortValue = b.shortValue;
        forUpdateTs = b.forUpdateTs;
        txnSize = b.txnSize;
        minCommitTs = b.minCommitTs;
        asyncCommit = b.asyncCommit;
        secondaries = List.copyOf(b.secondaries);
        rolledBack = List.copyOf(b.rolledBack);
        generation = b.generation;
        lockedWithConflict = b.lockedWithConflict;
        onePc = b.onePc;
    }

    public static Builder builder(LockKind kind, ByteKey primary, long startTs) {
        return new Builder(kind, primary, startTs);
    }

    public Builder toBuilder() {
        Builder b = new Builder(kind, primary, startTs);
        b.ttlMs = ttlMs;
        b.shortValue = shortValue;
        b.forUpdateTs = forUpdateTs;
        b.txnSize = txnSize;
        b.minCommitTs = minCommitTs;
        b.asyncCommit = asyncCommit;
        b.secondaries = secondaries;
        b.rolledBack = rolledBack;
        b.generation = generation;
        b.lockedWithConflict = lockedWithConflict;
        b.onePc = onePc;
        return b;
    }

    public LockKind kind() {
        return kind;
    }

    public boolean isPessimistic() {
        return kind == LockKind.PESSIMISTIC;
    }

    public ByteKey primary() {
        return primary;
    }

    public boolean isPrimary(MvccKey key) {
        return primary.equals(key.user());
    }

    public long startTs() {
        return startTs;
    }

    /** Milliseconds from the physical part of the start timestamp on. */
    public long ttlMs() {
        return ttlMs;
    }

    /** The value of a put if it is short enough to be stored here. */
    public byte @Nullable [] shortValue() {
        return shortValue;
    }

    public long forUpdateTs() {
        return forUpdateTs;
    }

    public long txnSize() {
        return txnSize;
    }

    /** No smaller timestamp may commit it. */
    public long minCommitTs() {
        return minCommitTs;
    }

    public boolean isAsyncCommit() {
        return asyncCommit;
    }

    /** On the primary of an async commit: every other key of the transaction. */
    public List<ByteKey> secondaries() {
        return secondaries;
    }

    /** Start timestamps of others that were rolled back on this key meanwhile and might equal its commit timestamp. */
    public List<Long> rolledBack() {
        return rolledBack;
    }

    /** Of a pipelined transaction's flush, from 1 on; 0 for any other lock. */
    public long generation() {
        return generation;
    }

    /** Of a pessimistic lock: taken although something newer than its for_update_ts had been committed. */
    public boolean isLockedWithConflict() {
        return lockedWithConflict;
    }

    /** Of a lock in memory: it is about to be committed without ever being stored. */
    public boolean isOnePc() {
        return onePc;
    }

    /** Strictly: at the very millisecond it is alive. The logical part of the time doesn't count. */
    public boolean isExpired(long currentTs) {
        return Ts.physicalMs(startTs) + ttlMs < Ts.physicalMs(currentTs);
    }

    /** What a client is told about it. @param key the key that it is on */
    public LockInfo toInfo(ByteKey key) {
        LockInfo.Builder info = LockInfo.newBuilder()
                .setPrimaryLock(primary.toByteString())
                .setLockVersion(startTs)
                .setKey(key.toByteString())
                .setLockTtl(ttlMs)
                .setTxnSize(txnSize)
                .setLockType(kind.op())
                .setLockForUpdateTs(forUpdateTs)
                .setUseAsyncCommit(asyncCommit)
                .setMinCommitTs(minCommitTs);
        secondaries.forEach(secondary -> info.addSecondaries(secondary.toByteString()));
        return info.build();
    }

    public byte[] encode() {
        byte[] value = shortValue;
        int flags = (value != null ? HAS_VALUE : 0)
                | (asyncCommit ? ASYNC_COMMIT : 0)
                | (lockedWithConflict ? WITH_CONFLICT : 0);
        return Records.encode(64 + primary.bytes().length + (value == null ? 0 : value.length), out -> {
            out.writeRawByte(kind.id());
            out.writeRawByte(flags);
            out.writeUInt64NoTag(startTs);
            out.writeUInt64NoTag(ttlMs);
            out.writeUInt64NoTag(forUpdateTs);
            out.writeUInt64NoTag(txnSize);
            out.writeUInt64NoTag(minCommitTs);
            out.writeUInt64NoTag(generation);
            out.writeByteArrayNoTag(primary.bytes());
            if (value != null) {
                out.writeByteArrayNoTag(value);
            }
            out.writeUInt32NoTag(secondaries.size());
            for (ByteKey secondary : secondaries) {
                out.writeByteArrayNoTag(secondary.bytes());
            }
            out.writeUInt32NoTag(rolledBack.size());
            for (long ts : rolledBack) {
                out.writeUInt64NoTag(ts);
            }
        });
    }

    /**
     * The start timestamp of a stored lock that will make a version that somebody can read: of a put or a delete; {@link Ts#MAX} for
     * any other. Looks at no more of the record than it needs, and leaves the buffer's position alone.
     */
    public static long startTsOfChange(ByteBuffer record) {
        return Records.peek("lock", record, in -> {
            LockKind kind = LockKind.byId(in.readRawByte());
            in.readRawByte();
            long startTs = in.readUInt64();
            return kind == LockKind.PUT || kind == LockKind.DELETE ? startTs : Ts.MAX;
        });
    }

    public static Lock decode(byte[] record) {
        return Records.decode("lock", record, in -> {
            LockKind kind = LockKind.byId(in.readRawByte());
            int flags = in.readRawByte();
            long startTs = in.readUInt64();
            long ttlMs = in.readUInt64();
            long forUpdateTs = in.readUInt64();
            long txnSize = in.readUInt64();
            long minCommitTs = in.readUInt64();
            long generation = in.readUInt64();
            Builder lock = builder(kind, ByteKey.wrap(in.readByteArray()), startTs)
                    .ttlMs(ttlMs)
                    .forUpdateTs(forUpdateTs)
                    .txnSize(txnSize)
                    .minCommitTs(minCommitTs)
                    .generation(generation)
                    .lockedWithConflict((flags & WITH_CONFLICT) != 0);
            if ((flags & HAS_VALUE) != 0) {
                lock.shortValue(in.readByteArray());
            }
            List<ByteKey> secondaries = new ArrayList<>();
            for (int left = in.readUInt32(); left > 0; left--) {
                secondaries.add(ByteKey.wrap(in.readByteArray()));
            }
            if ((flags & ASYNC_COMMIT) != 0) {
                lock.asyncCommit(secondaries);
            }
            for (int left = in.readUInt32(); left > 0; left--) {
                lock.addRolledBack(in.readUInt64());
            }
            return lock.build();
        });
    }

    /** Not thread-safe. */
    public static final class Builder {
        private LockKind kind;
        private final ByteKey primary;
        private final long startTs;
        private long ttlMs;
        private byte @Nullable [] shortValue;
        private long forUpdateTs;
        private long txnSize;
        private long minCommitTs;
        private boolean asyncCommit;
        private List<ByteKey> secondaries = List.of();
        private List<Long> rolledBack = List.of();
        private long generation;
        private boolean lockedWithConflict;
        private boolean onePc;

        private Builder(LockKind kind, ByteKey primary, long startTs) {
            this.kind = kind;
            this.primary = primary;
            this.startTs = startTs;
        }

        public Builder ttlMs(long ms) {
            ttlMs = ms;
            return this;
        }

        public Builder shortValue(byte @Nullable [] value) {
            shortValue = value;
            return this;
        }

        public Builder forUpdateTs(long ts) {
            forUpdateTs = ts;
            return this;
        }

        public Builder txnSize(long keys) {
            txnSize = keys;
            return this;
        }

        public Builder minCommitTs(long ts) {
            minCommitTs = ts;
            return this;
        }

        /** @param others every other key of the transaction if this is its primary, else none */
        public Builder asyncCommit(List<ByteKey> others) {
            asyncCommit = true;
            secondaries = others;
            return this;
        }

        public Builder addRolledBack(long ts) {
            if (!rolledBack.contains(ts)) {
                List<Long> more = new ArrayList<>(rolledBack);
                more.add(ts);
                rolledBack = more;
            }
            return this;
        }

        public Builder generation(long flush) {
            generation = flush;
            return this;
        }

        public Builder lockedWithConflict(boolean withConflict) {
            lockedWithConflict = withConflict;
            return this;
        }

        public Builder onePc() {
            onePc = true;
            return this;
        }

        public Lock build() {
            return new Lock(this);
        }
    }
}
