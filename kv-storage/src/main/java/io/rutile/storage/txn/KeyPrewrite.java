package io.rutile.storage.txn;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.kvrpcpb.Assertion;
import io.rutile.protocol.kvrpcpb.AssertionLevel;
import io.rutile.protocol.kvrpcpb.Mutation;
import io.rutile.protocol.kvrpcpb.Op;
import io.rutile.protocol.kvrpcpb.PrewriteRequest.PessimisticAction;
import io.rutile.protocol.kvrpcpb.WriteConflict;
import io.rutile.storage.mvcc.KeyFailure;
import io.rutile.storage.mvcc.Lock;
import io.rutile.storage.mvcc.LockKind;
import io.rutile.storage.mvcc.MvccKey;
import io.rutile.storage.mvcc.MvccReader;
import io.rutile.storage.mvcc.Ts;
import io.rutile.storage.mvcc.Version;
import io.rutile.storage.mvcc.WriteKind;
import org.jspecify.annotations.Nullable;

/**
 * Whether one key may be prewritten: what is locked, what is newer, what is asserted. Looks only; what it finds in the way it
 * throws.
 */
final class KeyPrewrite {

    /** What every key of a request shares. */
    record Rules(
            ByteKey primary,
            long startTs,
            long forUpdateTs,
            boolean pessimistic,
            boolean skipConstraintCheck,
            boolean retry,
            AssertionLevel assertionLevel) {}

    private final MvccReader reader;
    private final Rules rules;
    private final MvccKey key;
    private final Mutation mutation;
    private final PessimisticAction action;

    KeyPrewrite(MvccReader reader, Rules rules, MvccKey key, Mutation mutation, PessimisticAction action) {
        this.reader = reader;
        this.rules = rules;
        this.key = key;
        this.mutation = mutation;
        this.action = action;
    }

    /**
     * The lock on the key, if it is the transaction's own.
     *
     * @param expectedForUpdateTs what its pessimistic lock must say, null for anything
     * @throws KeyFailure if the key is another's, or isn't locked as this request says it is
     */
    @Nullable Lock ownLock(@Nullable Long expectedForUpdateTs) {
        Lock lock = reader.lock(key);
        boolean mustBeLocked = action == PessimisticAction.DO_PESSIMISTIC_CHECK;
        if (lock == null) {
            if (mustBeLocked) {
                checkAmendable();
            }
            return null;
        }
        if (lock.startTs() != rules.startTs()) {
            if (mustBeLocked) {
                throw KeyFailure.pessimisticLockNotFound(key, rules.startTs(), "reason: LockTsMismatch");
            }
            throw KeyFailure.locked(
                    // A pessimistic transaction has waited for its locks already: this one is to be resolved at once.
                    rules.pessimistic()
                            ? lock.toInfo(key.user()).toBuilder().setLockTtl(0).build()
                            : lock.toInfo(key.user()));
        }
        if (lock.isPessimistic()) {
            if (!rules.pessimistic()) {
                throw KeyFailure.lockTypeNotMatch(key, rules.startTs(), "pessimistic: true");
            }
            if (expectedForUpdateTs != null && lock.forUpdateTs() != expectedForUpdateTs) {
                throw KeyFailure.pessimisticLockNotFound(key, rules.startTs(), "reason: ForUpdateTsMismatch");
            }
        }
        return lock;
    }

    /** A pessimistic lock that got lost is as good as held if nobody has written since the transaction began. */
    private void checkAmendable() {
        Version newest = reader.seek(key, Ts.MAX);
        if (newest != null && !Ts.isBefore(newest.ts(), rules.startTs())) {
            throw KeyFailure.pessimisticLockNotFound(key, rules.startTs(), "reason: LockMissingAmendFail");
        }
    }

    /**
     * What is newer than the transaction may see, whether the key must not exist, and what is asserted about it.
     *
     * @throws KeyFailure {@code WRITE_CONFLICT}, {@code PESSIMISTIC_LOCK_NOT_FOUND}, {@code ALREADY_EXISTS},
     *     {@code ASSERTION_FAILED}
     */
    void checkHistory() {
        boolean checksVersion = checksVersion();
        if (checksVersion) {
            checkNewest();
        }
        Assertion assertion = mutation.getAssertion();
        boolean asserts = assertion != Assertion.None
                && (rules.assertionLevel() == AssertionLevel.Strict
                        || rules.assertionLevel() == AssertionLevel.Fast && checksVersion);
        if (asserts) {
            checkAssertion(assertion, checksVersion);
        }
    }

    private boolean checksVersion() {
        if (!rules.pessimistic()) {
            return !rules.skipConstraintCheck();
        }
        return action == PessimisticAction.DO_CONSTRAINT_CHECK
                // A key that was never locked may have been prewritten, rolled back or committed by what this retries.
                || action == PessimisticAction.SKIP_PESSIMISTIC_CHECK && rules.retry();
    }

    private void checkNewest() {
        Version newest = reader.seek(key, Ts.MAX);
        if (newest == null) {
            return;
        }
        if (newest.tellsRollbackOf(rules.startTs())) {
            throw conflict(WriteConflict.Reason.SelfRolledBack, newest);
        }
        if (!rules.pessimistic() || action == PessimisticAction.DO_CONSTRAINT_CHECK) {
            if (Ts.isAfter(newest.ts(), rules.startTs())) {
                throw conflict(
                        rules.pessimistic()
                                ? WriteConflict.Reason.LazyUniquenessCheck
                                : WriteConflict.Reason.Optimistic,
                        newest);
            }
        } else {
            checkNotLockedKey(newest);
        }
        if (mustNotExist() && (newest.kind() == WriteKind.PUT || !newest.kind().isData() && olderPut(newest) != null)) {
            throw KeyFailure.alreadyExists(key);
        }
    }

    /** A key that a pessimistic transaction changes without having locked it must not have changed since its statement. */
    private void checkNotLockedKey(Version newest) {
        Version version = newest;
        while (version != null && Ts.isAfter(version.ts(), rules.forUpdateTs())) {
            if (version.kind() != WriteKind.ROLLBACK) {
                throw KeyFailure.pessimisticLockNotFound(key, rules.startTs(), "reason: NonLockKeyConflict");
            }
            version = reader.next(key);
        }
        if (version != null && version != newest && version.tellsRollbackOf(rules.startTs())) {
            throw conflict(WriteConflict.Reason.SelfRolledBack, version);
        }
    }

    private void checkAssertion(Assertion assertion, boolean versionChecked) {
        Version data = reader.data(key, Ts.MAX);
        boolean exists = data != null && data.kind() == WriteKind.PUT;
        if (exists == (assertion == Assertion.Exist)) {
            return;
        }
        if (!versionChecked) {
            // What the client asserted may be wrong only because it is late: then that is what it must hear.
            checkNewest();
        }
        throw KeyFailure.assertionFailed(
                key,
                rules.startTs(),
                assertion,
                data == null ? 0 : data.write().startTs(),
                data == null ? 0 : data.ts());
    }

    private @Nullable Version olderPut(Version than) {
        return reader.put(key, than.ts());
    }

    private KeyFailure conflict(WriteConflict.Reason reason, Version with) {
        return KeyFailure.conflict(reason, key, rules.startTs(), with.write().startTs(), with.ts(), rules.primary());
    }

    boolean mustNotExist() {
        return mutation.getOp() == Op.Insert || mutation.getOp() == Op.CheckNotExists;
    }

    /** What the lock will be; null for an operation that only looks. @throws KeyFailure if it cannot be prewritten */
    static @Nullable LockKind lockKind(Op op) {
        return switch (op) {
            case Put, Insert -> LockKind.PUT;
            case Del -> LockKind.DELETE;
            case Lock -> LockKind.LOCK;
            case CheckNotExists -> null;
            default -> throw KeyFailure.refused("InvalidMutation", "op: " + op + " cannot be prewritten");
        };
    }
}
