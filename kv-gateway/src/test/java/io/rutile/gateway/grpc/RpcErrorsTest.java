package io.rutile.gateway.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.rpc.RetryInfo;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.rutile.client.KvClientException;
import io.rutile.client.KvClientException.Kind;
import io.rutile.client.txn.TxnFailures;
import io.rutile.gateway.RunningGateway;
import io.rutile.gateway.kv.Failure;
import io.rutile.gateway.kv.Failures;
import io.rutile.gateway.v1.ContendedKey;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.TimeStamp;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class RpcErrorsTest {

    @ParameterizedTest
    @CsvSource(nullValues = "-", textBlock = """
            TIMEOUT,      DEADLINE_EXCEEDED,  TIMEOUT,         -,                  true,  false
            UNAVAILABLE,  UNAVAILABLE,        UNAVAILABLE,     -,                  true,  true
            INVALID,      INVALID_ARGUMENT,   INVALID_REQUEST, -,                  false, false
            TOO_LARGE,    INVALID_ARGUMENT,   TOO_LARGE,       RaftEntryTooLarge,  false, false
            DISK_FULL,    RESOURCE_EXHAUSTED, DISK_FULL,       DiskFull,           true,  false
            BUSY,         UNAVAILABLE,        BUSY,            ServerIsBusy,       true,  true
            UNDETERMINED, UNKNOWN,            UNDETERMINED,    UndeterminedResult, false, false
            CONFLICT,     ABORTED,            CONFLICT,        -,                  false, false
            SERVER,       UNKNOWN,            SERVER,          -,                  false, false
            """)
    void everyKindOfFailureHasItsStatus(
            Kind kind, Code code, String reason, @Nullable String error, boolean retryable, boolean wait) {
        com.google.rpc.Status status = GrpcTesting.assertRefused(
                () -> {
                    throw RpcErrors.of(Failures.of(new KvClientException(kind, "words", null, null)));
                },
                code,
                reason);

        assertThat(status.getMessage()).startsWith("words");
        assertThat(GrpcTesting.error(status)).isEqualTo(error == null ? "" : error);
        assertThat(GrpcTesting.retryable(status)).isEqualTo(retryable);
        assertThat(GrpcTesting.detail(status, RetryInfo.class).isPresent()).isEqualTo(wait);
    }

    @Test
    void aConflictNamesItsKeyUnlessItIsLong() {
        ByteKey shortKey = ByteKey.wrap(new byte[1 << 10]);
        ByteKey longKey = ByteKey.wrap(new byte[(1 << 10) + 1]);

        assertThat(contended(shortKey).getKey()).isEqualTo(shortKey.toByteString());
        assertThat(contended(longKey)).isEqualTo(ContendedKey.getDefaultInstance());
        assertThat(statusOf(TxnFailures.writeConflict(RunningGateway.key("fruit"), new TimeStamp(7), new TimeStamp(8)))
                        .getMessage())
                .as("E3: messages may be logged")
                .doesNotContain("fruit");
    }

    @Test
    void trailersFitIntoWhatClientsTake() {
        Failure worst = Failures.of(
                TxnFailures.writeConflict(ByteKey.wrap(new byte[1 << 10]), new TimeStamp(7), new TimeStamp(8)));
        Failure wordy = new Failure(worst.kind(), "€".repeat(100_000), worst.error(), worst.key(), true);

        com.google.rpc.Status status = StatusProto.fromThrowable(RpcErrors.of(wordy));

        // The message travels twice: escaped, three characters a byte, and with the details in Base64.
        assertThat(status).isNotNull();
        int escaped = 3 * status.getMessageBytes().size();
        assertThat(escaped + status.getSerializedSize() * 4 / 3).isLessThan(8 << 10);
    }

    @ParameterizedTest
    @EnumSource(Failure.Kind.class)
    void everyFailureIsOnThePage(Failure.Kind kind) throws Exception {
        String page = Files.readString(Path.of("..", "docs", "operations", "grpc-api.md"));

        assertThat(page).contains("| `%s` | `%s` | ".formatted(kind.name(), RpcErrors.code(kind)));
    }

    private static ContendedKey contended(ByteKey key) {
        return GrpcTesting.detail(
                        statusOf(TxnFailures.writeConflict(key, new TimeStamp(7), new TimeStamp(8))),
                        ContendedKey.class)
                .orElse(ContendedKey.getDefaultInstance());
    }

    private static com.google.rpc.Status statusOf(RuntimeException failure) {
        StatusRuntimeException told = RpcErrors.of(Failures.of(failure));
        com.google.rpc.Status status = StatusProto.fromThrowable(told);
        assertThat(status).isNotNull();
        return status;
    }
}
