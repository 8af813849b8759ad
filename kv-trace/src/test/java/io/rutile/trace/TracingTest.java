package io.rutile.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import io.grpc.Metadata;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import java.lang.management.ManagementFactory;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which requests are traced, and that the others cost nothing. */
class TracingTest {

    private static final String TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
    private static final String SAMPLED = "00-" + TRACE_ID + "-00f067aa0ba902b7-01";
    private static final String NOT_SAMPLED = "00-" + TRACE_ID + "-00f067aa0ba902b7-00";

    private final Spans spans = new Spans();

    @Test
    void aCallerThatTracesIsFollowed() {
        Context caller = Objects.requireNonNull(Tracing.with(spans.telemetry, 0).enter(SAMPLED, "vendor=1"));

        assertThat(Span.fromContext(caller).getSpanContext().getTraceId()).isEqualTo(TRACE_ID);
        assertThat(Span.fromContext(caller).getSpanContext().getTraceState().get("vendor"))
                .isEqualTo("1");
    }

    @Test
    void aCallerThatDoesNotTraceIsFollowedToo() {
        assertThat(Tracing.with(spans.telemetry, 1).enter(NOT_SAMPLED, null)).isNull();
    }

    @Test
    void ofCallersThatSayNothingAPartIsChosen() {
        AtomicInteger thrown = new AtomicInteger();
        Tracing tracing = Tracing.with(spans.telemetry, 0.25, () -> thrown.getAndIncrement() / 100.0);

        int chosen = 0;
        for (int i = 0; i < 100; i++) {
            chosen += tracing.enter(null, null) == null ? 0 : 1;
        }

        assertThat(chosen).isEqualTo(25);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "01",
                "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                "00-4bf92f3577b34da6a3ce929d0e0e473X-00f067aa0ba902b7-01",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-and-more"
            })
    void whatIsNoHeaderOfATraceSaysNothing(String header) {
        assertThat(Tracing.with(spans.telemetry, 0).enter(header, null)).isNull();
        assertThat(Tracing.with(spans.telemetry, 1).enter(header, null)).isEqualTo(Context.root());
    }

    /** Else a caller could fill the room that nodes give to headers, and no call would get through. */
    @Test
    void aStateThatIsTooLongIsLeftOut() {
        Context caller =
                Objects.requireNonNull(Tracing.with(spans.telemetry, 0).enter(SAMPLED, "v=" + "x".repeat(600)));

        Metadata headers = new Metadata();
        TraceParent.write(caller, headers);

        assertThat(headers.get(TraceParent.KEY)).isEqualTo(SAMPLED);
        assertThat(headers.containsKey(TraceParent.STATE_KEY)).isFalse();
    }

    @Test
    void whatIsWrittenIsRead() {
        Tracing tracing = Tracing.with(spans.telemetry, 1);
        Span span = tracing.span("call", SpanKind.CLIENT, Context.root()).startSpan();
        Metadata headers = new Metadata();
        TraceParent.write(Context.root().with(span), headers);
        Metadata passedOn = new Metadata();
        TraceParent.copy(headers, passedOn);

        Context read = Objects.requireNonNull(TraceParent.of(passedOn));

        assertThat(Span.fromContext(read).getSpanContext().getSpanId())
                .isEqualTo(span.getSpanContext().getSpanId());
        assertThat(Span.fromContext(read).getSpanContext().isRemote()).isTrue();
    }

    @Test
    void whatIsOffFollowsNobody() {
        assertThat(Tracing.OFF.isOn()).isFalse();
        assertThat(Tracing.OFF.enter(SAMPLED, null)).isNull();
    }

    @Test
    void aProbabilityIsOne() {
        for (double wrong : new double[] {-0.1, 1.1, Double.NaN}) {
            assertThatThrownBy(() -> Tracing.with(OpenTelemetry.noop(), wrong))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining(String.valueOf(wrong));
        }
    }

    @Test
    void theCurrentTraceIsTheOneThatIsSampled() {
        assertThat(TraceParent.current()).isNull();

        Span span = Tracing.with(spans.telemetry, 1)
                .span("request", SpanKind.SERVER, Context.root())
                .startSpan();
        try (Scope scope = span.makeCurrent()) {
            assertThat(Span.fromContext(Objects.requireNonNull(TraceParent.current())))
                    .isSameAs(span);
        }
        assertThat(TraceParent.current()).isNull();
    }

    /** What every request meets, traced or not. */
    @Test
    void nothingIsMadeForWhatIsNotTraced() {
        Tracing on = Tracing.with(spans.telemetry, 0);
        Metadata headers = new Metadata();
        headers.put(Metadata.Key.of("user-agent", Metadata.ASCII_STRING_MARSHALLER), "a client");
        Runnable request = () -> {
            boolean traced = on.enter(null, null) != null
                    || on.enter(NOT_SAMPLED, null) != null
                    || Tracing.OFF.enter(SAMPLED, null) != null
                    || TraceParent.of(headers) != null
                    || TraceParent.current() != null;
            if (traced) {
                throw new AssertionError("traced");
            }
        };
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long self = Thread.currentThread().getId();
        for (int i = 0; i < 1_000; i++) {
            request.run();
        }

        long before = threads.getThreadAllocatedBytes(self);
        for (int i = 0; i < 10_000; i++) {
            request.run();
        }
        long made = threads.getThreadAllocatedBytes(self) - before;

        assertThat(made).as("bytes made for 10,000 requests").isLessThan(10_000);
    }
}
