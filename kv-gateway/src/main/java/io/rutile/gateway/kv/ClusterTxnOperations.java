package io.rutile.gateway.kv;

import io.rutile.client.KvClientException;
import io.rutile.client.raw.RawKv;
import io.rutile.client.raw.RawKv.PairConsumer;
import io.rutile.client.raw.RawKv.ScanRequest;
import io.rutile.client.txn.Transaction;
import io.rutile.client.txn.TxnKv;
import io.rutile.client.txn.TxnOptions;
import io.rutile.client.txn.TxnReader;
import io.rutile.client.txn.TxnSnapshot;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.TimeStamp;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Transactions of a real cluster: each call forwards to the client, or fails with {@code UNAVAILABLE} while there is none. */
public final class ClusterTxnOperations implements TxnOperations {

    private final ClusterConnection connection;

    public ClusterTxnOperations(ClusterConnection connection) {
        this.connection = connection;
    }

    @Override
    public CompletableFuture<OpenTransaction> begin(TxnOptions options) {
        return connection
                .txn()
                .thenCompose(txn -> txn.begin(options))
                .thenApply(transaction -> new ClientTransaction(transaction));
    }

    @Override
    public CompletableFuture<ReadView> snapshot(TimeStamp version, Deadline deadline) {
        return connection
                .txn()
                .thenCompose(txn -> within(deadline, txn.currentTimestamp().thenApply(now -> {
                    // A read promises that nothing is committed at its moment later on: nobody can promise that of the
                    // future.
                    if (version.compareTo(now) > 0) {
                        throw new KvClientException(
                                KvClientException.Kind.INVALID,
                                "the timestamp " + version + " is not in the past: it is " + now + " now",
                                null,
                                null);
                    }
                    return view(txn, version, deadline);
                })));
    }

    @Override
    public CompletableFuture<ReadView> newest(Deadline deadline) {
        return connection.txn().thenApply(txn -> view(txn, TimeStamp.MAX, deadline));
    }

    @Override
    public CompletableFuture<Optional<TxnSnapshot.Versioned>> latest(ByteKey key, Deadline deadline) {
        return connection
                .txn()
                .thenCompose(txn -> within(
                        deadline,
                        txn.currentTimestamp()
                                .thenCompose(now -> txn.snapshot(now).getVersioned(key))));
    }

    private static ReadView view(TxnKv txn, TimeStamp version, Deadline deadline) {
        return new ClientReads(txn.snapshot(version)) {
            @Override
            public CompletableFuture<Optional<byte[]>> get(ByteKey key) {
                return within(deadline, super.get(key));
            }

            @Override
            public CompletableFuture<Map<ByteKey, byte[]>> batchGet(List<ByteKey> keys) {
                return within(deadline, super.batchGet(keys));
            }
        };
    }

    /** For calls that only read: the client's own time-out is the longest that a caller may name, and nothing is lost by leaving early. */
    private static <T> CompletableFuture<T> within(Deadline deadline, CompletableFuture<T> read) {
        return read.orTimeout(deadline.remaining().toNanos(), TimeUnit.NANOSECONDS)
                .exceptionallyCompose(failure -> CompletableFuture.failedFuture(
                        failure instanceof TimeoutException ? Deadline.passedReading() : failure));
    }

    /** The client's reader with the gateway's words for pairs and scans. */
    private static class ClientReads implements ReadView {

        private final TxnReader reader;

        ClientReads(TxnReader reader) {
            this.reader = reader;
        }

        @Override
        public TimeStamp startTs() {
            return reader.startTs();
        }

        @Override
        public CompletableFuture<Optional<byte[]>> get(ByteKey key) {
            return reader.get(key);
        }

        @Override
        public CompletableFuture<Map<ByteKey, byte[]>> batchGet(List<ByteKey> keys) {
            return reader.batchGet(keys);
        }

        @Override
        public CompletableFuture<Void> scan(ScanRequest request, PairConsumer consumer) {
            return reader.scan(
                    new TxnReader.ScanRequest(request.range(), request.limit(), request.reverse(), request.keysOnly()),
                    page -> consumer.accept(page.stream()
                            .map(pair -> new RawKv.Pair(pair.key(), pair.value()))
                            .toList()));
        }
    }

    private static final class ClientTransaction extends ClientReads implements OpenTransaction {

        private final Transaction transaction;

        ClientTransaction(Transaction transaction) {
            super(transaction);
            this.transaction = transaction;
        }

        @Override
        public CompletableFuture<Map<ByteKey, byte[]>> batchGetForUpdate(List<ByteKey> keys) {
            return transaction.batchGetForUpdate(keys);
        }

        @Override
        public void put(ByteKey key, byte[] value) {
            transaction.put(key, value);
        }

        @Override
        public void delete(ByteKey key) {
            transaction.delete(key);
        }

        @Override
        public CompletableFuture<Void> lockKeys(List<ByteKey> keys) {
            return transaction.lockKeys(keys);
        }

        @Override
        public CompletableFuture<TimeStamp> commit() {
            return transaction.commit();
        }

        @Override
        public CompletableFuture<Void> rollback() {
            return transaction.rollback();
        }
    }
}
