package io.rutile.gateway.kv;

import io.rutile.client.KvClientException;
import io.rutile.client.raw.RawKv.Pair;
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

    public AtomicCalls(TxnOperations operations) {
        this.operations = operations;
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
                .thenCompose(transaction -> new Run(call, transaction, readBytesMax, permit)
                        .run(timeout)
                        .whenComplete((done, failure) -> {
                            // Harmless after a commit; before it, it leaves nothing behind.
                            var unused = transaction.rollback();
                        }));
    }

    /** One call under way; its steps come one after the other. */
    private static final class Run {

        private final AtomicCall call;
        private final OpenTransaction transaction;
        private final long readBytesMax;
        private final Permit permit;

        private final List<List<Pair>> results = new ArrayList<>();
        private long readBytes;

        Run(AtomicCall call, OpenTransaction transaction, long readBytesMax, Permit permit) {
            this.call = call;
            this.transaction = transaction;
            this.readBytesMax = readBytesMax;
            this.permit = permit;
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
            return transaction.scan(scan.request(), page -> {
                try {
                    permit.reserve(page.stream().mapToLong(Run::bytesOf).sum());
                    page.forEach(this::count);
                } catch (KvClientException | CallerGoneException refused) {
                    return CompletableFuture.failedFuture(refused);
                }
                pairs.addAll(page);
                return CompletableFuture.completedFuture(null);
            });
        }

        private CompletableFuture<AtomicCall.Result> commit(boolean succeeded) {
            List<Operation> branch = succeeded ? call.then() : call.otherwise();
            if (branch.stream().noneMatch(Operation::writes)) {
                return CompletableFuture.completedFuture(result(succeeded, null));
            }
            List<ByteKey> guarded =
                    call.compare().stream().map(Condition::key).distinct().toList();
            return transaction
                    .lockKeys(guarded)
                    .thenCompose(done -> transaction.commit())
                    .thenApply(commitTs -> result(succeeded, commitTs));
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
