package io.rutile.cli.workload;

import io.rutile.cli.check.Outcome;
import io.rutile.cli.workload.StoreFailure.Cause;
import io.rutile.client.KvClientException;
import io.rutile.client.KvClientException.Kind;
import io.rutile.client.txn.Transaction;
import io.rutile.client.txn.TxnKv;
import io.rutile.client.txn.TxnOptions;
import io.rutile.client.txn.TxnReader.Pair;
import io.rutile.client.txn.TxnReader.ScanRequest;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.TimeStamp;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A cluster, through its transactional API. One transaction is patient, the next one is not: some give up while a leader is frozen and
 * leave their locks and an unknown outcome behind, others outlive it and find out that they were taken for dead. Both is where mistakes
 * would be.
 */
public final class ClusterStore implements TxnStore {

    /** How long a transaction waits for what. */
    private record Patience(Duration call, Duration commit, Duration lockTtl, Duration lockWait) {

        private static final List<Patience> ALL = List.of(
                ofMillis(1_000, 500, 200, 300),
                ofMillis(5_000, 10_000, 1_000, 2_000),
                ofMillis(5_000, 3_000, 3_000, 1_000));

        private static Patience ofMillis(long call, long commit, long lockTtl, long lockWait) {
            return new Patience(
                    Duration.ofMillis(call),
                    Duration.ofMillis(commit),
                    Duration.ofMillis(lockTtl),
                    Duration.ofMillis(lockWait));
        }

        TxnOptions options(TxnOptions base, Protocol protocol) {
            return protocol.applyTo(base.withTimeouts(call, commit).withLocks(lockTtl, lockWait, LIFETIME_MAX));
        }
    }

    private static final Duration LIFETIME_MAX = Duration.ofSeconds(30);

    /** A call that is not answered long after its own deadline never is. */
    private static final Duration ANSWER_WAIT = Duration.ofSeconds(45);

    private static final int SCAN_PAIRS_MAX = 10_000;

    private final TxnKv txns;
    private final List<TxnOptions> optimistic;
    private final List<TxnOptions> pessimistic;
    private final AtomicInteger turns = new AtomicInteger();

    /** @param txns not closed here */
    public ClusterStore(TxnKv txns, Protocol protocol) {
        this.txns = txns;
        optimistic = Patience.ALL.stream()
                .map(patience -> patience.options(TxnOptions.optimistic(), protocol))
                .toList();
        pessimistic = Patience.ALL.stream()
                .map(patience -> patience.options(TxnOptions.pessimistic(), protocol))
                .toList();
    }

    @Override
    public StoreTxn begin(Locking locking) {
        List<TxnOptions> options = locking == Locking.PESSIMISTIC ? pessimistic : optimistic;
        int turn = Math.floorMod(turns.getAndIncrement(), options.size());
        return new ClusterTxn(answer(txns.begin(options.get(turn))));
    }

    /** For everything but commit: what it fails with has written nothing. */
    private static <T> T answer(CompletableFuture<T> call) {
        return answer(call, Outcome.FAILED);
    }

    /**
     * Waits.
     *
     * @param inDoubt what a call leaves behind that ran into its deadline, or that says itself that it doesn't know
     * @throws IllegalStateException if it is not answered at all
     */
    private static <T> T answer(CompletableFuture<T> call, Outcome inDoubt) {
        try {
            return call.get(ANSWER_WAIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof KvClientException failure) {
                Outcome outcome = switch (failure.kind()) {
                    case UNDETERMINED, TIMEOUT -> inDoubt;
                    default -> Outcome.FAILED;
                };
                throw failure(failure, outcome);
            }
            throw new IllegalStateException("a call failed with what no caller expects: " + e.getCause(), e);
        } catch (TimeoutException e) {
            throw new IllegalStateException("a call was not answered for " + ANSWER_WAIT.toSeconds() + " s", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StoreFailure(Cause.UNAVAILABLE, inDoubt, "interrupted", e);
        }
    }

    private static StoreFailure failure(KvClientException failure, Outcome outcome) {
        Cause why = failure.kind() == Kind.CONFLICT ? Cause.CONFLICT : Cause.UNAVAILABLE;
        return new StoreFailure(why, outcome, failure.kind() + ": " + failure.getMessage(), failure);
    }

    private static ByteKey key(String text) {
        return ByteKey.wrap(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static final class ClusterTxn implements StoreTxn {

        private final Transaction txn;

        ClusterTxn(Transaction txn) {
            this.txn = txn;
        }

        @Override
        public TimeStamp startTs() {
            return txn.startTs();
        }

        @Override
        public Optional<String> get(String key) {
            return answer(txn.get(key(key))).map(ClusterStore::text);
        }

        @Override
        public Map<String, String> getAll(List<String> keys) {
            Map<String, String> found = new HashMap<>();
            answer(txn.batchGet(keys.stream().map(ClusterStore::key).toList()))
                    .forEach((key, value) -> found.put(text(key.bytes()), text(value)));
            return found;
        }

        @Override
        public Map<String, String> scan(String prefix) {
            KeyRange range = new KeyRange(key(prefix), key(prefix + Character.MAX_VALUE));
            Map<String, String> found = new HashMap<>();
            for (Pair pair : answer(txn.scan(new ScanRequest(range, SCAN_PAIRS_MAX, false, false)))) {
                found.put(text(pair.key().bytes()), text(pair.value()));
            }
            return found;
        }

        @Override
        public Optional<String> getForUpdate(String key) {
            return answer(txn.getForUpdate(key(key))).map(ClusterStore::text);
        }

        @Override
        public void put(String key, String value) {
            try {
                txn.put(key(key), value.getBytes(StandardCharsets.UTF_8));
            } catch (KvClientException refused) {
                throw failure(refused, Outcome.FAILED);
            }
        }

        @Override
        public TimeStamp commit() {
            return answer(txn.commit(), Outcome.UNKNOWN);
        }

        /** Locks are let go in the background; who meets one meanwhile waits or resolves it. */
        @Override
        public void rollback() {
            txn.close();
        }
    }
}
