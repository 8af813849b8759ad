package io.rutile.storage.mvcc;

import io.rutile.protocol.kvrpcpb.Op;

/** What a write record says. {@code id} is stored and never changes. */
public enum WriteKind {
    PUT(1, Op.Put),
    DELETE(2, Op.Del),
    /** Committed without changing the value. */
    LOCK(3, Op.Lock),
    /** The transaction that began at this timestamp was rolled back on this key (P2). */
    ROLLBACK(4, Op.Rollback);

    private final int id;
    private final Op op;

    WriteKind(int id, Op op) {
        this.id = id;
        this.op = op;
    }

    int id() {
        return id;
    }

    public Op op() {
        return op;
    }

    /** True if it says what the value is, false if an older record does. */
    public boolean isData() {
        return this == PUT || this == DELETE;
    }

    static WriteKind byId(int id) {
        for (WriteKind kind : values()) {
            if (kind.id == id) {
                return kind;
            }
        }
        throw new CorruptRecordException("write of unknown kind " + id);
    }
}
