package io.rutile.node.rpc;

import com.google.protobuf.Message;
import com.google.protobuf.UnknownFieldSet;
import io.rutile.protocol.tikvpb.BatchCommandsEmptyResponse;
import io.rutile.protocol.tikvpb.BatchCommandsRequest.Request;
import io.rutile.protocol.tikvpb.BatchCommandsRequest.Request.CmdCase;
import io.rutile.protocol.tikvpb.BatchCommandsResponse.Response;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;

/**
 * The table of commands that a BatchCommands frame may carry. A command that is not in it, or not set at all, is answered with an
 * empty response, which clients read as "unknown command".
 */
@SuppressWarnings("FutureReturnValueIgnored") // the timer only completes an answer
final class BatchCommands {

    /** Longest delay that an {@code Empty} command may ask for: it only serves tests of the stream itself. */
    static final long EMPTY_DELAY_MS_MAX = 60_000;

    private static final Set<CmdCase> POINT_READS = EnumSet.of(CmdCase.RAWGET, CmdCase.GET);

    private final Map<CmdCase, BatchCommand<?, ?>> table = new EnumMap<>(CmdCase.class);
    private final RpcScope scope;
    private final ScheduledExecutorService timer;

    BatchCommands(RawRpcs raw, TxnRpcs txn, StoreRpcs store, RpcScope scope, ScheduledExecutorService timer) {
        this.scope = scope;
        this.timer = timer;
        table.put(CmdCase.RAWGET, new BatchCommand<>(raw.get, Request::getRawGet, Response.Builder::setRawGet));
        table.put(
                CmdCase.RAWBATCHGET,
                new BatchCommand<>(raw.batchGet, Request::getRawBatchGet, Response.Builder::setRawBatchGet));
        table.put(CmdCase.RAWPUT, new BatchCommand<>(raw.put, Request::getRawPut, Response.Builder::setRawPut));
        table.put(
                CmdCase.RAWBATCHPUT,
                new BatchCommand<>(raw.batchPut, Request::getRawBatchPut, Response.Builder::setRawBatchPut));
        table.put(
                CmdCase.RAWDELETE,
                new BatchCommand<>(raw.delete, Request::getRawDelete, Response.Builder::setRawDelete));
        table.put(
                CmdCase.RAWBATCHDELETE,
                new BatchCommand<>(raw.batchDelete, Request::getRawBatchDelete, Response.Builder::setRawBatchDelete));
        table.put(
                CmdCase.RAWSCAN,
                new BatchCommand<>(raw.scan, Request::getRawScan, inBytes(Response.RAWSCAN_FIELD_NUMBER)));
        table.put(
                CmdCase.RAWDELETERANGE,
                new BatchCommand<>(raw.deleteRange, Request::getRawDeleteRange, Response.Builder::setRawDeleteRange));
        table.put(
                CmdCase.RAWBATCHSCAN,
                new BatchCommand<>(
                        raw.batchScan, Request::getRawBatchScan, inBytes(Response.RAWBATCHSCAN_FIELD_NUMBER)));
        table.put(CmdCase.GET, new BatchCommand<>(txn.get, Request::getGet, Response.Builder::setGet));
        table.put(
                CmdCase.BATCHGET,
                new BatchCommand<>(txn.batchGet, Request::getBatchGet, Response.Builder::setBatchGet));
        table.put(CmdCase.SCAN, new BatchCommand<>(txn.scan, Request::getScan, inBytes(Response.SCAN_FIELD_NUMBER)));
        table.put(
                CmdCase.PREWRITE,
                new BatchCommand<>(txn.prewrite, Request::getPrewrite, Response.Builder::setPrewrite));
        table.put(
                CmdCase.PESSIMISTICLOCK,
                new BatchCommand<>(
                        txn.pessimisticLock, Request::getPessimisticLock, Response.Builder::setPessimisticLock));
        table.put(
                CmdCase.PESSIMISTICROLLBACK,
                new BatchCommand<>(
                        txn.pessimisticRollback,
                        Request::getPessimisticRollback,
                        Response.Builder::setPessimisticRollback));
        table.put(CmdCase.COMMIT, new BatchCommand<>(txn.commit, Request::getCommit, Response.Builder::setCommit));
        table.put(CmdCase.CLEANUP, new BatchCommand<>(txn.cleanup, Request::getCleanup, Response.Builder::setCleanup));
        table.put(
                CmdCase.BATCHROLLBACK,
                new BatchCommand<>(txn.batchRollback, Request::getBatchRollback, Response.Builder::setBatchRollback));
        table.put(
                CmdCase.TXNHEARTBEAT,
                new BatchCommand<>(txn.heartBeat, Request::getTxnHeartBeat, Response.Builder::setTxnHeartBeat));
        table.put(
                CmdCase.CHECKTXNSTATUS,
                new BatchCommand<>(
                        txn.checkTxnStatus, Request::getCheckTxnStatus, Response.Builder::setCheckTxnStatus));
        table.put(
                CmdCase.CHECKSECONDARYLOCKS,
                new BatchCommand<>(
                        txn.checkSecondaryLocks,
                        Request::getCheckSecondaryLocks,
                        Response.Builder::setCheckSecondaryLocks));
        table.put(
                CmdCase.SCANLOCK,
                new BatchCommand<>(txn.scanLock, Request::getScanLock, Response.Builder::setScanLock));
        table.put(
                CmdCase.RESOLVELOCK,
                new BatchCommand<>(txn.resolveLock, Request::getResolveLock, Response.Builder::setResolveLock));
        table.put(
                CmdCase.DELETERANGE,
                new BatchCommand<>(txn.deleteRange, Request::getDeleteRange, Response.Builder::setDeleteRange));
        table.put(CmdCase.FLUSH, new BatchCommand<>(txn.flush, Request::getFlush, Response.Builder::setFlush));
        table.put(
                CmdCase.BUFFERBATCHGET,
                new BatchCommand<>(
                        txn.bufferBatchGet, Request::getBufferBatchGet, Response.Builder::setBufferBatchGet));
        table.put(
                CmdCase.GETHEALTHFEEDBACK,
                new BatchCommand<>(
                        store.healthFeedback, Request::getGetHealthFeedback, Response.Builder::setGetHealthFeedback));
    }

    /**
     * Serves one command.
     *
     * @throws ClusterMismatchException if it was meant for another cluster
     */
    CompletableFuture<Response> call(Request request) {
        if (request.getCmdCase() == CmdCase.EMPTY) {
            return echo(request);
        }
        BatchCommand<?, ?> command = table.get(request.getCmdCase());
        return command == null
                ? CompletableFuture.completedFuture(Response.getDefaultInstance())
                : command.call(request, scope);
    }

    /**
     * Whether {@link #call} waits for nothing, not even for a lock that is held while somebody waits for a disk: point reads, which memory
     * answers on the caller's thread and the disk on another one.
     */
    static boolean neverWaits(Request request) {
        return POINT_READS.contains(request.getCmdCase());
    }

    /** An answer that is bytes already ({@link io.rutile.protocol.PairBytes}) put as such into its place: on the wire there is no difference. */
    private static BiConsumer<Response.Builder, Message> inBytes(int field) {
        return (response, answer) -> response.setUnknownFields(UnknownFieldSet.newBuilder()
                .addField(
                        field,
                        UnknownFieldSet.Field.newBuilder()
                                .addLengthDelimited(answer.toByteString())
                                .build())
                .build());
    }

    /** An answer to a command that was not even begun. */
    Response refuse(Request request, Throwable why) {
        BatchCommand<?, ?> command = table.get(request.getCmdCase());
        return command == null ? Response.getDefaultInstance() : command.refuse(why, scope);
    }

    /** Q02: says the number back, as late as it was asked to. */
    private CompletableFuture<Response> echo(Request request) {
        Response answer = Response.newBuilder()
                .setEmpty(BatchCommandsEmptyResponse.newBuilder()
                        .setTestId(request.getEmpty().getTestId()))
                .build();
        long delayMs = request.getEmpty().getDelayTime();
        if (delayMs == 0) {
            return CompletableFuture.completedFuture(answer);
        }
        CompletableFuture<Response> later = new CompletableFuture<>();
        long boundedMs = delayMs < 0 ? EMPTY_DELAY_MS_MAX : Math.min(delayMs, EMPTY_DELAY_MS_MAX);
        timer.schedule(() -> later.complete(answer), boundedMs, TimeUnit.MILLISECONDS);
        return later;
    }
}
