package io.rutile.node.raftstore;

import java.nio.ByteBuffer;

/**
 * Which store of which cluster a data directory belongs to; written once.
 *
 * <pre>
 * store_identity := format(1)=01 cluster_id(8) store_id(8)
 * </pre>
 *
 * @param clusterId PD's number of the cluster, unsigned
 * @param storeId given by PD, from 1
 */
public record StoreIdentity(long clusterId, long storeId) {

    private static final byte FORMAT = 1;
    private static final int BYTES = 1 + 2 * Long.BYTES;

    public StoreIdentity {
        if (storeId <= 0) {
            throw new IllegalArgumentException("store id must be positive: " + storeId);
        }
    }

    byte[] encode() {
        return ByteBuffer.allocate(BYTES)
                .put(FORMAT)
                .putLong(clusterId)
                .putLong(storeId)
                .array();
    }

    static StoreIdentity decode(byte[] bytes) {
        if (bytes.length != BYTES || bytes[0] != FORMAT) {
            throw new IllegalArgumentException("not a store identity of format " + FORMAT);
        }
        ByteBuffer in = ByteBuffer.wrap(bytes, 1, BYTES - 1);
        return new StoreIdentity(in.getLong(), in.getLong());
    }
}
