package io.rutile.node.rpc;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.RegionException;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.errorpb.UndeterminedResult;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.KvPair;
import io.rutile.storage.engine.EngineException;
import io.rutile.storage.raw.RawFailure;
import java.util.Objects;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts a failure into the words of the protocol: the only place that does.
 *
 * <p>Reasons that another store, another try or another epoch could cure go into {@code region_error}; what is wrong with the
 * request itself goes into the raw API's {@code error}.
 */
final class RpcErrors {

    private static final Logger log = LoggerFactory.getLogger(RpcErrors.class);

    private static final long DISK_BACKOFF_MS = 1_000;
    private static final long QUEUE_BACKOFF_MS = 100;

    private RpcErrors() {}

    /** An answer of this kind that says why there is none. */
    @SuppressWarnings("unchecked")
    static <R extends Message> R answer(Rpc<?, R> rpc, long storeId, Throwable failure) {
        Throwable cause = unwrap(failure);
        R prototype = rpc.prototype();
        Message.Builder answer = prototype.newBuilderForType();
        if (cause instanceof RawFailure refused && refuse(prototype.getDescriptorForType(), answer, refused)) {
            return (R) answer.build();
        }
        FieldDescriptor regionError = Objects.requireNonNull(
                AnswerErrors.of(prototype.getDescriptorForType()).regionError());
        return (R)
                answer.setField(regionError, regionError(rpc, cause, storeId)).build();
    }

    /** In the answer's own {@code error}, or, where it has none, as one pair that carries nothing else. */
    private static boolean refuse(Descriptor answerType, Message.Builder answer, RawFailure refused) {
        String text = String.valueOf(refused.getMessage());
        FieldDescriptor inWords = AnswerErrors.of(answerType).text();
        if (inWords != null) {
            answer.setField(inWords, text);
            return true;
        }
        for (FieldDescriptor field : answerType.getFields()) {
            if (field.isRepeated()
                    && field.getJavaType() == FieldDescriptor.JavaType.MESSAGE
                    && field.getMessageType() == KvPair.getDescriptor()) {
                KeyError why = KeyError.newBuilder().setAbort(text).build();
                answer.addRepeatedField(field, KvPair.newBuilder().setError(why).build());
                return true;
            }
        }
        return false;
    }

    private static Error regionError(Rpc<?, ?> rpc, Throwable cause, long storeId) {
        if (cause instanceof RegionException known) {
            return known.error();
        }
        if (cause instanceof RawFailure refused) {
            return RegionErrors.message(String.valueOf(refused.getMessage())).error();
        }
        if (cause instanceof TimeoutException) {
            return rpc.replayable() ? RegionErrors.deadlineExceeded().error() : undetermined(rpc.name());
        }
        if (cause instanceof RejectedExecutionException) {
            return RegionErrors.serverIsBusy("too many requests", QUEUE_BACKOFF_MS)
                    .error();
        }
        if (cause instanceof EngineException engine) {
            return engineError(engine, storeId);
        }
        log.error("request failed for a reason of our own", cause);
        return RegionErrors.message("internal error: " + cause.getClass().getSimpleName())
                .error();
    }

    private static Error undetermined(String rpc) {
        String text = "the result of " + rpc + " is unknown: deadline is exceeded";
        return Error.newBuilder()
                .setMessage(text)
                .setUndeterminedResult(UndeterminedResult.newBuilder().setMessage(text))
                .build();
    }

    /** R9: a failing disk is said to be one. */
    private static Error engineError(EngineException failure, long storeId) {
        return switch (failure.kind()) {
            case NO_SPACE ->
                RegionErrors.diskFull(storeId, String.valueOf(failure.getMessage()))
                        .error();
            case CLOSED ->
                RegionErrors.message("store " + storeId + " is closing").error();
            case IO, CORRUPTION, OTHER -> {
                log.error("engine failed kind={}", failure.kind(), failure);
                yield RegionErrors.serverIsBusy("the disk fails", DISK_BACKOFF_MS)
                        .error();
            }
        };
    }

    private static Throwable unwrap(Throwable failure) {
        return failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
    }
}
