package io.rutile.gateway.kv;

import io.rutile.client.KvClientException;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.TimeStamp;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * One transaction of the cluster. Reads see its own writes; writes stay with the gateway until {@link #commit}. What each call fails
 * with is said at {@link io.rutile.client.txn.Transaction}.
 */
public interface OpenTransaction extends ReadView {

    /** Locks keys and reads them. Only keys that are there are in the answer. */
    CompletableFuture<Map<ByteKey, byte[]>> batchGetForUpdate(List<ByteKey> keys);

    /**
     * Writes a value at commit.
     *
     * @throws KvClientException if the transaction cannot take it; it goes on without it
     */
    void put(ByteKey key, byte[] value);

    /** Deletes at commit. @see #put */
    void delete(ByteKey key);

    /** Pessimistic: takes the locks. Optimistic: the commit fails if one of the keys is written meanwhile. */
    CompletableFuture<Void> lockKeys(List<ByteKey> keys);

    /** All keys become visible at the moment it answers, or none does (P6). The transaction has ended, whatever the outcome. */
    CompletableFuture<TimeStamp> commit();

    /** Ends it; nothing is written. Harmless after the end. */
    CompletableFuture<Void> rollback();
}
