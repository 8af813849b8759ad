package io.rutile.gateway.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.ErrorInfo;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import io.rutile.gateway.v1.Pair;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/** What tests of the gRPC edge have in common. */
final class GrpcTesting {

    private GrpcTesting() {}

    static ByteString utf8(String text) {
        return ByteString.copyFromUtf8(text);
    }

    static Pair pair(String key, String value) {
        return Pair.newBuilder().setKey(utf8(key)).setValue(utf8(value)).build();
    }

    static String text(Pair pair) {
        return pair.getKey().toStringUtf8() + "=" + pair.getValue().toStringUtf8();
    }

    /** The status of a call that the gateway refused, with the details that it always has. */
    static com.google.rpc.Status assertRefused(ThrowingCallable call, Status.Code code, String reason) {
        Throwable failure = catchThrowable(call);
        assertThat(failure).isNotNull();
        com.google.rpc.Status status = StatusProto.fromThrowable(failure);
        assertThat(status).as("%s", failure).isNotNull();
        assertThat(Status.fromCodeValue(status.getCode()).getCode())
                .as("%s", status)
                .isEqualTo(code);
        ErrorInfo info = detail(status, ErrorInfo.class).orElseThrow();
        assertThat(info.getReason()).isEqualTo(reason);
        assertThat(info.getDomain()).isEqualTo("rutile.gateway");
        assertThat(info.getMetadataMap()).containsKey("retryable");
        return status;
    }

    static String error(com.google.rpc.Status status) {
        return detail(status, ErrorInfo.class).orElseThrow().getMetadataOrDefault("error", "");
    }

    static boolean retryable(com.google.rpc.Status status) {
        return Boolean.parseBoolean(
                detail(status, ErrorInfo.class).orElseThrow().getMetadataOrThrow("retryable"));
    }

    static <T extends Message> Optional<T> detail(com.google.rpc.Status status, Class<T> type) {
        try {
            for (Any detail : status.getDetailsList()) {
                if (detail.is(type)) {
                    return Optional.of(detail.unpack(type));
                }
            }
            return Optional.empty();
        } catch (InvalidProtocolBufferException e) {
            throw new AssertionError(e);
        }
    }
}
