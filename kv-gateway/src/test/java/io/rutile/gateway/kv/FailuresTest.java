package io.rutile.gateway.kv;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Descriptors;
import io.rutile.client.KvClientException;
import io.rutile.gateway.kv.Failure.Kind;
import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.errorpb.Error;
import java.util.Arrays;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;

/** What every edge answers; how they spell it is in {@code ProblemsTest} and {@code RpcErrorsTest}. */
class FailuresTest {

    @Test
    void everyRegionErrorHasTheNameOfItsMessage() {
        Error.getDescriptor().getFields().stream()
                .filter(field -> field.getJavaType() == Descriptors.FieldDescriptor.JavaType.MESSAGE)
                .forEach(field -> {
                    Error.Builder error = Error.newBuilder().setMessage("words");
                    error.setField(field, error.newBuilderForField(field).build());

                    assertThat(Failures.errorName(error.build()))
                            .isEqualTo(field.getMessageType().getName());
                });
        assertThat(Failures.errorName(RegionErrors.message("only words").error()))
                .isNull();
    }

    @Test
    void aRefusalIsToldAsItIs() {
        Failure failure = Kind.TOO_LARGE.because("words", "RaftEntryTooLarge");

        assertThat(Failures.of(new CompletionException(new FailureException(failure))))
                .isEqualTo(failure);
        assertThat(Failures.ofTransaction(new FailureException(failure))).isEqualTo(failure);
    }

    @Test
    void whatMayHaveHappenedIsNotToBeRepeated() { // P5
        for (KvClientException.Kind kind : KvClientException.Kind.values()) {
            KvClientException failed = new KvClientException(kind, "words", null, null);

            assertThat(Failures.ofCommit(failed).retryable()).as("%s", kind).isFalse();
        }
        KvClientException undetermined =
                new KvClientException(KvClientException.Kind.UNDETERMINED, "words", null, null);
        assertThat(Failures.of(undetermined).retryable()).isFalse();
        assertThat(Failures.ofAtomicCall(undetermined).retryable()).isFalse();
    }

    @Test
    void labelsAreDistinctAndFitForPrograms() {
        assertThat(Arrays.stream(Kind.values()).map(Kind::label))
                .doesNotHaveDuplicates()
                .allMatch(label -> label.matches("[a-z]+(-[a-z]+)*"));
    }
}
