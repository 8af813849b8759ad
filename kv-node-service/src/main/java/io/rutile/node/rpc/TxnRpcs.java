package io.rutile.node.rpc;

import com.google.protobuf.Message;
import io.rutile.protocol.kvrpcpb.BatchGetRequest;
import io.rutile.protocol.kvrpcpb.BatchGetResponse;
import io.rutile.protocol.kvrpcpb.BatchRollbackRequest;
import io.rutile.protocol.kvrpcpb.BatchRollbackResponse;
import io.rutile.protocol.kvrpcpb.BufferBatchGetRequest;
import io.rutile.protocol.kvrpcpb.BufferBatchGetResponse;
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
import io.rutile.protocol.kvrpcpb.ResolveLockRequest;
import io.rutile.protocol.kvrpcpb.ResolveLockResponse;
import io.rutile.protocol.kvrpcpb.ScanLockRequest;
import io.rutile.protocol.kvrpcpb.ScanLockResponse;
import io.rutile.protocol.kvrpcpb.ScanRequest;
import io.rutile.protocol.kvrpcpb.ScanResponse;
import io.rutile.protocol.kvrpcpb.TxnHeartBeatRequest;
import io.rutile.protocol.kvrpcpb.TxnHeartBeatResponse;
import io.rutile.storage.Storage;

/** The transactional API: {@link Storage} speaks the protocol's messages itself, so that each is a line. */
final class TxnRpcs {

    final Rpc<GetRequest, GetResponse> get;
    final Rpc<BatchGetRequest, BatchGetResponse> batchGet;
    final Rpc<ScanRequest, Message> scan;
    final Rpc<PrewriteRequest, PrewriteResponse> prewrite;
    final Rpc<PessimisticLockRequest, PessimisticLockResponse> pessimisticLock;
    final Rpc<PessimisticRollbackRequest, PessimisticRollbackResponse> pessimisticRollback;
    final Rpc<CommitRequest, CommitResponse> commit;
    final Rpc<CleanupRequest, CleanupResponse> cleanup;
    final Rpc<BatchRollbackRequest, BatchRollbackResponse> batchRollback;
    final Rpc<TxnHeartBeatRequest, TxnHeartBeatResponse> heartBeat;
    final Rpc<CheckTxnStatusRequest, CheckTxnStatusResponse> checkTxnStatus;
    final Rpc<CheckSecondaryLocksRequest, CheckSecondaryLocksResponse> checkSecondaryLocks;
    final Rpc<ScanLockRequest, ScanLockResponse> scanLock;
    final Rpc<ResolveLockRequest, ResolveLockResponse> resolveLock;
    final Rpc<DeleteRangeRequest, DeleteRangeResponse> deleteRange;
    final Rpc<FlushRequest, FlushResponse> flush;
    final Rpc<BufferBatchGetRequest, BufferBatchGetResponse> bufferBatchGet;
    final Rpc<MvccGetByKeyRequest, MvccGetByKeyResponse> mvccGetByKey;
    final Rpc<MvccGetByStartTsRequest, MvccGetByStartTsResponse> mvccGetByStartTs;
    final Rpc<GetLockWaitInfoRequest, GetLockWaitInfoResponse> lockWaitInfo;

    TxnRpcs(Storage storage) {
        get = new Rpc<>("KvGet", GetRequest::getContext, storage::kvGet, GetResponse.getDefaultInstance());
        batchGet = new Rpc<>(
                "KvBatchGet", BatchGetRequest::getContext, storage::kvBatchGet, BatchGetResponse.getDefaultInstance());
        scan = new Rpc<>("KvScan", ScanRequest::getContext, storage::kvScan, ScanResponse.getDefaultInstance());
        prewrite = new Rpc<>(
                "KvPrewrite", PrewriteRequest::getContext, storage::kvPrewrite, PrewriteResponse.getDefaultInstance());
        pessimisticLock = new Rpc<>(
                "KvPessimisticLock",
                PessimisticLockRequest::getContext,
                storage::kvPessimisticLock,
                PessimisticLockResponse.getDefaultInstance());
        pessimisticRollback = new Rpc<>(
                "KVPessimisticRollback",
                PessimisticRollbackRequest::getContext,
                storage::kvPessimisticRollback,
                PessimisticRollbackResponse.getDefaultInstance());
        commit = new Rpc<>(
                "KvCommit", CommitRequest::getContext, storage::kvCommit, CommitResponse.getDefaultInstance());
        cleanup = new Rpc<>(
                "KvCleanup", CleanupRequest::getContext, storage::kvCleanup, CleanupResponse.getDefaultInstance());
        batchRollback = new Rpc<>(
                "KvBatchRollback",
                BatchRollbackRequest::getContext,
                storage::kvBatchRollback,
                BatchRollbackResponse.getDefaultInstance());
        heartBeat = new Rpc<>(
                "KvTxnHeartBeat",
                TxnHeartBeatRequest::getContext,
                storage::kvTxnHeartBeat,
                TxnHeartBeatResponse.getDefaultInstance());
        checkTxnStatus = new Rpc<>(
                "KvCheckTxnStatus",
                CheckTxnStatusRequest::getContext,
                storage::kvCheckTxnStatus,
                CheckTxnStatusResponse.getDefaultInstance());
        checkSecondaryLocks = new Rpc<>(
                "KvCheckSecondaryLocks",
                CheckSecondaryLocksRequest::getContext,
                storage::kvCheckSecondaryLocks,
                CheckSecondaryLocksResponse.getDefaultInstance());
        scanLock = new Rpc<>(
                "KvScanLock", ScanLockRequest::getContext, storage::kvScanLock, ScanLockResponse.getDefaultInstance());
        resolveLock = new Rpc<>(
                "KvResolveLock",
                ResolveLockRequest::getContext,
                storage::kvResolveLock,
                ResolveLockResponse.getDefaultInstance());
        deleteRange = new Rpc<>(
                "KvDeleteRange",
                DeleteRangeRequest::getContext,
                storage::kvDeleteRange,
                DeleteRangeResponse.getDefaultInstance());
        flush = new Rpc<>("KvFlush", FlushRequest::getContext, storage::kvFlush, FlushResponse.getDefaultInstance());
        bufferBatchGet = new Rpc<>(
                "KvBufferBatchGet",
                BufferBatchGetRequest::getContext,
                storage::kvBufferBatchGet,
                BufferBatchGetResponse.getDefaultInstance());
        mvccGetByKey = new Rpc<>(
                "MvccGetByKey",
                MvccGetByKeyRequest::getContext,
                storage::mvccGetByKey,
                MvccGetByKeyResponse.getDefaultInstance());
        mvccGetByStartTs = new Rpc<>(
                "MvccGetByStartTs",
                MvccGetByStartTsRequest::getContext,
                storage::mvccGetByStartTs,
                MvccGetByStartTsResponse.getDefaultInstance());
        lockWaitInfo = new Rpc<>(
                "GetLockWaitInfo",
                GetLockWaitInfoRequest::getContext,
                storage::getLockWaitInfo,
                GetLockWaitInfoResponse.getDefaultInstance());
    }
}
