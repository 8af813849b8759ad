package io.rutile.storage.mvcc;

import io.rutile.protocol.kvrpcpb.Op;

/** What a lock will become when it is committed. {@code id} is stored and never changes. */
public enum LockKind {
    PUT(1, Op.Put),
    DELETE(2, Op.Del),
    /** Locks without changing: {@code SELECT FOR UPDATE} of an optimistic transaction. */
    LOCK(3, Op.Lock),
    /** Held before prewrite; commits to nothing. */
    PESSIMISTIC(4, Op.PessimisticLock);

    private final int id;
    private final Op op;

    LockKind(int id, Op op) {
        this.id = id;
        this.op = op;
    }

    int id() {
        return id;
    }

    public Op op() {
        return op;
    }

    static LockKind byId(int id) {
        for (LockKind kind : values()) {
            if (kind.id == id) {
                return kind;
            }
        }
        throw new CorruptRecordException("lock of unknown kind " + id);
    }
}
