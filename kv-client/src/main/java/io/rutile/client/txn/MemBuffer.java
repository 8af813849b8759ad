package io.rutile.client.txn;

import io.rutile.client.KvClientException;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.MemComparable;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.WireLimits;
import io.rutile.protocol.kvrpcpb.Op;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;

/**
 * What a transaction has written so far, by wire key; the last word on a key counts. Bounded in bytes and entries: a write past a
 * bound is refused and leaves everything as it was.
 *
 * <pre>
 *   before \ call   put      insert         delete           lock
 *   nothing         Put      Insert         Del              Lock
 *   Put             Put      key exists     Del              Put
 *   Insert          Insert   key exists     CheckNotExists   Insert
 *   Del             Put      Put            Del              Del
 *   CheckNotExists  Insert   Insert         CheckNotExists   CheckNotExists
 *   Lock            Put      Insert         Del              Lock
 * </pre>
 *
 * Threads: any; changes are guarded by this object, reads need no lock.
 */
final class MemBuffer {

    /** The largest value; the rest of an entry of the log is for keys and envelopes. */
    static final int VALUE_BYTES_MAX = WireLimits.ENTRY_BYTES_MAX - (64 << 10);

    private final TimeStamp startTs;
    private final long bytesMax;
    private final int entriesMax;
    private final TxnMetrics metrics;
    private final ConcurrentSkipListMap<ByteKey, TxnMutation> entries = new ConcurrentSkipListMap<>();
    private int count;
    private long bytes;

    MemBuffer(TimeStamp startTs, long bytesMax, int entriesMax, TxnMetrics metrics) {
        this.startTs = startTs;
        this.bytesMax = bytesMax;
        this.entriesMax = entriesMax;
        this.metrics = metrics;
    }

    synchronized void put(ByteKey key, byte[] value) {
        TxnMutation before = entries.get(key);
        boolean mustBeNew = before != null && (before.op() == Op.Insert || before.op() == Op.CheckNotExists);
        set(before, mustBeNew ? Op.Insert : Op.Put, key, value);
    }

    /** Puts if nothing is there. False, and nothing is changed, if this transaction has written a value there. */
    synchronized boolean insert(ByteKey key, byte[] value) {
        TxnMutation before = entries.get(key);
        if (before != null && (before.op() == Op.Put || before.op() == Op.Insert)) {
            return false;
        }
        set(before, before != null && before.op() == Op.Del ? Op.Put : Op.Insert, key, value);
        return true;
    }

    synchronized void delete(ByteKey key) {
        TxnMutation before = entries.get(key);
        boolean mustBeNew = before != null && (before.op() == Op.Insert || before.op() == Op.CheckNotExists);
        set(before, mustBeNew ? Op.CheckNotExists : Op.Del, key, TxnMutation.NO_VALUE);
    }

    /** The commit fails if somebody else writes the key meanwhile. */
    synchronized void lock(ByteKey key) {
        if (!entries.containsKey(key)) {
            set(null, Op.Lock, key, TxnMutation.NO_VALUE);
        }
    }

    private void set(@Nullable TxnMutation before, Op op, ByteKey key, byte[] value) {
        TxnMutation now = new TxnMutation(op, key, value, false);
        if (MemComparable.encodedLength(key.bytes().length) > WireLimits.KEY_BYTES_MAX) {
            throw new KvClientException(
                    KvClientException.Kind.INVALID,
                    "a key of " + key.bytes().length + " bytes is longer than transactions take",
                    null,
                    null);
        }
        if (value.length > VALUE_BYTES_MAX) {
            throw tooLarge("a value of " + value.length + " bytes is larger than " + VALUE_BYTES_MAX);
        }
        long newBytes = bytes + now.bytes() - (before == null ? 0 : before.bytes());
        if (newBytes > bytesMax) {
            throw tooLarge("its writes would be more than " + bytesMax + " bytes");
        }
        if (before == null && count >= entriesMax) {
            throw tooLarge("its writes would be more than " + entriesMax + " keys");
        }
        entries.put(key, now);
        bytes = newBytes;
        count += before == null ? 1 : 0;
    }

    private TransactionTooLargeException tooLarge(String what) {
        metrics.tooLarge();
        return new TransactionTooLargeException(startTs, what);
    }

    /** Null if this transaction has no word on the key's value. */
    @Nullable TxnMutation find(ByteKey key) {
        TxnMutation found = entries.get(key);
        return found == null || found.op() == Op.Lock ? null : found;
    }

    /** A live view in key order; it may contain {@link Op#Lock} entries, which say nothing about values. */
    NavigableMap<ByteKey, TxnMutation> range(KeyRange range) {
        NavigableMap<ByteKey, TxnMutation> above = entries.tailMap(range.start(), true);
        return range.end().isEmpty() ? above : above.headMap(range.end(), false);
    }

    /** A copy, in key order. */
    synchronized List<TxnMutation> mutations() {
        return new ArrayList<>(entries.values());
    }

    synchronized long bytes() {
        return bytes;
    }

    synchronized int count() {
        return count;
    }
}
