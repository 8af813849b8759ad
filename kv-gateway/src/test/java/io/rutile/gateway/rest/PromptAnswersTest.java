package io.rutile.gateway.rest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.core.MethodParameter;
import org.springframework.http.ResponseEntity;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.mock.web.MockHttpServletResponse;
import org.springframework.web.context.request.ServletWebRequest;
import org.springframework.web.context.request.async.StandardServletAsyncWebRequest;
import org.springframework.web.context.request.async.WebAsyncUtils;
import org.springframework.web.context.support.StaticWebApplicationContext;
import org.springframework.web.method.support.HandlerMethodReturnValueHandler;
import org.springframework.web.method.support.ModelAndViewContainer;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerAdapter;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PromptAnswersTest {

    private static final Duration FOR_EVER = Duration.ofHours(1);

    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final MockHttpServletRequest request = new MockHttpServletRequest("GET", "/v1/raw/k");
    private final MockHttpServletResponse response = new MockHttpServletResponse();
    private final CompletableFuture<ResponseEntity<byte[]>> promised = new CompletableFuture<>();

    @AfterEach
    void nobodyWaitsAnyLonger() {
        assertThat(waiting()).isZero();
    }

    private double waiting() {
        return meters.get("kv.gateway.http.waiting").gauge().value();
    }

    @SuppressWarnings("unused") // as controllers declare it
    private CompletableFuture<ResponseEntity<byte[]>> declared() {
        return promised;
    }

    @SuppressWarnings("unused")
    private CompletableFuture<String> somethingElse() {
        return new CompletableFuture<>();
    }

    private static MethodParameter returned(String method) {
        try {
            return new MethodParameter(PromptAnswersTest.class.getDeclaredMethod(method), -1);
        } catch (NoSuchMethodException e) {
            throw new IllegalStateException(e);
        }
    }

    private HandlerMethodReturnValueHandler installed(int waitersMax, Duration patience) {
        RequestMappingHandlerAdapter adapter = PromptAnswers.installed(waitersMax, patience, meters);
        adapter.setApplicationContext(new StaticWebApplicationContext());
        adapter.afterPropertiesSet();
        return Objects.requireNonNull(adapter.getReturnValueHandlers()).get(0);
    }

    private void handle(int waitersMax, Duration patience) throws Exception {
        request.setAsyncSupported(true);
        WebAsyncUtils.getAsyncManager(request)
                .setAsyncWebRequest(new StandardServletAsyncWebRequest(request, response));
        installed(waitersMax, patience)
                .handleReturnValue(
                        promised,
                        returned("declared"),
                        new ModelAndViewContainer(),
                        new ServletWebRequest(request, response));
    }

    private static ResponseEntity<byte[]> answer() {
        return ResponseEntity.ok().eTag("\"t\"").body("value".getBytes(StandardCharsets.UTF_8));
    }

    private void assertAnswered() throws Exception {
        assertThat(request.isAsyncStarted()).isFalse();
        assertThat(response.getStatus()).isEqualTo(200);
        assertThat(response.getHeader("ETag")).isEqualTo("\"t\"");
        assertThat(response.getContentAsString()).isEqualTo("value");
    }

    @Test
    void anAnswerThatIsThereNeedsNoWait() throws Exception {
        promised.complete(answer());

        handle(0, FOR_EVER);

        assertAnswered();
    }

    @Test
    void anAnswerThatComesSoonIsWaitedFor() throws Exception {
        Thread cluster = new Thread(() -> {
            await().until(() -> waiting() == 1);
            promised.complete(answer());
        });
        cluster.start();

        handle(1, FOR_EVER);

        assertAnswered();
        cluster.join();
    }

    @Test
    void aSlowClusterHoldsNoThread() throws Exception {
        handle(1, Duration.ofMillis(1));

        assertThat(request.isAsyncStarted()).isTrue();
        assertThat(response.isCommitted()).isFalse();
    }

    @Test
    void nobodyWaitsWhenEnoughDo() throws Exception {
        handle(0, FOR_EVER);

        assertThat(request.isAsyncStarted()).isTrue();
    }

    @Test
    void aStreamThatBeginsIsNotWaitedFor() throws Exception {
        CompletableFuture<Void> begins = PromptAnswers.streamOf(request);
        Thread cluster = new Thread(() -> {
            await().until(() -> waiting() == 1);
            begins.complete(null);
        });
        cluster.start();

        handle(1, FOR_EVER);

        assertThat(request.isAsyncStarted()).isTrue();
        cluster.join();
    }

    @Test
    void aFailureIsWhatItWas() {
        IllegalStateException failure = new IllegalStateException("as the test ordered");
        CompletableFuture<Void> before = new CompletableFuture<>();
        CompletableFuture<Void> unused = before.thenRun(() -> {
                    throw failure;
                })
                .whenComplete((nothing, wrapped) -> promised.completeExceptionally(wrapped));
        before.complete(null);

        assertThatThrownBy(() -> handle(1, FOR_EVER)).isSameAs(failure);
    }

    @Test
    void onlyWhatControllersPromiseIsItsAffair() {
        assertThat(installed(1, FOR_EVER).supportsReturnType(returned("declared")))
                .isTrue();
        assertThat(installed(1, FOR_EVER).supportsReturnType(returned("somethingElse")))
                .isFalse();
    }
}
