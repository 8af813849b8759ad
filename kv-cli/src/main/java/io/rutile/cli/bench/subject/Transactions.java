package io.rutile.cli.bench.subject;

import io.rutile.cli.bench.load.KeySpace;
import io.rutile.client.txn.Transaction;
import io.rutile.client.txn.TxnKv;
import io.rutile.client.txn.TxnOptions;
import io.rutile.client.txn.WriteConflictException;
import io.rutile.protocol.ByteKey;

/** Transactions of a benchmark, and the data that they are about: the same keys in a range of their own. */
public final class Transactions {

    /** Raw and transactional records of a key lie apart anyway; this keeps their Regions apart too. */
    public static final String PREFIX = "txn-";

    private static final int CONFLICTS_MAX = 10;
    private static final int LOAD_BYTES_MAX = 256 << 10;

    private final TxnKv txn;

    /** What one does. */
    interface Body {
        void run(Transaction transaction) throws Exception;
    }

    Transactions(TxnKv txn) {
        this.txn = txn;
    }

    static ByteKey key(String key) {
        return ByteKey.wrap(Calls.bytes(PREFIX + key));
    }

    /** A conflict is part of the load: the transaction begins anew, ten times at most, and its caller waits for that. */
    void run(TxnOptions options, Body body) throws Exception {
        for (int attempt = 1; ; attempt++) {
            try (Transaction transaction = Calls.await(txn.begin(options))) {
                body.run(transaction);
                Calls.await(transaction.commit());
                return;
            } catch (WriteConflictException e) {
                if (attempt == CONFLICTS_MAX) {
                    throw e;
                }
            }
        }
    }

    void load(KeySpace keys) throws Exception {
        int batch = Math.max(1, Math.min(Calls.LOAD_BATCH_PAIRS, LOAD_BYTES_MAX / keys.valueBytes()));
        keys.forEach(
                batch,
                pairs -> run(
                        TxnOptions.optimistic(),
                        transaction -> pairs.forEach((key, value) -> transaction.put(key(key), value))));
    }
}
