package io.rutile.client.region;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.Status;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.TracerProvider;
import io.opentelemetry.context.Scope;
import io.opentelemetry.context.propagation.ContextPropagators;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.EventData;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import io.rutile.client.RutileClient;
import io.rutile.client.RutileClientOptions;
import io.rutile.client.raw.RawKv;
import io.rutile.client.raw.RawKv.ScanRequest;
import io.rutile.client.testing.FakeCluster;
import io.rutile.client.txn.Transaction;
import io.rutile.client.txn.TxnOptions;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.RegionErrors;
import io.rutile.trace.SpanAttributes;
import io.rutile.trace.Tracing;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a traced call tells of itself, and that others tell nothing. */
class TracedCallsTest {

    private static final ByteKey KEY = ByteKey.wrap("secret-key".getBytes(UTF_8));
    private static final byte[] VALUE = "secret-value".getBytes(UTF_8);

    private final FakeCluster cluster = new FakeCluster(1, 3);
    private final InMemorySpanExporter kept = InMemorySpanExporter.create();
    private final OpenTelemetrySdk telemetry = OpenTelemetrySdk.builder()
            .setTracerProvider(SdkTracerProvider.builder()
                    .addSpanProcessor(SimpleSpanProcessor.create(kept))
                    .build())
            .build();
    private final RutileClient client = open(Tracing.with(telemetry, 0));
    private final Span request =
            telemetry.getTracer("test").spanBuilder("request").startSpan();

    private RutileClient open(Tracing tracing) {
        return RutileClient.connect(
                new RutileClientOptions(cluster.pd.endpoints(), Duration.ofSeconds(10), Duration.ofSeconds(5), 1)
                        .withTracing(tracing),
                new SimpleMeterRegistry());
    }

    @AfterEach
    void close() {
        client.close();
        cluster.close();
        telemetry.close();
    }

    private List<SpanData> spans() {
        return kept.getFinishedSpanItems();
    }

    private static List<String> names(List<SpanData> spans) {
        return spans.stream().map(SpanData::getName).toList();
    }

    @Test
    void attemptsAndPausesAreEventsOfTheCallsSpan() {
        RawKv raw = client.raw();
        raw.put(KEY, VALUE, Duration.ZERO).join();
        cluster.store(1)
                .nextErrors
                .add(RegionErrors.serverIsBusy("read pool is busy", 1).error());
        CompletableFuture<?> read;
        try (Scope scope = request.makeCurrent()) {
            read = raw.get(KEY);
        }
        read.join();

        SpanData call = spans().get(0);
        assertThat(names(spans())).containsExactly("RawGet");
        assertThat(call.getTraceId()).isEqualTo(request.getSpanContext().getTraceId());
        assertThat(call.getParentSpanId()).isEqualTo(request.getSpanContext().getSpanId());
        assertThat(call.getAttributes().get(SpanAttributes.ATTEMPTS)).isEqualTo(2);
        assertThat(call.getStatus().getStatusCode()).isEqualTo(StatusCode.UNSET);
        assertThat(call.getEvents().stream().map(EventData::getName)).containsExactly("attempt", "back-off", "attempt");
        EventData attempt = call.getEvents().get(0);
        assertThat(attempt.getAttributes().get(SpanAttributes.STORE)).isEqualTo(1);
        assertThat(attempt.getAttributes().get(SpanAttributes.REGION)).isPositive();
        assertThat(call.getEvents().get(1).getAttributes().get(SpanAttributes.REASON))
                .isEqualTo("busy");
        assertThat(call.toString()).doesNotContain("secret");
    }

    @Test
    void aFailureIsTold() {
        RawKv raw = client.raw();
        raw.put(KEY, VALUE, Duration.ZERO).join();
        cluster.store(1).nextLostAnswers.add(Status.UNAVAILABLE);
        CompletableFuture<?> swap;
        try (Scope scope = request.makeCurrent()) {
            swap = raw.compareAndSwap(KEY, VALUE, VALUE, Duration.ZERO);
        }
        assertThatThrownBy(swap::join).isInstanceOf(CompletionException.class);

        SpanData call = spans().get(0);
        assertThat(call.getStatus().getStatusCode()).isEqualTo(StatusCode.ERROR);
        assertThat(call.getAttributes().get(SpanAttributes.ERROR_TYPE)).isEqualTo("undetermined");
        assertThat(call.toString()).doesNotContain("secret");
    }

    /** Whoever goes on with an answer is on another thread, and still works for the same trace; afterwards that thread is nobody's. */
    @Test
    void whatFollowsOnACallBelongsToTheSameTrace() {
        CompletableFuture<?> done;
        List<Span> seen = new ArrayList<>();
        try (Scope scope = request.makeCurrent()) {
            done = client.txn().begin(TxnOptions.optimistic()).thenCompose(transaction -> {
                seen.add(Span.current());
                transaction.put(KEY, VALUE);
                return transaction.get(KEY).thenCompose(found -> transaction.commit());
            });
        }
        done.join();

        assertThat(seen).containsExactly(request);
        assertThat(names(spans())).startsWith("Timestamp").contains("KvPrewrite");
        assertThat(spans())
                .allMatch(span ->
                        span.getParentSpanId().equals(request.getSpanContext().getSpanId()));
        client.raw().get(KEY).join();
        assertThat(names(spans())).doesNotContain("RawGet");
    }

    /** The consumer of a page asks for the next one from a thread of its own. */
    @Test
    void everyPageOfAScanBelongsToIt() {
        RawKv raw = client.raw();
        for (int i = 0; i < 20; i++) {
            raw.put(ByteKey.wrap(("k" + i).getBytes(UTF_8)), VALUE, Duration.ZERO)
                    .join();
        }
        cluster.store(1).scanBytesMax = 64;
        CompletableFuture<Void> scan;
        try (Scope scope = request.makeCurrent()) {
            scan = raw.scan(
                    new ScanRequest(KeyRange.ALL, 100, false, true), page -> CompletableFuture.supplyAsync(() -> null));
        }
        scan.join();

        assertThat(spans().size()).isGreaterThan(1);
        assertThat(names(spans())).containsOnly("RawScan");
    }

    @Test
    void callsThatNobodyTracesMakeNoSpan() {
        OpenTelemetry untouchable = new OpenTelemetry() {
            @Override
            public TracerProvider getTracerProvider() {
                return new TracerProvider() {
                    @Override
                    public Tracer get(String scope) {
                        return name -> {
                            throw new AssertionError("a span for " + name);
                        };
                    }

                    @Override
                    public Tracer get(String scope, String version) {
                        return get(scope);
                    }
                };
            }

            @Override
            public ContextPropagators getPropagators() {
                return ContextPropagators.noop();
            }
        };
        try (RutileClient quiet = open(Tracing.with(untouchable, 1))) {
            quiet.raw().put(KEY, VALUE, Duration.ZERO).join();
            assertThat(quiet.raw().get(KEY).join()).contains(VALUE);
            Transaction transaction = quiet.txn().begin(TxnOptions.optimistic()).join();
            transaction.put(KEY, VALUE);
            transaction.commit().join();
        }
    }
}
