package io.rutile.client.txn;

import com.google.protobuf.ByteString;
import io.rutile.client.KvClientException;
import io.rutile.client.KvClientException.Kind;
import io.rutile.client.region.KeySpace;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.protocol.kvrpcpb.WriteConflict;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Reads what a store says about a key. */
final class KeyErrors {

    /** Parts of abort texts that mean "rolled back by others", lower case: the protocol has no field for them. */
    private static final List<String> ROLLED_BACK =
            List.of("pessimisticlockrolledback", "pessimisticlocknotfound", "txnlocknotfound");

    /** Parts of abort texts that mean "the request is wrong", lower case. */
    private static final List<String> REQUEST_IS_WRONG =
            List.of("keytoolarge", "apiversionnotmatched", "invalidkeymode", "invalidtxntso");

    private final KeySpace keys;

    KeyErrors(KeySpace keys) {
        this.keys = keys;
    }

    /** The locks among the errors; an error that is no lock is thrown. */
    List<LockInfo> locks(String method, List<KeyError> errors, TimeStamp startTs) {
        List<LockInfo> locks = new ArrayList<>();
        for (KeyError error : errors) {
            if (!error.hasLocked()) {
                throw failure(method, error, startTs);
            }
            addLock(locks, error.getLocked());
        }
        return locks;
    }

    private static void addLock(List<LockInfo> locks, LockInfo lock) {
        if (lock.getSharedLockInfosCount() > 0) {
            locks.addAll(lock.getSharedLockInfosList());
        } else {
            locks.add(lock);
        }
    }

    /** What the error means to the caller of a transaction. */
    KvClientException failure(String method, KeyError error, TimeStamp startTs) {
        if (error.hasConflict()) {
            WriteConflict conflict = error.getConflict();
            return new WriteConflictException(
                    startTs,
                    user(conflict.getKey()),
                    new TimeStamp(conflict.getConflictTs()),
                    new TimeStamp(conflict.getConflictCommitTs()),
                    conflict.getReason());
        }
        if (error.hasAlreadyExist()) {
            return new KeyExistsException(startTs, user(error.getAlreadyExist().getKey()));
        }
        if (error.hasDeadlock()) {
            List<DeadlockException.Wait> chain = error.getDeadlock().getWaitChainList().stream()
                    .map(wait -> new DeadlockException.Wait(
                            new TimeStamp(wait.getTxn()), new TimeStamp(wait.getWaitForTxn()), user(wait.getKey())))
                    .toList();
            return new DeadlockException(startTs, user(error.getDeadlock().getLockKey()), chain);
        }
        if (error.hasAssertionFailed()) {
            return new AssertionFailedException(
                    startTs,
                    user(error.getAssertionFailed().getKey()),
                    "the key must " + error.getAssertionFailed().getAssertion());
        }
        if (error.hasTxnLockNotFound() || error.hasTxnNotFound()) {
            return new TxnLockNotFoundException(startTs, method + " found no lock of it");
        }
        if (error.hasLocked()) {
            return new KeyLockedException(
                    startTs,
                    user(error.getLocked().getKey()),
                    new TimeStamp(error.getLocked().getLockVersion()));
        }
        return ofText(method, error, startTs);
    }

    /** Texts are the store's own; those that name keys do so in their debug form, so only what is known is repeated (E3). */
    private KvClientException ofText(String method, KeyError error, TimeStamp startTs) {
        String text = error.getAbort().isEmpty() ? error.getRetryable() : error.getAbort();
        String lower = text.toLowerCase(Locale.ROOT);
        if (ROLLED_BACK.stream().anyMatch(lower::contains)) {
            return new TxnLockNotFoundException(startTs, method + ": " + nameIn(text));
        }
        boolean wrong = REQUEST_IS_WRONG.stream().anyMatch(lower::contains);
        return new TxnException(
                wrong ? Kind.INVALID : Kind.SERVER,
                "transaction " + startTs + ": " + method + " was refused: " + nameIn(text),
                startTs,
                null);
    }

    /** The error's name: what is in front of its fields. */
    private static String nameIn(String text) {
        int end = 0;
        while (end < text.length() && end < 120 && "{[:\"".indexOf(text.charAt(end)) < 0) {
            end++;
        }
        String name = text.substring(0, end).strip();
        return name.isEmpty() ? "an error without a name" : name;
    }

    /** Stores answer with keys of this keyspace; one that is not is passed on as it came. */
    ByteKey user(ByteString wire) {
        ByteKey key = ByteKey.of(wire);
        try {
            return keys.fromWire(key);
        } catch (IllegalArgumentException foreign) {
            return key;
        }
    }
}
