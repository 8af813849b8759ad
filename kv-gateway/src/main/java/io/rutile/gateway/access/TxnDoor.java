package io.rutile.gateway.access;

import io.rutile.client.raw.RawKv.PairConsumer;
import io.rutile.client.raw.RawKv.ScanRequest;
import io.rutile.client.txn.TxnOptions;
import io.rutile.gateway.kv.AtomicCall;
import io.rutile.gateway.kv.AtomicCall.Condition;
import io.rutile.gateway.kv.AtomicCall.Operation;
import io.rutile.gateway.kv.AtomicCalls;
import io.rutile.gateway.kv.Deadline;
import io.rutile.gateway.kv.GatewayLimits.Permit;
import io.rutile.gateway.kv.IdempotencyKey;
import io.rutile.gateway.kv.OpenTransaction;
import io.rutile.gateway.kv.ReadView;
import io.rutile.gateway.kv.ReservedKeys;
import io.rutile.gateway.kv.TxnOperations;
import io.rutile.gateway.kv.TxnSessions;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.TimeStamp;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Transactions in the name of one caller. Every step of an open transaction is asked about anew, and the transaction is there only for
 * who began it, for as long as they may do what they might then. What locks keys is a write, whatever it does with them afterwards: a lock
 * keeps others away. Futures fail as those of {@link TxnOperations} and {@link TxnSessions} do, or with {@link
 * io.rutile.gateway.kv.FailureException}.
 */
public final class TxnDoor {

    private final TxnOperations transactions;
    private final TxnSessions sessions;
    private final AtomicCalls atomicCalls;
    private final CallAccess access;

    TxnDoor(TxnOperations transactions, TxnSessions sessions, AtomicCalls atomicCalls, CallAccess access) {
        this.transactions = transactions;
        this.sessions = sessions;
        this.atomicCalls = atomicCalls;
        this.access = access;
    }

    // ---- sessions

    /** Begins a transaction that is this caller's. @see TxnSessions#begin */
    public CompletableFuture<TxnSessions.Opened> begin(TxnOptions options) {
        return GuardedKv.asked(
                () -> access.requireAny(Api.TXN),
                () -> sessions.begin(access.caller(), access.caller().quota(), options));
    }

    /** Does something with an open transaction of this caller's. @see TxnSessions#call */
    public <T> CompletableFuture<T> call(String id, Function<OpenTransaction, CompletableFuture<T>> call) {
        return sessions.call(
                access.caller(), id, transaction -> call.apply(new GuardedTransaction(transaction, access)));
    }

    /** Commits one of this caller's. @see TxnSessions#commit */
    public CompletableFuture<TimeStamp> commit(String id) {
        return sessions.commit(access.caller(), id);
    }

    /** The same under a key of this caller's. @see TxnSessions#commitOnce */
    public CompletableFuture<TimeStamp> commitOnce(String id, IdempotencyKey key, Duration timeout) {
        return sessions.commitOnce(access.caller(), id, key, timeout);
    }

    /** A key of this caller's; null if that is no name for one. @see IdempotencyKey#of */
    public @Nullable IdempotencyKey idempotencyKey(String name, byte[]... request) {
        return IdempotencyKey.of(access.caller().name(), name, request);
    }

    /** Rolls one of this caller's back. @see TxnSessions#rollback */
    public CompletableFuture<Void> rollback(String id) {
        return sessions.rollback(access.caller(), id);
    }

    // ---- without a session

    /**
     * Asks about both branches before anything is read: which of them is taken must not show in what is refused.
     *
     * @see AtomicCalls#run
     */
    public CompletableFuture<AtomicCall.Result> execute(
            AtomicCall call, Duration timeout, long readBytesMax, Permit permit) {
        return GuardedKv.asked(() -> require(call), () -> atomicCalls.run(call, timeout, readBytesMax, permit));
    }

    /** The same under a key of this caller's. @see AtomicCalls#runOnce */
    public CompletableFuture<AtomicCall.Result> executeOnce(
            IdempotencyKey key, AtomicCall call, Duration timeout, long readBytesMax, Permit permit) {
        return GuardedKv.asked(
                () -> require(call), () -> atomicCalls.runOnce(key, call, timeout, readBytesMax, permit));
    }

    private void require(AtomicCall call) {
        access.requireAny(Api.TXN);
        boolean writes =
                Stream.concat(call.then().stream(), call.otherwise().stream()).anyMatch(Operation::writes);
        for (Condition condition : call.compare()) {
            access.require(Permission.READ, Api.TXN, condition.key());
            if (writes) {
                // The commit locks it.
                access.require(Permission.WRITE, Api.TXN, condition.key());
            }
        }
        call.then().forEach(this::require);
        call.otherwise().forEach(this::require);
    }

    private void require(Operation operation) {
        if (operation instanceof AtomicCall.Get get) {
            access.require(Permission.READ, Api.TXN, get.key());
        } else if (operation instanceof AtomicCall.Scan scan) {
            access.require(Permission.READ, Api.TXN, scan.request().range());
        } else if (operation instanceof AtomicCall.Put put) {
            access.require(Permission.WRITE, Api.TXN, put.key());
        } else if (operation instanceof AtomicCall.Delete delete) {
            access.require(Permission.WRITE, Api.TXN, delete.key());
        } else {
            throw new AssertionError("an operation that nobody has said who may do");
        }
    }

    /** Reads what was committed at a moment. @see TxnOperations#snapshot */
    public CompletableFuture<ReadView> snapshot(TimeStamp version, Deadline deadline) {
        return GuardedKv.asked(() -> access.requireAny(Api.TXN), () -> transactions.snapshot(version, deadline))
                .thenApply(view -> new GuardedView(view, access));
    }

    /** Reads the newest. @see TxnOperations#newest */
    public CompletableFuture<ReadView> newest(Deadline deadline) {
        return GuardedKv.asked(() -> access.requireAny(Api.TXN), () -> transactions.newest(deadline))
                .thenApply(view -> new GuardedView(view, access));
    }

    /** Reads at one moment. */
    private static class GuardedView implements ReadView {

        private final ReadView view;
        final CallAccess access;

        GuardedView(ReadView view, CallAccess access) {
            this.view = view;
            this.access = access;
        }

        @Override
        public TimeStamp startTs() {
            return view.startTs();
        }

        @Override
        public CompletableFuture<Optional<byte[]>> get(ByteKey key) {
            return GuardedKv.asked(() -> access.require(Permission.READ, Api.TXN, key), () -> view.get(key));
        }

        @Override
        public CompletableFuture<Map<ByteKey, byte[]>> batchGet(List<ByteKey> keys) {
            return GuardedKv.asked(() -> access.require(Permission.READ, Api.TXN, keys), () -> view.batchGet(keys));
        }

        @Override
        public CompletableFuture<Void> scan(ScanRequest request, PairConsumer consumer) {
            ScanRequest callers = new ScanRequest(
                    ReservedKeys.outside(request.range()), request.limit(), request.reverse(), request.keysOnly());
            return GuardedKv.asked(
                    () -> access.require(Permission.READ, Api.TXN, request.range()),
                    () -> view.scan(callers, GuardedKv.pagewise(access, consumer)));
        }
    }

    /** An open transaction, for one call. */
    private static final class GuardedTransaction extends GuardedView implements OpenTransaction {

        private final OpenTransaction transaction;

        GuardedTransaction(OpenTransaction transaction, CallAccess access) {
            super(transaction, access);
            this.transaction = transaction;
        }

        @Override
        public CompletableFuture<Map<ByteKey, byte[]>> batchGetForUpdate(List<ByteKey> keys) {
            return GuardedKv.asked(
                    () -> {
                        access.require(Permission.READ, Api.TXN, keys);
                        access.require(Permission.WRITE, Api.TXN, keys);
                    },
                    () -> transaction.batchGetForUpdate(keys));
        }

        /** @throws io.rutile.gateway.kv.FailureException if the caller may not */
        @Override
        public void put(ByteKey key, byte[] value) {
            access.require(Permission.WRITE, Api.TXN, key);
            transaction.put(key, value);
        }

        /** @throws io.rutile.gateway.kv.FailureException if the caller may not */
        @Override
        public void delete(ByteKey key) {
            access.require(Permission.WRITE, Api.TXN, key);
            transaction.delete(key);
        }

        @Override
        public CompletableFuture<Void> lockKeys(List<ByteKey> keys) {
            return GuardedKv.asked(
                    () -> access.require(Permission.WRITE, Api.TXN, keys), () -> transaction.lockKeys(keys));
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
