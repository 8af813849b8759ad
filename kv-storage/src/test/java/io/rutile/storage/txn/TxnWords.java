package io.rutile.storage.txn;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.kvrpcpb.Assertion;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.KvPair;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.protocol.kvrpcpb.Mutation;
import io.rutile.protocol.kvrpcpb.MvccWrite;
import io.rutile.protocol.kvrpcpb.Op;
import io.rutile.protocol.kvrpcpb.WriteConflict;
import java.util.List;

/** The small words of the conformance cases: mutations, timestamps, and what an error says. */
final class TxnWords {

    /** 2^64-1: "the newest there is". */
    static final long MAX = TimeStamp.MAX.value();

    /** All that a write conflict says; its {@code primary} is compared where a case names it. */
    record Conflict(String key, long startTs, long conflictTs, long conflictCommitTs, WriteConflict.Reason reason) {}

    private TxnWords() {}

    static ByteString utf8(String text) {
        return ByteString.copyFromUtf8(text);
    }

    static long ts(long physicalMs, long logical) {
        return TimeStamp.of(physicalMs, logical).value();
    }

    static Mutation put(String key, String value) {
        return mutation(Op.Put, key).toBuilder().setValue(utf8(value)).build();
    }

    static Mutation insert(String key, String value) {
        return put(key, value).toBuilder().setOp(Op.Insert).build();
    }

    static Mutation del(String key) {
        return mutation(Op.Del, key);
    }

    static Mutation lockOnly(String key) {
        return mutation(Op.Lock, key);
    }

    static Mutation checkNotExists(String key) {
        return mutation(Op.CheckNotExists, key);
    }

    static Mutation exists(Mutation mutation) {
        return mutation.toBuilder().setAssertion(Assertion.Exist).build();
    }

    static Mutation notExists(Mutation mutation) {
        return mutation.toBuilder().setAssertion(Assertion.NotExist).build();
    }

    static Mutation mutation(Op op, String key) {
        return Mutation.newBuilder().setOp(op).setKey(utf8(key)).build();
    }

    static KeyError only(List<KeyError> errors) {
        assertThat(errors).hasSize(1);
        return errors.get(0);
    }

    static Conflict conflict(KeyError error) {
        assertThat(error.hasConflict()).as("%s", error).isTrue();
        assertThat(error.getRetryable())
                .as("a conflict says that it may be retried")
                .isNotEmpty();
        assertThat(error.hasLocked() || !error.getAbort().isEmpty())
                .as("%s", error)
                .isFalse();
        WriteConflict said = error.getConflict();
        return new Conflict(
                said.getKey().toStringUtf8(),
                said.getStartTs(),
                said.getConflictTs(),
                said.getConflictCommitTs(),
                said.getReason());
    }

    /** The lock that an error is about, whose key and start_ts are as expected. */
    static LockInfo locked(KeyError error, String key, long startTs) {
        assertThat(error.hasLocked()).as("%s", error).isTrue();
        assertThat(error.hasConflict() || !error.getAbort().isEmpty())
                .as("%s", error)
                .isFalse();
        assertThat(shown(error.getLocked())).isEqualTo(key + "@" + startTs);
        return error.getLocked();
    }

    /** The text of an error that nothing but aborting helps against. */
    static String abort(KeyError error) {
        assertThat(error.getAbort()).as("%s", error).isNotEmpty();
        assertThat(error.toBuilder().clearAbort().build()).isEqualTo(KeyError.getDefaultInstance());
        return error.getAbort();
    }

    static String alreadyExist(KeyError error) {
        assertThat(error.hasAlreadyExist()).as("%s", error).isTrue();
        return error.getAlreadyExist().getKey().toStringUtf8();
    }

    /** {@code k@10}: a lock on k of the transaction that started at 10. */
    static String shown(LockInfo lock) {
        return lock.getKey().toStringUtf8() + "@" + Long.toUnsignedString(lock.getLockVersion());
    }

    /** {@code k=v}, or {@code locked k@10} for a pair with nothing but that error, or {@code abort} likewise. */
    static List<String> shown(List<KvPair> pairs) {
        return pairs.stream().map(TxnWords::shown).toList();
    }

    private static String shown(KvPair pair) {
        if (!pair.hasError()) {
            return pair.getKey().toStringUtf8() + "=" + pair.getValue().toStringUtf8();
        }
        assertThat(pair.toBuilder().clearError().build()).isEqualTo(KvPair.getDefaultInstance());
        KeyError error = pair.getError();
        return error.hasLocked()
                ? "locked " + shown(error.getLocked())
                : error.getAbort().isEmpty() ? "other" : "abort";
    }

    /** {@code Put 5→10}, with {@code +rollback} behind it if it also says that the transaction of its commit_ts is rolled back. */
    static String shown(MvccWrite write) {
        return write.getType()
                + " "
                + Long.toUnsignedString(write.getStartTs())
                + "→"
                + Long.toUnsignedString(write.getCommitTs())
                + (write.getHasOverlappedRollback() ? "+rollback" : "");
    }
}
