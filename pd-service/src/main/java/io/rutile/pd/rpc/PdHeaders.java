package io.rutile.pd.rpc;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.rutile.pd.meta.MetaException;
import io.rutile.pd.meta.MetaOutcome;
import io.rutile.pd.meta.PdMember;
import io.rutile.protocol.pdpb.Error;
import io.rutile.protocol.pdpb.ErrorType;
import io.rutile.protocol.pdpb.RequestHeader;
import io.rutile.protocol.pdpb.ResponseHeader;
import java.util.Objects;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeoutException;

/** Headers both ways: what a request's is checked for, and what a response's says. Texts here are matched by clients. */
final class PdHeaders {

    private final PdMember member;

    PdHeaders(PdMember member) {
        this.member = member;
    }

    ResponseHeader ok() {
        return ResponseHeader.newBuilder().setClusterId(member.clusterId()).build();
    }

    ResponseHeader error(ErrorType type, String message) {
        return ResponseHeader.newBuilder()
                .setClusterId(member.clusterId())
                .setError(Error.newBuilder().setType(type).setMessage(message))
                .build();
    }

    /** Sets the header of any response. */
    static void put(Message.Builder response, ResponseHeader header) {
        FieldDescriptor field = response.getDescriptorForType().findFieldByName("header");
        response.setField(Objects.requireNonNull(field, "a response without header"), header);
    }

    /** @throws StatusRuntimeException FAILED_PRECONDITION */
    void checkCluster(RequestHeader header) {
        if (header.getClusterId() != member.clusterId()) {
            throw Status.FAILED_PRECONDITION
                    .withDescription("mismatch cluster id, need " + Long.toUnsignedString(member.clusterId())
                            + " but got " + Long.toUnsignedString(header.getClusterId()))
                    .asRuntimeException();
        }
    }

    static StatusRuntimeException notLeader() {
        return Status.UNAVAILABLE.withDescription("not leader").asRuntimeException();
    }

    /** Throws what a refused record means to a client. */
    static MetaOutcome accepted(MetaOutcome outcome) {
        if (outcome instanceof MetaOutcome.Refused refused) {
            throw new PdError(errorType(refused.reason()), refused.message());
        }
        return outcome;
    }

    /** What an unfinished call is answered with. */
    static Status status(Throwable failure) {
        Throwable cause = unwrapped(failure);
        if (cause instanceof MetaException meta) {
            return switch (meta.kind()) {
                case NOT_LEADER -> Status.UNAVAILABLE.withDescription("not leader");
                case UNDETERMINED ->
                    Status.UNAVAILABLE.withDescription(
                            "not leader any more; the outcome is not known: " + meta.getMessage());
                case BUSY -> Status.UNAVAILABLE.withDescription("server is busy: " + meta.getMessage());
                case DISK -> Status.UNAVAILABLE.withDescription("the disk refused: " + meta.getMessage());
                case EXHAUSTED -> Status.RESOURCE_EXHAUSTED.withDescription(meta.getMessage());
            };
        }
        if (cause instanceof TimeoutException) {
            return Status.UNAVAILABLE.withDescription("not leader: no majority answered in time");
        }
        if (cause instanceof IllegalArgumentException) {
            return Status.INVALID_ARGUMENT.withDescription(cause.getMessage());
        }
        return cause instanceof StatusRuntimeException known
                ? known.getStatus()
                : Status.INTERNAL
                        .withDescription(cause.getClass().getSimpleName())
                        .withCause(cause);
    }

    static Throwable unwrapped(Throwable failure) {
        Throwable cause = failure;
        while (cause instanceof CompletionException && cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause;
    }

    private static ErrorType errorType(MetaOutcome.Reason reason) {
        return switch (reason) {
            case ALREADY_BOOTSTRAPPED -> ErrorType.ALREADY_BOOTSTRAPPED;
            case STORE_TOMBSTONE -> ErrorType.STORE_TOMBSTONE;
            case INVALID_VALUE -> ErrorType.INVALID_VALUE;
            case DUPLICATE_NAME -> ErrorType.DUPLICATED_ENTRY;
            case NOT_FOUND -> ErrorType.ENTRY_NOT_FOUND;
            case DUPLICATE_ADDRESS,
                    INCOMPATIBLE_VERSION,
                    STORE_DESTROYED,
                    STORE_UP,
                    STORES_NOT_ENOUGH,
                    EXHAUSTED,
                    CONFLICT,
                    MEMBER_REMOVED,
                    MEMBER_REPLACED,
                    MEMBERS_NOT_ENOUGH,
                    BEHIND_SAFE_POINT,
                    BEYOND_TXN_SAFE_POINT -> ErrorType.UNKNOWN;
        };
    }
}
