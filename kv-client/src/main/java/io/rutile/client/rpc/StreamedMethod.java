package io.rutile.client.rpc;

import io.grpc.MethodDescriptor;
import io.rutile.protocol.tikvpb.BatchCommandsRequest;
import io.rutile.protocol.tikvpb.BatchCommandsResponse;
import io.rutile.protocol.tikvpb.TikvGrpc;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A method whose requests may travel in a stream of commands: what is asked for often and answered in little. Answers of scans and batches are large, and
 * others would wait behind them.
 *
 * @param method the same, alone
 * @param put puts a request into a command
 * @param has whether that is what was answered
 * @param take takes the answer out
 */
record StreamedMethod<Q, R>(
        MethodDescriptor<Q, R> method,
        BiConsumer<BatchCommandsRequest.Request.Builder, Q> put,
        Predicate<BatchCommandsResponse.Response> has,
        Function<BatchCommandsResponse.Response, R> take) {

    private static final Map<String, StreamedMethod<?, ?>> BY_NAME = Stream.of(
                    new StreamedMethod<>(
                            TikvGrpc.getRawGetMethod(),
                            BatchCommandsRequest.Request.Builder::setRawGet,
                            BatchCommandsResponse.Response::hasRawGet,
                            BatchCommandsResponse.Response::getRawGet),
                    new StreamedMethod<>(
                            TikvGrpc.getRawPutMethod(),
                            BatchCommandsRequest.Request.Builder::setRawPut,
                            BatchCommandsResponse.Response::hasRawPut,
                            BatchCommandsResponse.Response::getRawPut),
                    new StreamedMethod<>(
                            TikvGrpc.getRawDeleteMethod(),
                            BatchCommandsRequest.Request.Builder::setRawDelete,
                            BatchCommandsResponse.Response::hasRawDelete,
                            BatchCommandsResponse.Response::getRawDelete),
                    new StreamedMethod<>(
                            TikvGrpc.getKvGetMethod(),
                            BatchCommandsRequest.Request.Builder::setGet,
                            BatchCommandsResponse.Response::hasGet,
                            BatchCommandsResponse.Response::getGet),
                    new StreamedMethod<>(
                            TikvGrpc.getKvPrewriteMethod(),
                            BatchCommandsRequest.Request.Builder::setPrewrite,
                            BatchCommandsResponse.Response::hasPrewrite,
                            BatchCommandsResponse.Response::getPrewrite),
                    new StreamedMethod<>(
                            TikvGrpc.getKvCommitMethod(),
                            BatchCommandsRequest.Request.Builder::setCommit,
                            BatchCommandsResponse.Response::hasCommit,
                            BatchCommandsResponse.Response::getCommit),
                    new StreamedMethod<>(
                            TikvGrpc.getKvBatchRollbackMethod(),
                            BatchCommandsRequest.Request.Builder::setBatchRollback,
                            BatchCommandsResponse.Response::hasBatchRollback,
                            BatchCommandsResponse.Response::getBatchRollback),
                    new StreamedMethod<>(
                            TikvGrpc.getKvPessimisticLockMethod(),
                            BatchCommandsRequest.Request.Builder::setPessimisticLock,
                            BatchCommandsResponse.Response::hasPessimisticLock,
                            BatchCommandsResponse.Response::getPessimisticLock),
                    new StreamedMethod<>(
                            TikvGrpc.getKVPessimisticRollbackMethod(),
                            BatchCommandsRequest.Request.Builder::setPessimisticRollback,
                            BatchCommandsResponse.Response::hasPessimisticRollback,
                            BatchCommandsResponse.Response::getPessimisticRollback),
                    new StreamedMethod<>(
                            TikvGrpc.getKvTxnHeartBeatMethod(),
                            BatchCommandsRequest.Request.Builder::setTxnHeartBeat,
                            BatchCommandsResponse.Response::hasTxnHeartBeat,
                            BatchCommandsResponse.Response::getTxnHeartBeat),
                    new StreamedMethod<>(
                            TikvGrpc.getKvCheckTxnStatusMethod(),
                            BatchCommandsRequest.Request.Builder::setCheckTxnStatus,
                            BatchCommandsResponse.Response::hasCheckTxnStatus,
                            BatchCommandsResponse.Response::getCheckTxnStatus),
                    new StreamedMethod<>(
                            TikvGrpc.getKvCheckSecondaryLocksMethod(),
                            BatchCommandsRequest.Request.Builder::setCheckSecondaryLocks,
                            BatchCommandsResponse.Response::hasCheckSecondaryLocks,
                            BatchCommandsResponse.Response::getCheckSecondaryLocks),
                    new StreamedMethod<>(
                            TikvGrpc.getKvResolveLockMethod(),
                            BatchCommandsRequest.Request.Builder::setResolveLock,
                            BatchCommandsResponse.Response::hasResolveLock,
                            BatchCommandsResponse.Response::getResolveLock))
            .collect(Collectors.toUnmodifiableMap(one -> one.method().getFullMethodName(), one -> one));

    /** Null if requests of that method travel alone. */
    @SuppressWarnings("unchecked") // a method's name tells its types
    static <Q, R> @Nullable StreamedMethod<Q, R> of(MethodDescriptor<Q, R> method) {
        return (StreamedMethod<Q, R>) BY_NAME.get(method.getFullMethodName());
    }

    BatchCommandsRequest.Request command(Q request) {
        BatchCommandsRequest.Request.Builder command = BatchCommandsRequest.Request.newBuilder();
        put.accept(command, request);
        return command.build();
    }

    /** @return null if it is the answer to something else */
    @Nullable R answer(BatchCommandsResponse.Response response) {
        return has.test(response) ? take.apply(response) : null;
    }
}
