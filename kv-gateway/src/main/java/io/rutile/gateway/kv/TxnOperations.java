package io.rutile.gateway.kv;

import io.rutile.client.KvClientException;
import io.rutile.client.txn.TxnOptions;
import io.rutile.client.txn.TxnSnapshot;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.TimeStamp;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * Where the gateway's transactions come from: beside {@link KvOperations}, the other half of the front door. Futures fail with
 * {@link KvClientException}; methods return at once and throw nothing; the threads that complete the futures must not be blocked.
 */
public interface TxnOperations {

    /** Begins a transaction now. Its calls have the deadlines of the options. */
    CompletableFuture<OpenTransaction> begin(TxnOptions options);

    /** What was committed at a moment or before. Fails with {@code INVALID} if the moment is not in the past. */
    CompletableFuture<ReadView> snapshot(TimeStamp version, Deadline deadline);

    /** What is under a key now, and since when: nothing that was committed before this call is missed. */
    CompletableFuture<Optional<TxnSnapshot.Versioned>> latest(ByteKey key, Deadline deadline);

    /** The newest that is committed when it is read: good for one key. */
    CompletableFuture<ReadView> newest(Deadline deadline);
}
