package io.rutile.cli.bench.subject;

import io.rutile.cli.bench.load.Action;
import io.rutile.cli.bench.load.CommitWay;
import io.rutile.cli.bench.load.KeySpace;
import io.rutile.cli.bench.load.Subject;
import io.rutile.cli.bench.load.Workload;
import io.rutile.client.RutileClient;
import io.rutile.client.txn.TxnOptions;
import io.rutile.client.txn.TxnReader;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A cluster, through kv-client over gRPC, where each operation is a transaction: it begins, reads or writes, and commits. A
 * read-modify-write is atomic; after a conflict it begins anew.
 */
public final class TxnSubject implements Subject {

    public static final Set<Action> ACTIONS =
            Set.of(Action.READ, Action.UPDATE, Action.INSERT, Action.SCAN, Action.SCAN_FULL, Action.READ_MODIFY_WRITE);

    private final Transactions transactions;
    private final TxnOptions options;
    private final ServerCpu cpu;

    /** @param client not closed here */
    public TxnSubject(RutileClient client, CommitWay way, ServerCpu cpu) {
        this.transactions = new Transactions(client.txn());
        this.options = way.of(TxnOptions.optimistic());
        this.cpu = cpu;
    }

    @Override
    public String name() {
        return "gRPC, transactions";
    }

    @Override
    public Set<Action> actions() {
        return ACTIONS;
    }

    @Override
    public Optional<Boolean> regions(Workload workload) {
        return Optional.of(true);
    }

    @Override
    public void load(KeySpace keys, Set<Action> actions) throws Exception {
        transactions.load(keys);
    }

    @Override
    public void read(String key) throws Exception {
        transactions.run(options, transaction -> {
            if (Calls.await(transaction.get(Transactions.key(key))).isEmpty()) {
                throw Calls.missing();
            }
        });
    }

    @Override
    public void update(String key, byte[] value) throws Exception {
        transactions.run(options, transaction -> transaction.put(Transactions.key(key), value));
    }

    @Override
    public int scan(String start, int limit) throws Exception {
        KeyRange range = new KeyRange(Transactions.key(start), ByteKey.EMPTY);
        int[] rows = new int[1];
        transactions.run(options, transaction -> {
            List<TxnReader.Pair> pairs =
                    Calls.await(transaction.scan(new TxnReader.ScanRequest(range, limit, false, false)));
            rows[0] = pairs.size();
        });
        return rows[0];
    }

    @Override
    public void readModifyWrite(String key, byte[] value) throws Exception {
        transactions.run(options, transaction -> {
            if (Calls.await(transaction.get(Transactions.key(key))).isEmpty()) {
                throw Calls.missing();
            }
            transaction.put(Transactions.key(key), value);
        });
    }

    @Override
    public Map<String, Duration> cpu() {
        return cpu.used();
    }

    @Override
    public void close() {
        // The client is somebody else's.
    }
}
