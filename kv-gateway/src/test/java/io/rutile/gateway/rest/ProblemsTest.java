package io.rutile.gateway.rest;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.client.KvClientException;
import io.rutile.client.KvClientException.Kind;
import io.rutile.client.txn.TxnFailures;
import io.rutile.gateway.RunningGateway;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.TimeStamp;
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
            CONFLICT,     409, urn:rutile:problem:conflict,        -,                  false, false
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

    @Test
    void aConflictNamesItsKey() {
        TimeStamp startTs = new TimeStamp(7);
        ByteKey key = RunningGateway.key("fruit/1");

        assertConflict(TxnFailures.writeConflict(key, startTs, new TimeStamp(8)), "WriteConflict", "fruit/1");
        assertConflict(TxnFailures.deadlock(key, startTs), "Deadlock", "fruit/1");
        assertConflict(TxnFailures.keyExists(key, startTs), "AlreadyExist", "fruit/1");
        assertConflict(TxnFailures.lockNotFound(startTs), "TxnLockNotFound", null);
        Problem binary =
                Problems.of(TxnFailures.writeConflict(ByteKey.wrap(new byte[] {-1}), startTs, new TimeStamp(8)));
        assertThat(binary.key()).isNull();
        assertThat(binary.keyBase64url()).isEqualTo("_w");
    }

    private static void assertConflict(KvClientException failure, String error, @Nullable String key) {
        Problem problem = Problems.of(failure);

        assertThat(problem.status()).isEqualTo(409);
        assertThat(problem.type()).isEqualTo("urn:rutile:problem:conflict");
        assertThat(problem.error()).isEqualTo(error);
        assertThat(problem.key()).isEqualTo(key);
        assertThat(problem.detail()).as("E3: details may be logged").doesNotContain("fruit");
        assertThat(problem.retryable()).isFalse();
        assertThat(Problems.ofAtomicCall(failure).retryable()).isTrue();
        assertThat(Problems.ofCommit(failure).retryable()).isFalse();
    }

    @Test
    void aLockThatWasWaitedForInVainNamesItsKey() {
        Problem problem = Problems.ofTransaction(
                TxnFailures.keyLocked(RunningGateway.key("k"), new TimeStamp(7), new TimeStamp(8)));

        assertThat(problem.status()).isEqualTo(503);
        assertThat(problem.error()).isEqualTo("KeyIsLocked");
        assertThat(problem.key()).isEqualTo("k");
    }

    @Test
    void theEndOfATransactionIsNotToBeRepeated() {
        KvClientException busy = new KvClientException(Kind.BUSY, "words", null, null);
        KvClientException timeout = new KvClientException(Kind.TIMEOUT, "words", null, null);

        assertThat(Problems.ofCommit(busy).retryable()).isFalse();
        assertThat(Problems.ofTransaction(busy).retryable()).isTrue();
        assertThat(Problems.ofTransaction(timeout).detail()).contains("nothing of the transaction is written");
        assertThat(Problems.ofAtomicCall(TxnFailures.undetermined(new TimeStamp(7)))
                        .retryable())
                .isFalse();
    }

    @ParameterizedTest
    @EnumSource(value = Kind.class, names = "CONFLICT", mode = EnumSource.Mode.EXCLUDE)
    void theRegionErrorNamesTheProblem(Kind kind) {
        Error notLeader = RegionErrors.notLeader(7, null).error();

        assertThat(Problems.of(new KvClientException(kind, "words", notLeader, null))
                        .error())
                .isEqualTo("NotLeader");
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
