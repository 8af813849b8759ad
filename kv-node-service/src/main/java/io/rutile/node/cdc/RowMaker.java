package io.rutile.node.cdc;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.rutile.node.raftstore.AppliedChange;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.cdcpb.Event.LogType;
import io.rutile.protocol.cdcpb.Event.Row;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.mvcc.Lock;
import io.rutile.storage.mvcc.LockKind;
import io.rutile.storage.mvcc.MvccKey;
import io.rutile.storage.mvcc.Ts;
import io.rutile.storage.mvcc.Write;
import io.rutile.storage.mvcc.WriteKind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Makes the feed's rows of what a Region's entries have done to its records. Knows which keys are prewritten: a record without a
 * prewrite before it was committed in one phase, or is another's record that was written once more to note a rollback.
 *
 * <p>Used by one thread at a time.
 */
final class RowMaker implements AutoCloseable {

    /** The changes did not fit into memory: the Region has to be looked at anew. */
    static final class OutOfMemoryBudgetException extends RuntimeException {
        OutOfMemoryBudgetException() {
            super("the locks of a watched region don't fit", null, false, false);
        }
    }

    /** In memory for each prewritten key, beside the key. */
    private static final int LOCK_BYTES = 120;

    private final FeedBudget budget;
    /** By stored key of the lock: start timestamp of a lock that was told of and is still there. */
    private final Map<ByteKey, Long> prewritten = new HashMap<>();

    private long bytes;

    RowMaker(FeedBudget budget) {
        this.budget = budget;
    }

    /**
     * A lock as it is stored.
     *
     * @param value of a put whose value is too long for the lock; null if it isn't known
     * @return null if it will make no version that anybody can read, or is an old lock written anew
     */
    @Nullable Row locked(MvccKey key, Lock lock, byte @Nullable [] value) {
        if (lock.kind() != LockKind.PUT && lock.kind() != LockKind.DELETE) {
            return null;
        }
        byte[] told = lock.shortValue() != null ? lock.shortValue() : value;
        if (lock.kind() == LockKind.PUT && told == null) {
            // The value came with the lock when it was first written: this is a longer life or another min_commit_ts.
            return null;
        }
        note(key.encoded(), lock.startTs());
        return row(key, lock.startTs(), 0, LogType.PREWRITE, lock.kind() == LockKind.PUT, told)
                .setGeneration(lock.generation())
                .build();
    }

    /** A committed version that a scan has found. @param value of a put, null for a delete */
    Row found(MvccKey key, long commitTs, Write write, byte @Nullable [] value) {
        return row(key, write.startTs(), commitTs, LogType.COMMITTED, write.kind() == WriteKind.PUT, value)
                .build();
    }

    /**
     * What entries have done, in their order.
     *
     * @param changes of whole entries
     * @param knownTs resolved, or the client's checkpoint: nothing at or below it is committed now
     * @throws OutOfMemoryBudgetException if there are too many locks
     */
    List<Row> rows(List<AppliedChange> changes, long knownTs) {
        List<Row> rows = new ArrayList<>(changes.size());
        int from = 0;
        while (from < changes.size()) {
            int to = from + 1;
            while (to < changes.size()
                    && changes.get(to).index() == changes.get(from).index()) {
                to++;
            }
            entry(changes.subList(from, to), knownTs, rows);
            from = to;
        }
        return rows;
    }

    private void entry(List<AppliedChange> entry, long knownTs, List<Row> rows) {
        Map<ByteKey, byte[]> values = new HashMap<>();
        for (AppliedChange change : entry) {
            if (change.cf() == Cf.DEFAULT && change.value() != null) {
                values.put(ByteKey.wrap(change.key()), change.value());
            }
        }
        // Records before locks: a lock that goes without a record of its own was rolled back.
        for (AppliedChange change : entry) {
            if (change.cf() == Cf.WRITE && change.value() != null) {
                record(change.key(), change.value(), values, knownTs, rows);
            }
        }
        for (AppliedChange change : entry) {
            if (change.cf() != Cf.LOCK) {
                continue;
            }
            MvccKey key = MvccKey.ofEncoded(change.key());
            byte[] stored = change.value();
            if (stored == null) {
                Long startTs = forget(key.encoded());
                if (startTs != null) {
                    rows.add(row(key, startTs, 0, LogType.ROLLBACK, null, null).build());
                }
            } else {
                Lock lock = Lock.decode(stored);
                Row row = locked(key, lock, values.get(ByteKey.wrap(key.at(lock.startTs()))));
                if (row != null) {
                    rows.add(row);
                }
            }
        }
    }

    private void record(byte[] stored, byte[] record, Map<ByteKey, byte[]> values, long knownTs, List<Row> rows) {
        MvccKey key = MvccKey.ofVersion(stored);
        long ts = MvccKey.tsOf(stored);
        Write write = Write.decode(record);
        Long locked = prewritten.get(key.encoded());
        boolean own = locked != null && locked == write.startTs();
        if (write.kind() == WriteKind.ROLLBACK) {
            if (own) {
                forget(key.encoded());
                rows.add(row(key, write.startTs(), 0, LogType.ROLLBACK, null, null)
                        .build());
            }
            return;
        }
        if (write.kind() == WriteKind.LOCK) {
            return;
        }
        boolean put = write.kind() == WriteKind.PUT;
        if (own) {
            forget(key.encoded());
            rows.add(row(key, write.startTs(), ts, LogType.COMMIT, put, write.shortValue())
                    .build());
            return;
        }
        if (write.overlappedRollback() && !Ts.isAfter(ts, knownTs)) {
            // Committed and told long ago; now it also says that somebody else was rolled back.
            return;
        }
        byte[] value =
                write.shortValue() != null ? write.shortValue() : values.get(ByteKey.wrap(key.at(write.startTs())));
        if (put && value == null) {
            // As above, but not resolved yet: whoever is told of it twice knows it by its commit timestamp, and the
            // value
            // is in none of these entries.
            return;
        }
        rows.add(row(key, write.startTs(), ts, LogType.COMMITTED, put, value).build());
    }

    private static Row.Builder row(
            MvccKey key, long startTs, long commitTs, LogType type, @Nullable Boolean put, byte @Nullable [] value) {
        Row.Builder row = Row.newBuilder()
                .setKey(key.user().toByteString())
                .setStartTs(startTs)
                .setCommitTs(commitTs)
                .setType(type);
        if (put != null) {
            row.setOpType(put ? Row.OpType.PUT : Row.OpType.DELETE);
        }
        if (value != null) {
            row.setValue(value.length == 0 ? ByteString.EMPTY : UnsafeByteOperations.unsafeWrap(value));
        }
        return row;
    }

    private void note(ByteKey key, long startTs) {
        if (!prewritten.containsKey(key)) {
            long cost = cost(key);
            if (!budget.tryTake(cost)) {
                throw new OutOfMemoryBudgetException();
            }
            bytes += cost;
        }
        prewritten.put(key, startTs);
    }

    private @Nullable Long forget(ByteKey key) {
        Long startTs = prewritten.remove(key);
        if (startTs != null) {
            bytes -= cost(key);
            budget.giveBack(cost(key));
        }
        return startTs;
    }

    private static long cost(ByteKey key) {
        return LOCK_BYTES + key.bytes().length;
    }

    @Override
    public void close() {
        prewritten.clear();
        budget.giveBack(bytes);
        bytes = 0;
    }
}
