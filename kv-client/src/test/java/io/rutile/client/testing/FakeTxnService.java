package io.rutile.client.testing;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.MemComparable;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.kvrpcpb.BatchGetRequest;
import io.rutile.protocol.kvrpcpb.BatchGetResponse;
import io.rutile.protocol.kvrpcpb.BatchRollbackRequest;
import io.rutile.protocol.kvrpcpb.BatchRollbackResponse;
import io.rutile.protocol.kvrpcpb.CheckSecondaryLocksRequest;
import io.rutile.protocol.kvrpcpb.CheckSecondaryLocksResponse;
import io.rutile.protocol.kvrpcpb.CheckTxnStatusRequest;
import io.rutile.protocol.kvrpcpb.CheckTxnStatusResponse;
import io.rutile.protocol.kvrpcpb.CommitRequest;
import io.rutile.protocol.kvrpcpb.CommitResponse;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.GetRequest;
import io.rutile.protocol.kvrpcpb.GetResponse;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.KvPair;
import io.rutile.protocol.kvrpcpb.Mutation;
import io.rutile.protocol.kvrpcpb.PessimisticLockRequest;
import io.rutile.protocol.kvrpcpb.PessimisticLockResponse;
import io.rutile.protocol.kvrpcpb.PessimisticRollbackRequest;
import io.rutile.protocol.kvrpcpb.PessimisticRollbackResponse;
import io.rutile.protocol.kvrpcpb.PrewriteRequest;
import io.rutile.protocol.kvrpcpb.PrewriteResponse;
import io.rutile.protocol.kvrpcpb.ResolveLockRequest;
import io.rutile.protocol.kvrpcpb.ResolveLockResponse;
import io.rutile.protocol.kvrpcpb.ScanRequest;
import io.rutile.protocol.kvrpcpb.ScanResponse;
import io.rutile.protocol.kvrpcpb.TxnHeartBeatRequest;
import io.rutile.protocol.kvrpcpb.TxnHeartBeatResponse;
import io.rutile.protocol.kvrpcpb.TxnNotFound;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.tikvpb.BatchCommandsRequest;
import io.rutile.protocol.tikvpb.BatchCommandsResponse;
import io.rutile.protocol.tikvpb.TikvGrpc;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The transactional half of a store: the Regions' borders are encoded, the rules are {@link FakeMvcc}'s. */
abstract class FakeTxnService extends TikvGrpc.TikvImplBase {

    private final FakeMvcc mvcc;

    FakeTxnService(FakeMvcc mvcc) {
        this.mvcc = mvcc;
    }

    /**
     * Checks the request, does the work, misbehaves as told.
     *
     * @param borders the request's keys as borders are written
     */
    abstract <Q extends com.google.protobuf.MessageLite, R> void serveTxn(
            String method,
            Q request,
            Context context,
            StreamObserver<R> out,
            List<ByteKey> borders,
            Function<Region, R> work,
            Function<Error, R> refuse);

    private static ByteKey border(ByteString key) {
        return ByteKey.wrap(MemComparable.encode(key.toByteArray()));
    }

    private static List<ByteKey> borders(Collection<ByteString> keys) {
        return keys.stream().map(FakeTxnService::border).toList();
    }

    /** A command may wait for another of its stream, as in a real store. */
    private static final Executor COMMANDS = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "fake-store-command");
        thread.setDaemon(true);
        return thread;
    });

    /** False for a server that knows only requests that travel alone. */
    abstract boolean knowsStreams();

    /** Each command as if it came alone; a connection that breaks takes all commands of its stream along. */
    @Override
    public StreamObserver<BatchCommandsRequest> batchCommands(StreamObserver<BatchCommandsResponse> out) {
        if (!knowsStreams()) {
            return super.batchCommands(out);
        }
        StreamedAnswers answers = new StreamedAnswers(out);
        return new StreamObserver<>() {
            @Override
            public void onNext(BatchCommandsRequest frame) {
                for (int i = 0; i < frame.getRequestsCount(); i++) {
                    BatchCommandsRequest.Request request = frame.getRequests(i);
                    long id = frame.getRequestIds(i);
                    COMMANDS.execute(() -> serve(request, id, answers));
                }
            }

            @Override
            public void onError(Throwable failure) {}

            @Override
            public void onCompleted() {
                answers.end(null);
            }
        };
    }

    private void serve(BatchCommandsRequest.Request request, long id, StreamedAnswers answers) {
        switch (request.getCmdCase()) {
            case GET -> kvGet(request.getGet(), answers.to(id, BatchCommandsResponse.Response.Builder::setGet));
            case PREWRITE ->
                kvPrewrite(request.getPrewrite(), answers.to(id, BatchCommandsResponse.Response.Builder::setPrewrite));
            case COMMIT ->
                kvCommit(request.getCommit(), answers.to(id, BatchCommandsResponse.Response.Builder::setCommit));
            case BATCHROLLBACK ->
                kvBatchRollback(
                        request.getBatchRollback(),
                        answers.to(id, BatchCommandsResponse.Response.Builder::setBatchRollback));
            case CHECKTXNSTATUS ->
                kvCheckTxnStatus(
                        request.getCheckTxnStatus(),
                        answers.to(id, BatchCommandsResponse.Response.Builder::setCheckTxnStatus));
            case CHECKSECONDARYLOCKS ->
                kvCheckSecondaryLocks(
                        request.getCheckSecondaryLocks(),
                        answers.to(id, BatchCommandsResponse.Response.Builder::setCheckSecondaryLocks));
            case RESOLVELOCK ->
                kvResolveLock(
                        request.getResolveLock(),
                        answers.to(id, BatchCommandsResponse.Response.Builder::setResolveLock));
            case TXNHEARTBEAT ->
                kvTxnHeartBeat(
                        request.getTxnHeartBeat(),
                        answers.to(id, BatchCommandsResponse.Response.Builder::setTxnHeartBeat));
            case PESSIMISTICLOCK ->
                kvPessimisticLock(
                        request.getPessimisticLock(),
                        answers.to(id, BatchCommandsResponse.Response.Builder::setPessimisticLock));
            case PESSIMISTICROLLBACK ->
                kVPessimisticRollback(
                        request.getPessimisticRollback(),
                        answers.to(id, BatchCommandsResponse.Response.Builder::setPessimisticRollback));
            case RAWGET ->
                rawGet(request.getRawGet(), answers.to(id, BatchCommandsResponse.Response.Builder::setRawGet));
            case RAWPUT ->
                rawPut(request.getRawPut(), answers.to(id, BatchCommandsResponse.Response.Builder::setRawPut));
            case RAWDELETE ->
                rawDelete(request.getRawDelete(), answers.to(id, BatchCommandsResponse.Response.Builder::setRawDelete));
            default -> answers.end(Status.UNIMPLEMENTED);
        }
    }

    /** The answering side of a stream of commands. */
    private static final class StreamedAnswers {

        private final StreamObserver<BatchCommandsResponse> out;
        private boolean ended;

        StreamedAnswers(StreamObserver<BatchCommandsResponse> out) {
            this.out = out;
        }

        <R> StreamObserver<R> to(long id, BiConsumer<BatchCommandsResponse.Response.Builder, R> put) {
            return new StreamObserver<>() {
                @Override
                public void onNext(R answer) {
                    BatchCommandsResponse.Response.Builder response = BatchCommandsResponse.Response.newBuilder();
                    put.accept(response, answer);
                    send(BatchCommandsResponse.newBuilder()
                            .addRequestIds(id)
                            .addResponses(response)
                            .build());
                }

                @Override
                public void onError(Throwable failure) {
                    end(Status.fromThrowable(failure));
                }

                @Override
                public void onCompleted() {}
            };
        }

        private synchronized void send(BatchCommandsResponse frame) {
            if (!ended) {
                out.onNext(frame);
            }
        }

        synchronized void end(@Nullable Status failure) {
            if (ended) {
                return;
            }
            ended = true;
            if (failure == null) {
                out.onCompleted();
            } else {
                out.onError(failure.asRuntimeException());
            }
        }
    }

    @Override
    public void kvGet(GetRequest request, StreamObserver<GetResponse> out) {
        serveTxn(
                "KvGet",
                request,
                request.getContext(),
                out,
                List.of(border(request.getKey())),
                region -> get(request),
                e -> GetResponse.newBuilder().setRegionError(e).build());
    }

    private GetResponse get(GetRequest request) {
        try {
            ByteString value = mvcc.get(
                    ByteKey.of(request.getKey()),
                    request.getVersion(),
                    request.getContext().getResolvedLocksList(),
                    request.getContext().getCommittedLocksList());
            return value == null
                    ? GetResponse.newBuilder().setNotFound(true).build()
                    : GetResponse.newBuilder().setValue(value).build();
        } catch (FakeMvcc.Refused refused) {
            return GetResponse.newBuilder().setError(refused.error).build();
        }
    }

    @Override
    public void kvBatchGet(BatchGetRequest request, StreamObserver<BatchGetResponse> out) {
        serveTxn(
                "KvBatchGet",
                request,
                request.getContext(),
                out,
                borders(request.getKeysList()),
                region -> {
                    BatchGetResponse.Builder response = BatchGetResponse.newBuilder();
                    for (ByteString key : request.getKeysList()) {
                        KvPair pair = pair(ByteKey.of(key), request.getVersion(), request.getContext(), false);
                        if (pair != null) {
                            response.addPairs(pair);
                        }
                    }
                    return response.build();
                },
                e -> BatchGetResponse.newBuilder().setRegionError(e).build());
    }

    private @Nullable KvPair pair(ByteKey key, long version, Context context, boolean keyOnly) {
        try {
            ByteString value = mvcc.get(key, version, context.getResolvedLocksList(), context.getCommittedLocksList());
            if (value == null) {
                return null;
            }
            return KvPair.newBuilder()
                    .setKey(key.toByteString())
                    .setValue(keyOnly ? ByteString.EMPTY : value)
                    .build();
        } catch (FakeMvcc.Refused refused) {
            return KvPair.newBuilder().setError(refused.error).build();
        }
    }

    @Override
    public void kvScan(ScanRequest request, StreamObserver<ScanResponse> out) {
        serveTxn(
                "KvScan",
                request,
                request.getContext(),
                out,
                List.of(),
                region -> scan(request, FakeCluster.rangeOf(region)),
                e -> ScanResponse.newBuilder().setRegionError(e).build());
    }

    /** A bound that is given must lie in the Region: nothing is clipped silently. */
    private ScanResponse scan(ScanRequest request, KeyRange region) {
        ByteString lower = request.getReverse() ? request.getEndKey() : request.getStartKey();
        ByteString upper = request.getReverse() ? request.getStartKey() : request.getEndKey();
        boolean lowerGiven = !lower.isEmpty() || !request.getReverse();
        boolean lowerOutside = lowerGiven
                && border(lower).compareTo(region.start()) < 0
                && !region.start().isEmpty();
        boolean upperOutside =
                !upper.isEmpty() && !region.end().isEmpty() && border(upper).compareTo(region.end()) > 0;
        if (lowerOutside || upperOutside) {
            KeyError error =
                    KeyError.newBuilder().setAbort("invalid request range").build();
            return ScanResponse.newBuilder()
                    .setError(error)
                    .addPairs(KvPair.newBuilder().setError(error))
                    .build();
        }
        List<ByteKey> keys = new ArrayList<>(mvcc.keys());
        keys.removeIf(key -> !region.contains(border(key.toByteString()))
                || (!lower.isEmpty() && key.compareTo(ByteKey.of(lower)) < 0)
                || (!upper.isEmpty() && key.compareTo(ByteKey.of(upper)) >= 0)
                || (upper.isEmpty() && request.getReverse()));
        if (request.getReverse()) {
            Collections.reverse(keys);
        }
        ScanResponse.Builder response = ScanResponse.newBuilder();
        for (ByteKey key : keys) {
            if (response.getPairsCount() >= request.getLimit()) {
                break;
            }
            KvPair pair = pair(key, request.getVersion(), request.getContext(), request.getKeyOnly());
            if (pair != null) {
                response.addPairs(pair);
            }
        }
        return response.build();
    }

    @Override
    public void kvPrewrite(PrewriteRequest request, StreamObserver<PrewriteResponse> out) {
        serveTxn(
                "KvPrewrite",
                request,
                request.getContext(),
                out,
                borders(request.getMutationsList().stream()
                        .map(Mutation::getKey)
                        .toList()),
                region -> mvcc.prewrite(request),
                e -> PrewriteResponse.newBuilder().setRegionError(e).build());
    }

    @Override
    public void kvCommit(CommitRequest request, StreamObserver<CommitResponse> out) {
        serveTxn(
                "KvCommit",
                request,
                request.getContext(),
                out,
                borders(request.getKeysList()),
                region -> mvcc.commit(request),
                e -> CommitResponse.newBuilder().setRegionError(e).build());
    }

    @Override
    public void kvBatchRollback(BatchRollbackRequest request, StreamObserver<BatchRollbackResponse> out) {
        serveTxn(
                "KvBatchRollback",
                request,
                request.getContext(),
                out,
                borders(request.getKeysList()),
                region -> {
                    KeyError error = mvcc.rollback(request.getKeysList(), request.getStartVersion());
                    return error == null
                            ? BatchRollbackResponse.getDefaultInstance()
                            : BatchRollbackResponse.newBuilder().setError(error).build();
                },
                e -> BatchRollbackResponse.newBuilder().setRegionError(e).build());
    }

    @Override
    public void kvCheckTxnStatus(CheckTxnStatusRequest request, StreamObserver<CheckTxnStatusResponse> out) {
        serveTxn(
                "KvCheckTxnStatus",
                request,
                request.getContext(),
                out,
                List.of(border(request.getPrimaryKey())),
                region -> mvcc.status(request),
                e -> CheckTxnStatusResponse.newBuilder().setRegionError(e).build());
    }

    @Override
    public void kvCheckSecondaryLocks(
            CheckSecondaryLocksRequest request, StreamObserver<CheckSecondaryLocksResponse> out) {
        serveTxn(
                "KvCheckSecondaryLocks",
                request,
                request.getContext(),
                out,
                borders(request.getKeysList()),
                region -> mvcc.secondaries(request),
                e -> CheckSecondaryLocksResponse.newBuilder().setRegionError(e).build());
    }

    @Override
    public void kvResolveLock(ResolveLockRequest request, StreamObserver<ResolveLockResponse> out) {
        serveTxn(
                "KvResolveLock",
                request,
                request.getContext(),
                out,
                borders(request.getKeysList()),
                region -> {
                    List<ByteKey> keys = request.getKeysCount() > 0
                            ? request.getKeysList().stream().map(ByteKey::of).toList()
                            : mvcc.lockedBy(request.getStartVersion()).stream()
                                    .filter(key -> FakeCluster.rangeOf(region).contains(border(key.toByteString())))
                                    .toList();
                    KeyError error = mvcc.resolve(keys, request.getStartVersion(), request.getCommitVersion());
                    return error == null
                            ? ResolveLockResponse.getDefaultInstance()
                            : ResolveLockResponse.newBuilder().setError(error).build();
                },
                e -> ResolveLockResponse.newBuilder().setRegionError(e).build());
    }

    @Override
    public void kvTxnHeartBeat(TxnHeartBeatRequest request, StreamObserver<TxnHeartBeatResponse> out) {
        serveTxn(
                "KvTxnHeartBeat",
                request,
                request.getContext(),
                out,
                List.of(border(request.getPrimaryLock())),
                region -> {
                    Long ttl = mvcc.heartBeat(
                            ByteKey.of(request.getPrimaryLock()),
                            request.getStartVersion(),
                            request.getAdviseLockTtl());
                    return ttl == null
                            ? TxnHeartBeatResponse.newBuilder()
                                    .setError(KeyError.newBuilder().setTxnNotFound(TxnNotFound.getDefaultInstance()))
                                    .build()
                            : TxnHeartBeatResponse.newBuilder().setLockTtl(ttl).build();
                },
                e -> TxnHeartBeatResponse.newBuilder().setRegionError(e).build());
    }

    @Override
    public void kvPessimisticLock(PessimisticLockRequest request, StreamObserver<PessimisticLockResponse> out) {
        serveTxn(
                "KvPessimisticLock",
                request,
                request.getContext(),
                out,
                borders(request.getMutationsList().stream()
                        .map(Mutation::getKey)
                        .toList()),
                region -> mvcc.pessimisticLock(request),
                e -> PessimisticLockResponse.newBuilder().setRegionError(e).build());
    }

    @Override
    public void kVPessimisticRollback(
            PessimisticRollbackRequest request, StreamObserver<PessimisticRollbackResponse> out) {
        serveTxn(
                "KVPessimisticRollback",
                request,
                request.getContext(),
                out,
                borders(request.getKeysList()),
                region -> {
                    mvcc.pessimisticRollback(
                            request.getKeysList(), request.getStartVersion(), request.getForUpdateTs());
                    return PessimisticRollbackResponse.getDefaultInstance();
                },
                e -> PessimisticRollbackResponse.newBuilder().setRegionError(e).build());
    }
}
