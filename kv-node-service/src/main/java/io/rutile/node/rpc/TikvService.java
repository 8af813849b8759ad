package io.rutile.node.rpc;

import com.google.protobuf.Message;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.rutile.protocol.kvrpcpb.BatchGetRequest;
import io.rutile.protocol.kvrpcpb.BatchGetResponse;
import io.rutile.protocol.kvrpcpb.BatchRollbackRequest;
import io.rutile.protocol.kvrpcpb.BatchRollbackResponse;
import io.rutile.protocol.kvrpcpb.BufferBatchGetRequest;
import io.rutile.protocol.kvrpcpb.BufferBatchGetResponse;
import io.rutile.protocol.kvrpcpb.CheckLeaderRequest;
import io.rutile.protocol.kvrpcpb.CheckLeaderResponse;
import io.rutile.protocol.kvrpcpb.CheckSecondaryLocksRequest;
import io.rutile.protocol.kvrpcpb.CheckSecondaryLocksResponse;
import io.rutile.protocol.kvrpcpb.CheckTxnStatusRequest;
import io.rutile.protocol.kvrpcpb.CheckTxnStatusResponse;
import io.rutile.protocol.kvrpcpb.CleanupRequest;
import io.rutile.protocol.kvrpcpb.CleanupResponse;
import io.rutile.protocol.kvrpcpb.CommitRequest;
import io.rutile.protocol.kvrpcpb.CommitResponse;
import io.rutile.protocol.kvrpcpb.DeleteRangeRequest;
import io.rutile.protocol.kvrpcpb.DeleteRangeResponse;
import io.rutile.protocol.kvrpcpb.FlushRequest;
import io.rutile.protocol.kvrpcpb.FlushResponse;
import io.rutile.protocol.kvrpcpb.GetHealthFeedbackRequest;
import io.rutile.protocol.kvrpcpb.GetHealthFeedbackResponse;
import io.rutile.protocol.kvrpcpb.GetLockWaitInfoRequest;
import io.rutile.protocol.kvrpcpb.GetLockWaitInfoResponse;
import io.rutile.protocol.kvrpcpb.GetRequest;
import io.rutile.protocol.kvrpcpb.GetResponse;
import io.rutile.protocol.kvrpcpb.MvccGetByKeyRequest;
import io.rutile.protocol.kvrpcpb.MvccGetByKeyResponse;
import io.rutile.protocol.kvrpcpb.MvccGetByStartTsRequest;
import io.rutile.protocol.kvrpcpb.MvccGetByStartTsResponse;
import io.rutile.protocol.kvrpcpb.PessimisticLockRequest;
import io.rutile.protocol.kvrpcpb.PessimisticLockResponse;
import io.rutile.protocol.kvrpcpb.PessimisticRollbackRequest;
import io.rutile.protocol.kvrpcpb.PessimisticRollbackResponse;
import io.rutile.protocol.kvrpcpb.PrewriteRequest;
import io.rutile.protocol.kvrpcpb.PrewriteResponse;
import io.rutile.protocol.kvrpcpb.RawBatchDeleteRequest;
import io.rutile.protocol.kvrpcpb.RawBatchDeleteResponse;
import io.rutile.protocol.kvrpcpb.RawBatchGetRequest;
import io.rutile.protocol.kvrpcpb.RawBatchGetResponse;
import io.rutile.protocol.kvrpcpb.RawBatchPutRequest;
import io.rutile.protocol.kvrpcpb.RawBatchPutResponse;
import io.rutile.protocol.kvrpcpb.RawBatchScanRequest;
import io.rutile.protocol.kvrpcpb.RawBatchScanResponse;
import io.rutile.protocol.kvrpcpb.RawCASRequest;
import io.rutile.protocol.kvrpcpb.RawCASResponse;
import io.rutile.protocol.kvrpcpb.RawChecksumRequest;
import io.rutile.protocol.kvrpcpb.RawChecksumResponse;
import io.rutile.protocol.kvrpcpb.RawDeleteRangeRequest;
import io.rutile.protocol.kvrpcpb.RawDeleteRangeResponse;
import io.rutile.protocol.kvrpcpb.RawDeleteRequest;
import io.rutile.protocol.kvrpcpb.RawDeleteResponse;
import io.rutile.protocol.kvrpcpb.RawGetKeyTTLRequest;
import io.rutile.protocol.kvrpcpb.RawGetKeyTTLResponse;
import io.rutile.protocol.kvrpcpb.RawGetRequest;
import io.rutile.protocol.kvrpcpb.RawGetResponse;
import io.rutile.protocol.kvrpcpb.RawPutRequest;
import io.rutile.protocol.kvrpcpb.RawPutResponse;
import io.rutile.protocol.kvrpcpb.RawScanRequest;
import io.rutile.protocol.kvrpcpb.RawScanResponse;
import io.rutile.protocol.kvrpcpb.ResolveLockRequest;
import io.rutile.protocol.kvrpcpb.ResolveLockResponse;
import io.rutile.protocol.kvrpcpb.ScanLockRequest;
import io.rutile.protocol.kvrpcpb.ScanLockResponse;
import io.rutile.protocol.kvrpcpb.ScanRequest;
import io.rutile.protocol.kvrpcpb.ScanResponse;
import io.rutile.protocol.kvrpcpb.SplitRegionRequest;
import io.rutile.protocol.kvrpcpb.SplitRegionResponse;
import io.rutile.protocol.kvrpcpb.StoreSafeTSRequest;
import io.rutile.protocol.kvrpcpb.StoreSafeTSResponse;
import io.rutile.protocol.kvrpcpb.TxnHeartBeatRequest;
import io.rutile.protocol.kvrpcpb.TxnHeartBeatResponse;
import io.rutile.protocol.kvrpcpb.UnsafeDestroyRangeRequest;
import io.rutile.protocol.kvrpcpb.UnsafeDestroyRangeResponse;
import io.rutile.protocol.tikvpb.BatchCommandsRequest;
import io.rutile.protocol.tikvpb.BatchCommandsResponse;
import io.rutile.protocol.tikvpb.TikvGrpc;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.function.Consumer;

/** TiKV's service, one line per RPC. What has no line here answers {@code UNIMPLEMENTED}. */
@SuppressWarnings("FutureReturnValueIgnored") // the callback answers whatever happens
final class TikvService extends TikvGrpc.TikvImplBase {

    private final RawRpcs raw;
    private final TxnRpcs txn;
    private final RegionRpcs regions;
    private final StoreRpcs store;
    private final BatchCommands commands;
    private final RpcScope scope;
    private final Executor pool;
    private final Consumer<Runnable> together;
    private final Set<BatchCommandsStream> streams = ConcurrentHashMap.newKeySet();

    TikvService(
            RawRpcs raw,
            TxnRpcs txn,
            RegionRpcs regions,
            StoreRpcs store,
            BatchCommands commands,
            RpcScope scope,
            Executor pool,
            Consumer<Runnable> together) {
        this.raw = raw;
        this.txn = txn;
        this.regions = regions;
        this.store = store;
        this.commands = commands;
        this.scope = scope;
        this.pool = pool;
        this.together = together;
    }

    @Override
    public void rawGet(RawGetRequest request, StreamObserver<RawGetResponse> to) {
        serve(raw.get, request, to);
    }

    @Override
    public void rawBatchGet(RawBatchGetRequest request, StreamObserver<RawBatchGetResponse> to) {
        serve(raw.batchGet, request, to);
    }

    @Override
    public void rawPut(RawPutRequest request, StreamObserver<RawPutResponse> to) {
        serve(raw.put, request, to);
    }

    @Override
    public void rawBatchPut(RawBatchPutRequest request, StreamObserver<RawBatchPutResponse> to) {
        serve(raw.batchPut, request, to);
    }

    @Override
    public void rawDelete(RawDeleteRequest request, StreamObserver<RawDeleteResponse> to) {
        serve(raw.delete, request, to);
    }

    @Override
    public void rawBatchDelete(RawBatchDeleteRequest request, StreamObserver<RawBatchDeleteResponse> to) {
        serve(raw.batchDelete, request, to);
    }

    @Override
    public void rawDeleteRange(RawDeleteRangeRequest request, StreamObserver<RawDeleteRangeResponse> to) {
        serve(raw.deleteRange, request, to);
    }

    @Override
    public void rawScan(RawScanRequest request, StreamObserver<RawScanResponse> to) {
        serve(raw.scan, request, any(to));
    }

    @Override
    public void rawBatchScan(RawBatchScanRequest request, StreamObserver<RawBatchScanResponse> to) {
        serve(raw.batchScan, request, any(to));
    }

    @Override
    public void rawGetKeyTTL(RawGetKeyTTLRequest request, StreamObserver<RawGetKeyTTLResponse> to) {
        serve(raw.getKeyTtl, request, to);
    }

    @Override
    public void rawCompareAndSwap(RawCASRequest request, StreamObserver<RawCASResponse> to) {
        serve(raw.compareAndSwap, request, to);
    }

    @Override
    public void rawChecksum(RawChecksumRequest request, StreamObserver<RawChecksumResponse> to) {
        serve(raw.checksum, request, to);
    }

    @Override
    public void kvGet(GetRequest request, StreamObserver<GetResponse> to) {
        serve(txn.get, request, to);
    }

    @Override
    public void kvBatchGet(BatchGetRequest request, StreamObserver<BatchGetResponse> to) {
        serve(txn.batchGet, request, to);
    }

    @Override
    public void kvScan(ScanRequest request, StreamObserver<ScanResponse> to) {
        serve(txn.scan, request, any(to));
    }

    @Override
    public void kvPrewrite(PrewriteRequest request, StreamObserver<PrewriteResponse> to) {
        serve(txn.prewrite, request, to);
    }

    @Override
    public void kvPessimisticLock(PessimisticLockRequest request, StreamObserver<PessimisticLockResponse> to) {
        serve(txn.pessimisticLock, request, to);
    }

    @Override
    public void kVPessimisticRollback(
            PessimisticRollbackRequest request, StreamObserver<PessimisticRollbackResponse> to) {
        serve(txn.pessimisticRollback, request, to);
    }

    @Override
    public void kvCommit(CommitRequest request, StreamObserver<CommitResponse> to) {
        serve(txn.commit, request, to);
    }

    @Override
    public void kvCleanup(CleanupRequest request, StreamObserver<CleanupResponse> to) {
        serve(txn.cleanup, request, to);
    }

    @Override
    public void kvBatchRollback(BatchRollbackRequest request, StreamObserver<BatchRollbackResponse> to) {
        serve(txn.batchRollback, request, to);
    }

    @Override
    public void kvTxnHeartBeat(TxnHeartBeatRequest request, StreamObserver<TxnHeartBeatResponse> to) {
        serve(txn.heartBeat, request, to);
    }

    @Override
    public void kvCheckTxnStatus(CheckTxnStatusRequest request, StreamObserver<CheckTxnStatusResponse> to) {
        serve(txn.checkTxnStatus, request, to);
    }

    @Override
    public void kvCheckSecondaryLocks(
            CheckSecondaryLocksRequest request, StreamObserver<CheckSecondaryLocksResponse> to) {
        serve(txn.checkSecondaryLocks, request, to);
    }

    @Override
    public void kvScanLock(ScanLockRequest request, StreamObserver<ScanLockResponse> to) {
        serve(txn.scanLock, request, to);
    }

    @Override
    public void kvResolveLock(ResolveLockRequest request, StreamObserver<ResolveLockResponse> to) {
        serve(txn.resolveLock, request, to);
    }

    @Override
    public void kvDeleteRange(DeleteRangeRequest request, StreamObserver<DeleteRangeResponse> to) {
        serve(txn.deleteRange, request, to);
    }

    @Override
    public void kvFlush(FlushRequest request, StreamObserver<FlushResponse> to) {
        serve(txn.flush, request, to);
    }

    @Override
    public void kvBufferBatchGet(BufferBatchGetRequest request, StreamObserver<BufferBatchGetResponse> to) {
        serve(txn.bufferBatchGet, request, to);
    }

    @Override
    public void mvccGetByKey(MvccGetByKeyRequest request, StreamObserver<MvccGetByKeyResponse> to) {
        serve(txn.mvccGetByKey, request, to);
    }

    @Override
    public void mvccGetByStartTs(MvccGetByStartTsRequest request, StreamObserver<MvccGetByStartTsResponse> to) {
        serve(txn.mvccGetByStartTs, request, to);
    }

    @Override
    public void getLockWaitInfo(GetLockWaitInfoRequest request, StreamObserver<GetLockWaitInfoResponse> to) {
        serve(txn.lockWaitInfo, request, to);
    }

    @Override
    public void splitRegion(SplitRegionRequest request, StreamObserver<SplitRegionResponse> to) {
        serve(regions.split, request, to);
    }

    @Override
    public void checkLeader(CheckLeaderRequest request, StreamObserver<CheckLeaderResponse> to) {
        serve(store.checkLeader, request, to);
    }

    @Override
    public void getStoreSafeTS(StoreSafeTSRequest request, StreamObserver<StoreSafeTSResponse> to) {
        serve(store.storeSafeTs, request, to);
    }

    @Override
    public void unsafeDestroyRange(UnsafeDestroyRangeRequest request, StreamObserver<UnsafeDestroyRangeResponse> to) {
        serve(store.destroyRange, request, to);
    }

    @Override
    public void getHealthFeedback(GetHealthFeedbackRequest request, StreamObserver<GetHealthFeedbackResponse> to) {
        serve(store.healthFeedback, request, to);
    }

    @Override
    public StreamObserver<BatchCommandsRequest> batchCommands(StreamObserver<BatchCommandsResponse> to) {
        BatchCommandsStream stream = new BatchCommandsStream(
                commands, (ServerCallStreamObserver<BatchCommandsResponse>) to, pool, together, streams::remove);
        streams.add(stream);
        return stream.open();
    }

    /** Ends the streams that clients keep open, each once it has answered what it was asked. */
    void finishStreams() {
        streams.forEach(BatchCommandsStream::finish);
    }

    /** For an answer that is bytes already: gRPC writes whatever message it is given. */
    @SuppressWarnings("unchecked")
    private static StreamObserver<Message> any(StreamObserver<? extends Message> to) {
        return (StreamObserver<Message>) to;
    }

    private <Q extends Message, R extends Message> void serve(Rpc<Q, R> rpc, Q request, StreamObserver<R> to) {
        // Without a handler an answer to a call that the client has given up would throw.
        ((ServerCallStreamObserver<R>) to).setOnCancelHandler(() -> {});
        try {
            rpc.call(request, scope).whenComplete((answer, failure) -> {
                if (failure == null) {
                    to.onNext(answer);
                    to.onCompleted();
                } else {
                    to.onError(io.grpc.Status.INTERNAL.withCause(failure).asRuntimeException());
                }
            });
        } catch (ClusterMismatchException e) {
            to.onError(e.asStatus());
        }
    }
}
