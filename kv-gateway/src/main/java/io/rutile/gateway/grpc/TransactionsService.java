package io.rutile.gateway.grpc;

import io.grpc.stub.StreamObserver;
import io.rutile.client.raw.RawKv.ScanRequest;
import io.rutile.client.txn.TxnOptions;
import io.rutile.gateway.access.FrontDoor;
import io.rutile.gateway.access.TxnDoor;
import io.rutile.gateway.access.WatchDoor;
import io.rutile.gateway.kv.AtomicCall;
import io.rutile.gateway.kv.BatchRead;
import io.rutile.gateway.kv.Deadline;
import io.rutile.gateway.kv.Failures;
import io.rutile.gateway.kv.GatewayLimits.Permit;
import io.rutile.gateway.kv.OpenTransaction;
import io.rutile.gateway.kv.ReadView;
import io.rutile.gateway.kv.TxnSessions;
import io.rutile.gateway.v1.BatchGetResponse;
import io.rutile.gateway.v1.BeginRequest;
import io.rutile.gateway.v1.BeginResponse;
import io.rutile.gateway.v1.CommitRequest;
import io.rutile.gateway.v1.CommitResponse;
import io.rutile.gateway.v1.ExecuteRequest;
import io.rutile.gateway.v1.ExecuteResponse;
import io.rutile.gateway.v1.OperationResult;
import io.rutile.gateway.v1.ReadRequest;
import io.rutile.gateway.v1.ReadResponse;
import io.rutile.gateway.v1.RollbackRequest;
import io.rutile.gateway.v1.RollbackResponse;
import io.rutile.gateway.v1.ScanResponse;
import io.rutile.gateway.v1.TransactionsGrpc;
import io.rutile.gateway.v1.TxnBatchGetRequest;
import io.rutile.gateway.v1.TxnDeleteRequest;
import io.rutile.gateway.v1.TxnDeleteResponse;
import io.rutile.gateway.v1.TxnGetRequest;
import io.rutile.gateway.v1.TxnGetResponse;
import io.rutile.gateway.v1.TxnLockRequest;
import io.rutile.gateway.v1.TxnLockResponse;
import io.rutile.gateway.v1.TxnPutRequest;
import io.rutile.gateway.v1.TxnPutResponse;
import io.rutile.gateway.v1.TxnScanRequest;
import io.rutile.gateway.v1.WatchRequest;
import io.rutile.gateway.v1.WatchResponse;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.TimeStamp;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Transactions over gRPC: each method parses, calls the front door once, and says what is answered. */
final class TransactionsService extends TransactionsGrpc.TransactionsImplBase {

    private final FrontDoor door;
    private final CallTimes times;

    TransactionsService(FrontDoor door, CallTimes times) {
        this.door = door;
        this.times = times;
    }

    /** In the name of who makes the call whose handler runs on this thread. */
    private TxnDoor txn() {
        return door.txn(CallGuard.current().access());
    }

    // ---- the life of a session

    @Override
    public void begin(BeginRequest request, StreamObserver<BeginResponse> out) {
        TxnSessions.Limits limits = door.txnLimits();
        Answers.one(
                out,
                permit -> txn().begin(options(request))
                        .thenApply(opened -> BeginResponse.newBuilder()
                                .setTransactionId(opened.id())
                                .setStartTs(opened.startTs().value())
                                .setIdleTimeoutMs(limits.idleMax().toMillis())
                                .setLifetimeMs(limits.lifeMax().toMillis())
                                .build()),
                Failures::ofTransaction);
    }

    private TxnOptions options(BeginRequest request) {
        TxnOptions options = request.getPessimistic() ? TxnOptions.pessimistic() : TxnOptions.optimistic();
        Duration call = request.hasCallTimeoutMs()
                ? Requests.millis(request.getCallTimeoutMs(), 1, times.max(), "call_timeout_ms")
                : times.byDefault();
        Duration wait = request.hasLockWaitMs()
                ? Requests.millis(request.getLockWaitMs(), 0, times.max(), "lock_wait_ms")
                : options.lockWait();
        return options.withTimeouts(call, call).withLocks(options.lockTtl(), wait, options.maxLifetime());
    }

    @Override
    public void commit(CommitRequest request, StreamObserver<CommitResponse> out) {
        Duration timeout = times.timeout();
        Answers.one(
                out,
                permit -> commit(request, timeout)
                        .thenApply(commitTs -> CommitResponse.newBuilder()
                                .setCommitTs(commitTs.value())
                                .build()),
                request.hasIdempotencyKey() ? Failures::ofNamedCommit : Failures::ofCommit);
    }

    private CompletableFuture<TimeStamp> commit(CommitRequest request, Duration timeout) {
        TxnDoor txn = txn();
        String id = request.getTransactionId();
        return request.hasIdempotencyKey()
                ? txn.commitOnce(id, Requests.idempotencyKey(txn, request), timeout)
                : txn.commit(id);
    }

    @Override
    public void rollback(RollbackRequest request, StreamObserver<RollbackResponse> out) {
        Answers.one(
                out,
                permit -> txn().rollback(request.getTransactionId())
                        .thenApply(done -> RollbackResponse.getDefaultInstance()),
                Failures::ofTransaction);
    }

    // ---- reads of a session

    @Override
    public void get(TxnGetRequest request, StreamObserver<TxnGetResponse> out) {
        Answers.one(
                out,
                permit -> {
                    ByteKey key = Requests.key(request.getKey());
                    return txn().call(
                                    request.getTransactionId(),
                                    txn -> request.getForUpdate()
                                            ? txn.batchGetForUpdate(List.of(key))
                                                    .thenApply(values -> Optional.ofNullable(values.get(key)))
                                            : txn.get(key))
                            .thenApply(value -> {
                                TxnGetResponse.Builder answer = TxnGetResponse.newBuilder();
                                value.ifPresent(found -> {
                                    permit.reserve(found.length);
                                    answer.setValue(Parts.shared(found));
                                });
                                return answer.build();
                            });
                },
                Failures::ofTransaction);
    }

    @Override
    public void batchGet(TxnBatchGetRequest request, StreamObserver<BatchGetResponse> out) {
        Answers.batch(
                out,
                permit -> {
                    List<ByteKey> keys = Requests.keys(request.getKeysList());
                    return txn().call(
                                    request.getTransactionId(),
                                    txn -> new BatchRead(
                                                    request.getForUpdate() ? txn::batchGetForUpdate : txn::batchGet,
                                                    keys,
                                                    permit)
                                            .run());
                },
                Failures::ofTransaction);
    }

    @Override
    public void scan(TxnScanRequest request, StreamObserver<ScanResponse> out) {
        Answers.scan(
                out,
                consumer -> {
                    ScanRequest scan = Requests.scan(request.getScan());
                    return txn().call(
                                    request.getTransactionId(),
                                    txn -> scan.limit() == 0
                                            ? CompletableFuture.completedFuture(null)
                                            : txn.scan(scan, consumer));
                },
                Failures::ofTransaction);
    }

    // ---- writes of a session

    @Override
    public void put(TxnPutRequest request, StreamObserver<TxnPutResponse> out) {
        write(
                out,
                request.getTransactionId(),
                () -> {
                    Map<ByteKey, byte[]> pairs = Requests.pairs(request.getPairsList());
                    return txn -> pairs.forEach(txn::put);
                },
                TxnPutResponse.getDefaultInstance());
    }

    @Override
    public void delete(TxnDeleteRequest request, StreamObserver<TxnDeleteResponse> out) {
        write(
                out,
                request.getTransactionId(),
                () -> {
                    List<ByteKey> keys = Requests.keys(request.getKeysList());
                    return txn -> keys.forEach(txn::delete);
                },
                TxnDeleteResponse.getDefaultInstance());
    }

    /** @param parsed makes what is done with the transaction, once the whole request was found to be valid */
    private <R> void write(StreamObserver<R> out, String id, Supplier<Consumer<OpenTransaction>> parsed, R done) {
        Answers.one(
                out,
                permit -> {
                    Consumer<OpenTransaction> writes = parsed.get();
                    return txn().call(id, txn -> {
                        writes.accept(txn);
                        return CompletableFuture.completedFuture(done);
                    });
                },
                Failures::ofTransaction);
    }

    @Override
    public void lock(TxnLockRequest request, StreamObserver<TxnLockResponse> out) {
        Answers.one(
                out,
                permit -> {
                    List<ByteKey> keys = Requests.keys(request.getKeysList());
                    return txn().call(request.getTransactionId(), txn -> txn.lockKeys(keys))
                            .thenApply(done -> TxnLockResponse.getDefaultInstance());
                },
                Failures::ofTransaction);
    }

    // ---- without a session

    @Override
    public void execute(ExecuteRequest request, StreamObserver<ExecuteResponse> out) {
        Duration timeout = times.timeout();
        Answers.one(
                out,
                permit -> execute(request, timeout, permit),
                request.hasIdempotencyKey() ? Failures::ofIdempotent : Failures::ofAtomicCall);
    }

    private CompletableFuture<ExecuteResponse> execute(ExecuteRequest request, Duration timeout, Permit permit) {
        AtomicCall call = Requests.atomicCall(request);
        long readBytesMax = Requests.readBytesMax(request);
        TxnDoor txn = txn();
        return (request.hasIdempotencyKey()
                        ? txn.executeOnce(Requests.idempotencyKey(txn, request), call, timeout, readBytesMax, permit)
                        : txn.execute(call, timeout, readBytesMax, permit))
                .thenApply(TransactionsService::answer);
    }

    private static ExecuteResponse answer(AtomicCall.Result result) {
        ExecuteResponse.Builder answer = ExecuteResponse.newBuilder()
                .setSucceeded(result.succeeded())
                .setStartTs(result.startTs().value());
        if (result.commitTs() != null) {
            answer.setCommitTs(result.commitTs().value());
        }
        result.results()
                .forEach(read -> answer.addResults(OperationResult.newBuilder().addAllPairs(Parts.messages(read))));
        return answer.build();
    }

    @Override
    public void read(ReadRequest request, StreamObserver<ReadResponse> out) {
        Deadline deadline = times.deadline();
        Answers.one(
                out,
                permit -> {
                    ByteKey key = Requests.key(request.getKey());
                    CompletableFuture<ReadView> view = request.hasTs()
                            ? txn().snapshot(Requests.timestamp(request.getTs()), deadline)
                            : txn().newest(deadline);
                    return view.thenCompose(snapshot -> snapshot.get(key)).thenApply(value -> {
                        ReadResponse.Builder answer = ReadResponse.newBuilder();
                        value.ifPresent(found -> {
                            permit.reserve(found.length);
                            answer.setValue(Parts.shared(found));
                        });
                        return answer.build();
                    });
                },
                Failures::ofTransaction);
    }

    // ---- changes

    @Override
    public void watch(WatchRequest request, StreamObserver<WatchResponse> out) {
        WatchDoor watches = door.watches(CallGuard.current().access());
        Answers.watch(out, () -> {
            KeyRange range = Requests.range(request);
            return watches.watch(range, Requests.position(request.getPosition(), range));
        });
    }
}
