package io.rutile.gateway.grpc;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.rutile.gateway.kv.Failure;
import io.rutile.gateway.v1.ContendedKey;

/** Failures as statuses with details. What a failure means is decided in {@link io.rutile.gateway.kv.Failures}. */
final class RpcErrors {

    static final String DOMAIN = "rutile.gateway";

    /** Clients take 8 KiB of trailers by default; details travel in Base64 and the message in two forms. */
    private static final int KEY_BYTES_MAX = 1 << 10;

    private static final int MESSAGE_CHARS_MAX = 400;
    private static final Duration RETRY_AFTER =
            Duration.newBuilder().setSeconds(1).build();

    private RpcErrors() {}

    static StatusRuntimeException of(Failure failure) {
        ErrorInfo.Builder info = ErrorInfo.newBuilder()
                .setReason(failure.kind().name())
                .setDomain(DOMAIN)
                .putMetadata("retryable", String.valueOf(failure.retryable()));
        if (failure.error() != null) {
            info.putMetadata("error", failure.error());
        }
        com.google.rpc.Status.Builder status = com.google.rpc.Status.newBuilder()
                .setCode(code(failure.kind()).value())
                .setMessage(shortened(failure.detail()))
                .addDetails(Any.pack(info.build()));
        if (failure.key() != null && failure.key().bytes().length <= KEY_BYTES_MAX) {
            status.addDetails(Any.pack(ContendedKey.newBuilder()
                    .setKey(failure.key().toByteString())
                    .build()));
        }
        if (failure.retryable() && asksToWait(failure.kind())) {
            status.addDetails(
                    Any.pack(RetryInfo.newBuilder().setRetryDelay(RETRY_AFTER).build()));
        }
        return StatusProto.toStatusRuntimeException(status.build());
    }

    /** Listed in docs/operations/grpc-api.md. */
    static Code code(Failure.Kind kind) {
        return switch (kind) {
            case INVALID_REQUEST, IDEMPOTENCY_KEY_REUSED, TOO_LARGE -> Code.INVALID_ARGUMENT;
            case UNAUTHENTICATED -> Code.UNAUTHENTICATED;
            case PERMISSION_DENIED -> Code.PERMISSION_DENIED;
            case TRANSACTION_NOT_FOUND -> Code.NOT_FOUND;
            case TRANSACTION_IN_USE, TRANSACTION_COMMITTING -> Code.FAILED_PRECONDITION;
            case CONFLICT -> Code.ABORTED;
            case POSITION_GONE -> Code.OUT_OF_RANGE;
            case INTERNAL -> Code.INTERNAL;
            case UNDETERMINED, SERVER -> Code.UNKNOWN;
            // Nothing was begun: what clients that retry by themselves retry.
            case UNAVAILABLE, BUSY -> Code.UNAVAILABLE;
            case TIMEOUT -> Code.DEADLINE_EXCEEDED;
            case DISK_FULL, TOO_MANY_REQUESTS, TOO_MANY_WATCHES, TOO_SLOW -> Code.RESOURCE_EXHAUSTED;
        };
    }

    private static boolean asksToWait(Failure.Kind kind) {
        return switch (kind) {
            case BUSY, TOO_MANY_REQUESTS, UNAVAILABLE -> true;
            default -> false;
        };
    }

    private static String shortened(String text) {
        return text.length() <= MESSAGE_CHARS_MAX ? text : text.substring(0, MESSAGE_CHARS_MAX) + "…";
    }
}
