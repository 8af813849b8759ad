package io.rutile.cli.bench;

import io.rutile.client.RutileClient;
import io.rutile.client.RutileClientOptions;
import io.rutile.client.raw.RawKv;
import io.rutile.client.txn.Transaction;
import io.rutile.client.txn.TxnKv;
import io.rutile.client.txn.TxnOptions;
import io.rutile.client.txn.WriteConflictException;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A cluster, through kv-client over gRPC: one client for all threads, as an application would have it. */
final class GrpcSubject implements Subject {

    private static final Duration CALL_TIMEOUT = Duration.ofSeconds(10);
    private static final int LOAD_BATCH_PAIRS = 256;
    private static final int CONFLICTS_MAX = 10;

    private final RutileClient client;
    private final RawKv raw;
    private final TxnKv txn;
    private final TxnOptions transactions;
    private final ServerCpu cpu;

    GrpcSubject(List<String> pdEndpoints, CommitWay way, ServerCpu cpu) {
        this.client =
                RutileClient.connect(new RutileClientOptions(pdEndpoints, CALL_TIMEOUT, Duration.ofSeconds(30), 2));
        this.raw = client.raw();
        this.txn = client.txn();
        this.transactions = way.of(TxnOptions.optimistic());
        this.cpu = cpu;
    }

    @Override
    public String name() {
        return "gRPC";
    }

    @Override
    public void load(KeySpace keys) throws Exception {
        SplittableRandom random = new SplittableRandom(keys.seed());
        Map<ByteKey, byte[]> batch = new LinkedHashMap<>();
        for (int i = 0; i < keys.count(); i++) {
            batch.put(key(keys.key(i)), keys.randomValue(random));
            if (batch.size() == LOAD_BATCH_PAIRS || i == keys.count() - 1) {
                await(raw.batchPut(batch, Duration.ZERO));
                batch = new LinkedHashMap<>();
            }
        }
    }

    @Override
    public void get(String key) throws Exception {
        if (await(raw.get(key(key))).isEmpty()) {
            throw new IllegalStateException("a loaded key is not there");
        }
    }

    @Override
    public void put(String key, byte[] value) throws Exception {
        await(raw.put(key(key), value, Duration.ZERO));
    }

    /** A conflict is part of the load: the transaction begins anew, and its caller waits for that. */
    @Override
    public void transaction(List<String> keys, byte[] value) throws Exception {
        for (int attempt = 1; ; attempt++) {
            try (Transaction transaction = await(txn.begin(transactions))) {
                // In a key range of their own: raw and transactional records of a key lie apart anyway.
                keys.forEach(key -> transaction.put(key("txn-" + key), value));
                await(transaction.commit());
                return;
            } catch (WriteConflictException e) {
                if (attempt == CONFLICTS_MAX) {
                    throw e;
                }
            }
        }
    }

    @Override
    public boolean isTransactional() {
        return true;
    }

    @Override
    public void scan(String start, int limit) throws Exception {
        RawKv.ScanRequest request = new RawKv.ScanRequest(new KeyRange(key(start), ByteKey.EMPTY), limit, false, false);
        if (await(raw.scan(request)).isEmpty()) {
            throw new IllegalStateException("a scan found nothing");
        }
    }

    @Override
    public Duration cpu() {
        return cpu.used();
    }

    @Override
    public void close() {
        client.close();
    }

    private static ByteKey key(String key) {
        return ByteKey.wrap(key.getBytes(StandardCharsets.US_ASCII));
    }

    /** Calls have a deadline of their own; the longer one here only says when something is badly wrong. */
    private static <T> T await(Future<T> call) throws Exception {
        try {
            return call.get(2 * CALL_TIMEOUT.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        } catch (TimeoutException e) {
            throw new IllegalStateException("a call never answered", e);
        }
    }
}
