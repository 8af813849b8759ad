package io.rutile.node.rpc;

import com.google.protobuf.Message;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.rutile.protocol.kvrpcpb.GetHealthFeedbackRequest;
import io.rutile.protocol.kvrpcpb.GetHealthFeedbackResponse;
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
import io.rutile.protocol.kvrpcpb.StoreSafeTSRequest;
import io.rutile.protocol.kvrpcpb.StoreSafeTSResponse;
import io.rutile.protocol.tikvpb.BatchCommandsRequest;
import io.rutile.protocol.tikvpb.BatchCommandsResponse;
import io.rutile.protocol.tikvpb.TikvGrpc;
import java.util.concurrent.Executor;

/** TiKV's service, one line per RPC. What has no line here answers {@code UNIMPLEMENTED}. */
@SuppressWarnings("FutureReturnValueIgnored") // the callback answers whatever happens
final class TikvService extends TikvGrpc.TikvImplBase {

    private final RawRpcs raw;
    private final StoreRpcs store;
    private final BatchCommands commands;
    private final RpcScope scope;
    private final Executor drains;

    TikvService(RawRpcs raw, StoreRpcs store, BatchCommands commands, RpcScope scope, Executor drains) {
        this.raw = raw;
        this.store = store;
        this.commands = commands;
        this.scope = scope;
        this.drains = drains;
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
        serve(raw.scan, request, to);
    }

    @Override
    public void rawBatchScan(RawBatchScanRequest request, StreamObserver<RawBatchScanResponse> to) {
        serve(raw.batchScan, request, to);
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
    public void getStoreSafeTS(StoreSafeTSRequest request, StreamObserver<StoreSafeTSResponse> to) {
        serve(store.storeSafeTs, request, to);
    }

    @Override
    public void getHealthFeedback(GetHealthFeedbackRequest request, StreamObserver<GetHealthFeedbackResponse> to) {
        serve(store.healthFeedback, request, to);
    }

    @Override
    public StreamObserver<BatchCommandsRequest> batchCommands(StreamObserver<BatchCommandsResponse> to) {
        return new BatchCommandsStream(commands, (ServerCallStreamObserver<BatchCommandsResponse>) to, drains).open();
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
