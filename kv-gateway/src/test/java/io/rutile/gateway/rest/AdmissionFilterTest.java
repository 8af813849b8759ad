package io.rutile.gateway.rest;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.gateway.kv.GatewayLimits;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServletRequest;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.mock.web.MockFilterChain;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.mock.web.MockHttpServletResponse;

/** R10: what is taken of a body, and when. */
class AdmissionFilterTest {

    private static final byte[] BODY = "{\"value\":1}".getBytes(StandardCharsets.UTF_8);

    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final GatewayLimits limits = new GatewayLimits(10, 1_000, meters);
    private final StalledAnswers stalled = new StalledAnswers(Duration.ofSeconds(5), meters);
    private final AdmissionFilter filter = new AdmissionFilter(limits, Duration.ofSeconds(5), stalled);
    private final List<byte[]> passed = new ArrayList<>();

    @AfterEach
    void close() {
        stalled.close();
    }

    /** As a container's: some of it is there, and the rest comes if somebody listens. */
    private static final class Arriving extends ServletInputStream {

        private final ByteArrayInputStream bytes = new ByteArrayInputStream(BODY);
        private final int there;

        Arriving(int there) {
            this.there = there;
        }

        @Override
        public int available() {
            return there;
        }

        @Override
        public boolean isFinished() {
            return bytes.available() == 0;
        }

        @Override
        public boolean isReady() {
            return true;
        }

        @Override
        public void setReadListener(ReadListener listener) {
            try {
                listener.onDataAvailable();
                listener.onAllDataRead();
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public int read() {
            return bytes.read();
        }
    }

    private MockHttpServletRequest send(int there, @Nullable String coding) throws Exception {
        Arriving body = new Arriving(there);
        MockHttpServletRequest request = new MockHttpServletRequest("PUT", "/v1/raw/k") {
            @Override
            public ServletInputStream getInputStream() {
                return body;
            }
        };
        request.setContent(BODY);
        request.setAsyncSupported(true);
        request.setDispatcherType(DispatcherType.REQUEST);
        if (coding != null) {
            request.addHeader("Content-Encoding", coding);
        }
        filter.doFilter(request, new MockHttpServletResponse(), new MockFilterChain() {
            @Override
            public void doFilter(jakarta.servlet.ServletRequest in, jakarta.servlet.ServletResponse out) {
                passed.add(AdmissionFilter.body((HttpServletRequest) in));
            }
        });
        return request;
    }

    @Test
    void aSmallBodyThatIsThereIsTakenAtOnce() throws Exception {
        MockHttpServletRequest request = send(BODY.length, null);

        assertThat(passed).containsExactly(BODY);
        assertThat(request.isAsyncStarted()).isFalse();
        assertThat(meters.get("kv.gateway.in.flight").gauge().value())
                .as("given back")
                .isZero();
    }

    @Test
    void nobodyWaitsForABodyThatIsNotAllThere() throws Exception {
        MockHttpServletRequest request = send(BODY.length - 1, null);

        assertThat(passed).as("once it is dispatched, and not before").isEmpty();
        assertThat(request.isAsyncStarted()).isTrue();
        assertThat(AdmissionFilter.body(request)).isEqualTo(BODY);
    }

    @Test
    void aBodyWithACodingIsLookedAt() throws Exception {
        send(BODY.length, "zstd");

        assertThat(passed).as("refused, once it is off the wire").isEmpty();
    }
}
