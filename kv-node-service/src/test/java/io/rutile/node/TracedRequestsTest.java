package io.rutile.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.grpc.Channel;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.RawCASRequest;
import io.rutile.protocol.kvrpcpb.RawGetRequest;
import io.rutile.protocol.kvrpcpb.RawPutRequest;
import io.rutile.protocol.pdpb.RegionHeartbeatRequest;
import io.rutile.protocol.tikvpb.BatchCommandsRequest;
import io.rutile.protocol.tikvpb.BatchCommandsRequest.Request;
import io.rutile.protocol.tikvpb.BatchCommandsResponse;
import io.rutile.protocol.tikvpb.TikvGrpc;
import io.rutile.trace.SpanAttributes;
import io.rutile.trace.Tracing;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Requests of a client that traces, against a real node; and of one that does not. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TracedRequestsTest {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final String TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
    private static final String PARENT_ID = "00f067aa0ba902b7";
    private static final ByteString KEY = ByteString.copyFromUtf8("secret-key");
    private static final ByteString VALUE = ByteString.copyFromUtf8("secret-value");

    @TempDir
    static Path dir;

    private final InMemorySpanExporter kept = InMemorySpanExporter.create();
    private final OpenTelemetrySdk telemetry = OpenTelemetrySdk.builder()
            .setTracerProvider(SdkTracerProvider.builder()
                    .addSpanProcessor(SimpleSpanProcessor.create(kept))
                    .build())
            .build();
    private FakePd pd;
    private TestNode node;

    @BeforeAll
    void start() throws Exception {
        pd = new FakePd();
        node = new TestNode(TestNode.options(List.of(pd.endpoint()), dir), Tracing.with(telemetry, 1)).start();
        await().atMost(PATIENCE).until(() -> pd.firstRegion().isPresent());
        await().atMost(PATIENCE).until(() -> !node.put(context(), "warm", "up").hasRegionError());
    }

    @AfterAll
    void stop() throws Exception {
        node.close();
        pd.close();
        telemetry.close();
    }

    @BeforeEach
    void forget() {
        kept.reset();
    }

    private Context context() {
        RegionHeartbeatRequest beat = pd.firstRegion().orElseThrow();
        return TestNode.context(beat.getRegion(), beat.getLeader());
    }

    private Channel tracing(String flags) {
        Metadata headers = new Metadata();
        headers.put(
                Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER),
                "00-" + TRACE_ID + '-' + PARENT_ID + '-' + flags);
        return io.grpc.ClientInterceptors.intercept(node.channel(), MetadataUtils.newAttachHeadersInterceptor(headers));
    }

    private RawPutRequest put() {
        return RawPutRequest.newBuilder()
                .setContext(context())
                .setKey(KEY)
                .setValue(VALUE)
                .build();
    }

    private List<SpanData> spans() {
        return kept.getFinishedSpanItems();
    }

    private SpanData spanOf(String rpc) {
        await().atMost(PATIENCE)
                .until(() -> spans().stream().anyMatch(span -> span.getName().equals(rpc)));
        return spans().stream()
                .filter(span -> span.getName().equals(rpc))
                .findFirst()
                .orElseThrow();
    }

    private List<String> phasesOf(SpanData request) {
        return spans().stream()
                .filter(span -> span.getParentSpanId().equals(request.getSpanId()))
                .map(SpanData::getName)
                .collect(Collectors.toList());
    }

    @Test
    void aWriteTellsOfItsCommitAndItsApply() {
        TikvGrpc.newBlockingStub(tracing("01")).rawPut(put());

        SpanData request = spanOf("RawPut");
        assertThat(request.getTraceId()).isEqualTo(TRACE_ID);
        assertThat(request.getParentSpanId()).isEqualTo(PARENT_ID);
        assertThat(request.getKind()).isEqualTo(SpanKind.SERVER);
        assertThat(request.getAttributes().get(SpanAttributes.REGION))
                .isEqualTo(context().getRegionId());
        assertThat(request.getAttributes().get(SpanAttributes.STORE)).isEqualTo(node.node.storeId());
        assertThat(phasesOf(request)).containsExactly("commit", "apply");
        for (SpanData phase : spans()) {
            assertThat(phase.getStartEpochNanos()).isBetween(request.getStartEpochNanos(), phase.getEndEpochNanos());
            assertThat(phase.getEndEpochNanos()).isLessThanOrEqualTo(request.getEndEpochNanos());
            assertThat(phase.toString()).doesNotContain("secret");
        }
    }

    @Test
    void aDecisionTellsOfItsReadToo() {
        TikvGrpc.newBlockingStub(tracing("01"))
                .rawCompareAndSwap(RawCASRequest.newBuilder()
                        .setContext(context())
                        .setKey(ByteString.copyFromUtf8("another"))
                        .setPreviousNotExist(true)
                        .setValue(VALUE)
                        .build());

        assertThat(phasesOf(spanOf("RawCompareAndSwap"))).contains("queue", "read", "commit", "apply");
    }

    @Test
    void aRefusalIsTold() {
        TikvGrpc.newBlockingStub(tracing("01"))
                .rawGet(RawGetRequest.newBuilder()
                        .setContext(context().toBuilder().setRegionId(12_345))
                        .setKey(KEY)
                        .build());

        assertThat(spanOf("RawGet").getAttributes().get(SpanAttributes.ERROR_TYPE))
                .isEqualTo("region_not_found");
    }

    /** A stream has one set of headers: they hold for whatever is sent over it. */
    @Test
    void everyCommandOfABatchBelongsToTheTraceOfItsStream() {
        AtomicInteger answers = new AtomicInteger();
        StreamObserver<BatchCommandsRequest> stream = batch("01", answers);
        stream.onNext(BatchCommandsRequest.newBuilder()
                .addRequestIds(1)
                .addRequests(Request.newBuilder().setRawPut(put()))
                .addRequestIds(2)
                .addRequests(Request.newBuilder().setRawPut(put()))
                .build());
        await().atMost(PATIENCE).until(() -> answers.get() == 2);
        stream.onNext(BatchCommandsRequest.newBuilder()
                .addRequestIds(3)
                .addRequests(Request.newBuilder()
                        .setRawGet(
                                RawGetRequest.newBuilder().setContext(context()).setKey(KEY)))
                .build());
        await().atMost(PATIENCE).until(() -> answers.get() == 3);
        stream.onCompleted();

        SpanData read = spanOf("RawGet");
        assertThat(phasesOf(read)).contains("read");
        assertThat(spans().stream().filter(span -> span.getKind() == SpanKind.SERVER))
                .hasSize(3)
                .allMatch(span -> span.getTraceId().equals(TRACE_ID)
                        && span.getParentSpanId().equals(PARENT_ID));
    }

    /** The node's own probability is one: still nothing begins here. */
    @Test
    void whatNobodyTracesIsNotTraced() {
        TikvGrpc.newBlockingStub(tracing("00")).rawPut(put());
        node.put(context(), "k", "v");
        AtomicInteger answers = new AtomicInteger();
        StreamObserver<BatchCommandsRequest> stream = batch("00", answers);
        stream.onNext(BatchCommandsRequest.newBuilder()
                .addRequestIds(1)
                .addRequests(Request.newBuilder().setRawPut(put()))
                .build());
        await().atMost(PATIENCE).until(() -> answers.get() == 1);
        stream.onCompleted();
        // Its span is the last one that could be there.
        TikvGrpc.newBlockingStub(tracing("01")).rawPut(put());
        spanOf("RawPut");

        assertThat(spans().stream().map(SpanData::getName)).containsExactlyInAnyOrder("commit", "apply", "RawPut");
    }

    private StreamObserver<BatchCommandsRequest> batch(String flags, AtomicInteger answers) {
        return TikvGrpc.newStub(tracing(flags)).batchCommands(new StreamObserver<>() {
            @Override
            public void onNext(BatchCommandsResponse frame) {
                answers.addAndGet(frame.getResponsesCount());
            }

            @Override
            public void onError(Throwable cause) {}

            @Override
            public void onCompleted() {}
        });
    }
}
