package io.rutile.cli.bench.subject;

import io.rutile.cli.bench.load.Action;
import io.rutile.cli.bench.load.CommitWay;
import io.rutile.cli.bench.load.KeySpace;
import io.rutile.cli.bench.load.Subject;
import io.rutile.cli.bench.load.Workload;
import io.rutile.client.RutileClient;
import io.rutile.client.raw.RawKv;
import io.rutile.client.txn.TxnOptions;
import io.rutile.client.txn.TxnReader;
import io.rutile.client.txn.TxnSnapshot;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A cluster, through kv-client over gRPC: one client for all threads, as an application would have it. Reads, writes and scans are the
 * raw API's; transactions, reads at a held timestamp and timestamps are what they say.
 */
public final class GrpcSubject implements Subject {

    public static final Set<Action> ACTIONS = Set.of(Action.values());

    /** A timestamp is held for so long, then a newer one: garbage collection must not overtake it. */
    private static final long HELD_NANOS_MAX = TimeUnit.SECONDS.toNanos(60);

    private final RutileClient client;
    private final RawKv raw;
    private final Transactions transactions;
    private final ServerCpu cpu;
    private volatile @Nullable Held held;

    private record Held(TxnSnapshot snapshot, long sinceNanos) {}

    /** @param client not closed here */
    public GrpcSubject(RutileClient client, ServerCpu cpu) {
        this.client = client;
        this.raw = client.raw();
        this.transactions = new Transactions(client.txn());
        this.cpu = cpu;
    }

    @Override
    public String name() {
        return "gRPC";
    }

    @Override
    public Set<Action> actions() {
        return ACTIONS;
    }

    @Override
    public Optional<Boolean> regions(Workload workload) {
        return workload.actions().contains(Action.TIMESTAMP)
                ? Optional.empty()
                : Optional.of(workload.isTransactional());
    }

    @Override
    public void load(KeySpace keys, Set<Action> actions) throws Exception {
        if (!actions.stream().allMatch(action -> action.isTransactional() || action == Action.TIMESTAMP)) {
            keys.forEach(Calls.LOAD_BATCH_PAIRS, pairs -> {
                Map<ByteKey, byte[]> batch = new LinkedHashMap<>();
                pairs.forEach((key, value) -> batch.put(ByteKey.wrap(Calls.bytes(key)), value));
                Calls.await(raw.batchPut(batch, Duration.ZERO));
            });
        }
        if (actions.stream().anyMatch(Action::isTransactional)) {
            transactions.load(keys);
        }
    }

    @Override
    public void read(String key) throws Exception {
        if (Calls.await(raw.get(ByteKey.wrap(Calls.bytes(key)))).isEmpty()) {
            throw Calls.missing();
        }
    }

    @Override
    public void update(String key, byte[] value) throws Exception {
        Calls.await(raw.put(ByteKey.wrap(Calls.bytes(key)), value, Duration.ZERO));
    }

    @Override
    public int scan(String start, int limit) throws Exception {
        KeyRange range = new KeyRange(ByteKey.wrap(Calls.bytes(start)), ByteKey.EMPTY);
        return Calls.await(raw.scan(new RawKv.ScanRequest(range, limit, false, false)))
                .size();
    }

    @Override
    public void transaction(List<String> keys, byte[] value, CommitWay way) throws Exception {
        transactions.run(way.of(TxnOptions.optimistic()), transaction -> {
            keys.forEach(key -> transaction.put(Transactions.key(key), value));
        });
    }

    @Override
    public void heldRead(String key) throws Exception {
        if (Calls.await(held().get(Transactions.key(key))).isEmpty()) {
            throw Calls.missing();
        }
    }

    @Override
    public int heldScan(String start, int limit) throws Exception {
        KeyRange range = new KeyRange(Transactions.key(start), ByteKey.EMPTY);
        return Calls.await(held().scan(new TxnReader.ScanRequest(range, limit, false, false)))
                .size();
    }

    private TxnSnapshot held() throws Exception {
        Held now = held;
        if (now == null || System.nanoTime() - now.sinceNanos() > HELD_NANOS_MAX) {
            now = new Held(client.txn().snapshot(Calls.await(client.txn().currentTimestamp())), System.nanoTime());
            held = now;
        }
        return now.snapshot();
    }

    @Override
    public void timestamp() throws Exception {
        Calls.await(client.pd().timestamp());
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
