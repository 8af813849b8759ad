package io.rutile.gateway.console;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.gateway.kv.Failure;
import io.rutile.gateway.kv.FailureException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class PdHttpTest {

    private static final String NOBODY = "127.0.0.1:1";

    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final FakePd first = new FakePd();
    private final FakePd second = new FakePd();

    @AfterEach
    void stop() {
        first.close();
        second.close();
    }

    @Test
    void whoCannotBeReachedIsPassedOverAndWhoAnsweredIsAskedFirst() {
        second.says("/ping", "{\"n\":1}");
        try (PdHttp pd = pd(NOBODY, second.endpoint())) {
            assertThat(pd.get("/ping").join().get("n").asInt()).isEqualTo(1);
        }
        try (PdHttp pd = pd(first.endpoint(), second.endpoint())) {
            first.says("/ping", 503, "\"no leader\"");
            JsonNode unused = pd.get("/ping").join();
            JsonNode again = pd.get("/ping").join();
            assertThat(again.get("n").asInt()).isEqualTo(1);
            assertThat(first.calls).hasSize(1);
        }
    }

    @Test
    void ifNobodyAnswersThatIsSaid() {
        first.says("/ping", 503, "\"no leader\"");
        try (PdHttp pd = pd(NOBODY, first.endpoint())) {
            assertThat(failure(pd.get("/ping")))
                    .isEqualTo(Failure.Kind.UNAVAILABLE.because(
                            "the Placement Driver does not answer: " + first.endpoint() + " says: no leader"));
        }
        try (PdHttp pd = pd("no such address")) {
            assertThat(failure(pd.get("/ping")).detail()).contains("no such address is no address");
        }
        assertThat(metrics.get("kv.gateway.console.pd")
                        .tag("outcome", "failed")
                        .timer()
                        .count())
                .isEqualTo(2);
    }

    @Test
    void whatPdRefusesIsNotAskedOfTheNext() {
        first.says("/store/9", 404, "\"store 9 not found\"");
        try (PdHttp pd = pd(first.endpoint(), second.endpoint())) {
            assertThatThrownBy(() -> pd.get("/store/9").join())
                    .hasCauseInstanceOf(PdHttp.RefusedException.class)
                    .hasMessageContaining("store 9 not found");
        }
        assertThat(second.calls).isEmpty();
    }

    @Test
    void anAnswerThatIsTooLongIsBrokenOff() {
        first.says("/stores", "\"" + "x".repeat(PdHttp.ANSWER_BYTES_MAX) + "\"");
        try (PdHttp pd = pd(first.endpoint())) {
            assertThat(failure(pd.get("/stores")).detail()).contains("answers with more than");
        }
    }

    @Test
    void whatIsNoJsonIsNothing() {
        first.says("/stores", "<html>").says("/ping", "");
        try (PdHttp pd = pd(first.endpoint())) {
            assertThat(pd.get("/stores").join().isNull()).isTrue();
            assertThat(pd.get("/ping").join().isNull()).isTrue();
        }
    }

    @Test
    void silenceEndsAfterAWhile() {
        CountDownLatch never = new CountDownLatch(1);
        first.behind(never);
        try (PdHttp pd = new PdHttp(new PdHttp.Options(List.of(first.endpoint()), Duration.ofMillis(200)), metrics)) {
            assertThat(failure(pd.get("/ping")).detail()).contains("does not answer in time");
            assertThat(failure(pd.change("DELETE", "/store/4")).kind()).isEqualTo(Failure.Kind.UNDETERMINED);
        } finally {
            never.countDown();
        }
    }

    @Test
    void oneQuestionTooManyIsRefusedAtOnce() {
        CountDownLatch gate = new CountDownLatch(1);
        first.says("/ping", "1").behind(gate);
        try (PdHttp pd = pd(first.endpoint())) {
            List<CompletableFuture<JsonNode>> underWay = new ArrayList<>();
            for (int i = 0; i < PdHttp.UNDER_WAY_MAX; i++) {
                underWay.add(pd.get("/ping"));
            }

            assertThat(failure(pd.get("/ping")).kind()).isEqualTo(Failure.Kind.BUSY);
            assertThat(metrics.get("kv.gateway.refused")
                            .tag("bound", "console")
                            .counter()
                            .count())
                    .isEqualTo(1);

            gate.countDown();
            assertThat(underWay)
                    .allSatisfy(one -> assertThat(one.join().asInt()).isEqualTo(1));
            await().untilAsserted(
                            () -> assertThat(pd.get("/ping").join().asInt()).isEqualTo(1));
        }
    }

    private PdHttp pd(String... endpoints) {
        return new PdHttp(new PdHttp.Options(List.of(endpoints), Duration.ofSeconds(10)), metrics);
    }

    private static Failure failure(CompletableFuture<JsonNode> answer) {
        try {
            throw new AssertionError("answered: " + answer.join());
        } catch (CompletionException e) {
            assertThat(e.getCause()).isInstanceOf(FailureException.class);
            return ((FailureException) e.getCause()).failure();
        }
    }
}
