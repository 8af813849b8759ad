package io.rutile.client.txn;

import com.google.protobuf.UnsafeByteOperations;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.kvrpcpb.Mutation;
import io.rutile.protocol.kvrpcpb.Op;

/**
 * What a transaction does to a key.
 *
 * @param key in wire form
 * @param value empty where the operation has none
 * @param locked whether the transaction holds a pessimistic lock on the key
 */
@SuppressWarnings("ArrayRecordComponent") // Values are shared, not copied, and never compared here.
record TxnMutation(Op op, ByteKey key, byte[] value, boolean locked) {

    static final byte[] NO_VALUE = new byte[0];

    /** True if the prewrite leaves a lock that commit or rollback takes away. */
    boolean locks() {
        return op != Op.CheckNotExists;
    }

    long bytes() {
        return (long) key.bytes().length + value.length;
    }

    Mutation toProto() {
        Mutation.Builder mutation = Mutation.newBuilder().setOp(op).setKey(key.toByteString());
        if (op == Op.Put || op == Op.Insert) {
            mutation.setValue(UnsafeByteOperations.unsafeWrap(value));
        }
        return mutation.build();
    }
}
