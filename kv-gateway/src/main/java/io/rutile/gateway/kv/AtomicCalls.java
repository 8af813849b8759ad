package io.rutile.gateway.kv;

import io.rutile.client.KvClientException;
import io.rutile.client.raw.RawKv.Pair;
import io.rutile.client.raw.RawKv.ScanRequest;
import io.rutile.client.txn.TxnOptions;
import io.rutile.gateway.kv.AtomicCall.Condition;
import io.rutile.gateway.kv.AtomicCall.Operation;
import io.rutile.gateway.kv.GatewayLimits.Permit;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.TimeStamp;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Carries atomic calls out, each as one optimistic transaction: everything is read at one moment, and the compared keys are locked
 * with the writes, so that the commit fails if any of them was written since. A conflict is the caller's to repeat: a new attempt
 * would read something else (P5). A branch that only reads commits nothing. Safe from any thread.
 */
public final class AtomicCalls {

    /** What a pair of an answer costs beside its bytes. */
    private static final int PAIR_OVERHEAD_BYTES = 64;

    private final TxnOperations operations;
    private final IdempotencyRecords records;

    /** @param records where outcomes of calls with a key are written down */
    public AtomicCalls(TxnOperations operations, IdempotencyRecords records) {
        this.operations = operations;
        this.records = records;
    }

    /**
     * Fails with {@link KvClientException}: {@code TOO_LARGE} if more would have to be read than allowed.
     *
     * @param timeout for reading, and once more for the commit
     * @param readBytesMax how much it may read, at most {@link BatchRead#ANSWER_BYTES_MAX}
     * @param permit where room for what is read is reserved
     */
    public CompletableFuture<AtomicCall.Result> run(
            AtomicCall call, Duration timeout, long readBytesMax, Permit permit) {
        TxnOptions options = TxnOptions.optimistic().withTimeouts(timeout, timeout);
        return operations
                .begin(options)
                .thenCompose(transaction ->
                        ending(transaction, new Run(call, transaction, readBytesMax, permit, null).run(timeout)));
    }

    /**
     * Carries a call out unless that was done before under the same key: then it is answered as it was then. The outcome is written down by
     * the transaction that it is the outcome of, so that there is one effect, however many gateways are asked, and whichever of them dies
     * (P5). Also what only reads is committed then. Fails with {@link FailureException}, too: {@code IDEMPOTENCY_KEY_REUSED}.
     *
     * @param timeout for reading, and once more for the commit
     * @param readBytesMax as above, and not more than {@link IdempotencyRecords#READ_BYTES_MAX} counts
     */
    public CompletableFuture<AtomicCall.Result> runOnce(
            IdempotencyKey key, AtomicCall call, Duration timeout, long readBytesMax, Permit permit) {
        long recordedBytesMax = Math.min(readBytesMax, IdempotencyRecords.READ_BYTES_MAX);
        TxnOptions options = TxnOptions.optimistic().withTimeouts(timeout, timeout);
        CompletableFuture<AtomicCall.Result> outcome = operations
                .begin(options)
                .thenCompose(transaction -> ending(
                        transaction,
                        transaction
                                .get(key.record())
                                .thenCompose(found -> records.isThere(found, transaction.startTs())
                                        ? records.before(key, timeout)
                                        : new Run(call, transaction, recordedBytesMax, permit, key).run(timeout))));
        return records.orBefore(key, timeout, outcome);
    }

    private static <T> CompletableFuture<T> ending(OpenTransaction transaction, CompletableFuture<T> outcome) {
        return outcome.whenComplete((done, failure) -> {
            // Harmless after a commit; before it, it leaves nothing behind.
            var unused = transaction.rollback();
        });
    }

    /** One call under way; its steps come one after the other. */
    private final class Run {

        private final AtomicCall call;
        private final OpenTransaction transaction;
        private final long readBytesMax;
        private final Permit permit;
        private final @Nullable IdempotencyKey key;

        private final List<List<Pair>> results = new ArrayList<>();
        private long readBytes;

        /** @param key under which the outcome is written down; null if it is not */
        Run(
                AtomicCall call,
                OpenTransaction transaction,
                long readBytesMax,
                Permit permit,
                @Nullable IdempotencyKey key) {
            this.call = call;
            this.transaction = transaction;
            this.readBytesMax = readBytesMax;
            this.permit = permit;
            this.key = key;
        }

        CompletableFuture<AtomicCall.Result> run(Duration timeout) {
            // Only what reads is left early: past this point a commit would be on its way.
            return holds().thenCompose(succeeded -> {
                        List<Operation> branch = succeeded ? call.then() : call.otherwise();
                        return from(0, branch).thenApply(done -> succeeded);
                    })
                    .orTimeout(timeout.toNanos(), TimeUnit.NANOSECONDS)
                    .exceptionallyCompose(failure -> CompletableFuture.failedFuture(
                            failure instanceof TimeoutException ? Deadline.passedReading() : failure))
                    .thenCompose(this::commit);
        }

        private CompletableFuture<Boolean> holds() {
            List<ByteKey> keys =
                    call.compare().stream().map(Condition::key).distinct().toList();
            return read(keys).thenApply(values -> {
                values.forEach((key, value) -> count(new Pair(key, value)));
                return call.compare().stream().allMatch(condition -> condition.holds(values.get(condition.key())));
            });
        }

        /** What is there of these keys. */
        private CompletableFuture<Map<ByteKey, byte[]>> read(List<ByteKey> keys) {
            return new BatchRead(transaction::batchGet, keys, permit).run().thenApply(read -> {
                if (!read.unread().isEmpty()) {
                    throw tooMuch();
                }
                Map<ByteKey, byte[]> values = new HashMap<>();
                read.pairs().forEach(pair -> values.put(pair.key(), pair.value()));
                return values;
            });
        }

        private CompletableFuture<Void> from(int index, List<Operation> branch) {
            int next = index;
            List<ByteKey> gets = new ArrayList<>();
            while (next < branch.size()) {
                Operation operation = branch.get(next);
                if (operation instanceof AtomicCall.Get get) {
                    gets.add(get.key());
                } else if (!gets.isEmpty()) {
                    break;
                } else if (operation instanceof AtomicCall.Put put) {
                    transaction.put(put.key(), put.value());
                    results.add(List.of());
                } else if (operation instanceof AtomicCall.Delete delete) {
                    transaction.delete(delete.key());
                    results.add(List.of());
                } else if (operation instanceof AtomicCall.Scan scan) {
                    int behind = next + 1;
                    return scan(scan).thenCompose(done -> from(behind, branch));
                }
                next++;
            }
            if (gets.isEmpty()) {
                return CompletableFuture.completedFuture(null);
            }
            // Reads in a row are one read.
            int behind = next;
            return read(gets.stream().distinct().toList()).thenCompose(values -> {
                for (ByteKey key : gets) {
                    List<Pair> found = pairOf(key, values.get(key));
                    found.forEach(this::count);
                    results.add(found);
                }
                return from(behind, branch);
            });
        }

        private static List<Pair> pairOf(ByteKey key, byte @Nullable [] value) {
            return value == null ? List.of() : List.of(new Pair(key, value));
        }

        private CompletableFuture<Void> scan(AtomicCall.Scan scan) {
            List<Pair> pairs = new ArrayList<>();
            results.add(pairs);
            ScanRequest asked = scan.request();
            ScanRequest callers = new ScanRequest(
                    ReservedKeys.outside(asked.range()), asked.limit(), asked.reverse(), asked.keysOnly());
            return transaction.scan(callers, page -> {
                try {
                    permit.reserve(page.stream().mapToLong(Run::bytesOf).sum());
                    page.forEach(this::count);
                } catch (FailureException | CallerGoneException refused) {
                    return CompletableFuture.failedFuture(refused);
                }
                pairs.addAll(page);
                return CompletableFuture.completedFuture(null);
            });
        }

        private CompletableFuture<AtomicCall.Result> commit(boolean succeeded) {
            List<Operation> branch = succeeded ? call.then() : call.otherwise();
            if (key != null) {
                transaction.put(key.record(), records.encode(key, transaction.startTs(), succeeded, results));
            } else if (branch.stream().noneMatch(Operation::writes)) {
                return CompletableFuture.completedFuture(result(succeeded, null));
            }
            List<ByteKey> guarded =
                    call.compare().stream().map(Condition::key).distinct().toList();
            return transaction
                    .lockKeys(guarded)
                    .thenCompose(done -> transaction.commit())
                    .thenApply(commitTs -> {
                        if (key != null) {
                            records.carriedOut();
                        }
                        return result(succeeded, commitTs);
                    });
        }

        private AtomicCall.Result result(boolean succeeded, @Nullable TimeStamp commitTs) {
            return new AtomicCall.Result(succeeded, transaction.startTs(), commitTs, results);
        }

        private void count(Pair pair) {
            readBytes += bytesOf(pair);
            if (readBytes > readBytesMax) {
                throw tooMuch();
            }
        }

        private static long bytesOf(Pair pair) {
            return (long) pair.key().bytes().length + pair.value().length + PAIR_OVERHEAD_BYTES;
        }

        private KvClientException tooMuch() {
            return new KvClientException(
                    KvClientException.Kind.TOO_LARGE,
                    "the call would read more than " + readBytesMax + " bytes; nothing is written",
                    null,
                    null);
        }
    }
}
