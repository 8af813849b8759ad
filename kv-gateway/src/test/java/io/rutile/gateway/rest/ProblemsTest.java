package io.rutile.gateway.rest;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Descriptors;
import io.rutile.client.KvClientException;
import io.rutile.client.KvClientException.Kind;
import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.errorpb.Error;
import java.util.Arrays;
import java.util.concurrent.CompletionException;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ProblemsTest {

    @ParameterizedTest
    @CsvSource(nullValues = "-", textBlock = """
            TIMEOUT,      504, urn:rutile:problem:timeout,         -,                  true,  false
            UNAVAILABLE,  503, urn:rutile:problem:unavailable,     -,                  true,  true
            INVALID,      400, urn:rutile:problem:invalid-request, -,                  false, false
            TOO_LARGE,    413, urn:rutile:problem:too-large,       RaftEntryTooLarge,  false, false
            DISK_FULL,    507, urn:rutile:problem:disk-full,       DiskFull,           true,  false
            BUSY,         503, urn:rutile:problem:busy,            ServerIsBusy,       true,  true
            UNDETERMINED, 500, urn:rutile:problem:undetermined,    UndeterminedResult, false, false
            SERVER,       502, urn:rutile:problem:server,          -,                  false, false
            """)
    void everyKindOfFailureHasItsAnswer(
            Kind kind, int status, String type, @Nullable String error, boolean retryable, boolean wait) {
        Problem problem = Problems.of(new CompletionException(new KvClientException(kind, "words", null, null)));

        assertThat(problem.status()).isEqualTo(status);
        assertThat(problem.type()).isEqualTo(type);
        assertThat(problem.error()).isEqualTo(error);
        assertThat(problem.retryable()).isEqualTo(retryable);
        assertThat(problem.detail()).startsWith("words");
        assertThat(problem.toResponse().getHeaders().getFirst("Retry-After")).isEqualTo(wait ? "1" : null);
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void theRegionErrorNamesTheProblem(Kind kind) {
        Error notLeader = RegionErrors.notLeader(7, null).error();

        assertThat(Problems.of(new KvClientException(kind, "words", notLeader, null))
                        .error())
                .isEqualTo("NotLeader");
    }

    @Test
    void everyRegionErrorHasTheNameOfItsMessage() {
        Error.getDescriptor().getFields().stream()
                .filter(field -> field.getJavaType() == Descriptors.FieldDescriptor.JavaType.MESSAGE)
                .forEach(field -> {
                    Error.Builder error = Error.newBuilder().setMessage("words");
                    error.setField(field, error.newBuilderForField(field).build());

                    assertThat(Problems.errorName(error.build()))
                            .isEqualTo(field.getMessageType().getName());
                });
        assertThat(Problems.errorName(RegionErrors.message("only words").error()))
                .isNull();
    }

    @Test
    void aConditionalWriteThatRanOutOfTimeIsNotToBeRepeated() {
        KvClientException timeout = new KvClientException(Kind.TIMEOUT, "words", null, null);

        assertThat(Problems.ofConditional(timeout).retryable()).isFalse();
        assertThat(Problems.ofConditional(new KvClientException(Kind.BUSY, "words", null, null))
                        .retryable())
                .isTrue();
    }

    @Test
    void aBugTellsTheClientNothing() {
        Problem problem = Problems.of(new IllegalStateException("secret"));

        assertThat(problem.status()).isEqualTo(500);
        assertThat(problem.detail()).doesNotContain("secret");
    }

    @Test
    void namesOfTypesAreDistinct() {
        assertThat(Arrays.stream(ProblemType.values())
                        .map(type -> type.problem("").type())
                        .collect(Collectors.toSet()))
                .hasSameSizeAs(ProblemType.values());
    }
}
