package io.rutile.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.KeyRange;
import io.rutile.protocol.kvrpcpb.Mutation;
import io.rutile.protocol.kvrpcpb.Op;
import io.rutile.protocol.kvrpcpb.PrewriteRequest;
import io.rutile.protocol.kvrpcpb.RawBatchScanRequest;
import io.rutile.protocol.kvrpcpb.RawGetRequest;
import io.rutile.protocol.kvrpcpb.RawPutRequest;
import io.rutile.protocol.kvrpcpb.RawScanRequest;
import io.rutile.protocol.kvrpcpb.ScanRequest;
import io.rutile.protocol.pdpb.RegionHeartbeatRequest;
import io.rutile.protocol.tikvpb.BatchCommandsEmptyRequest;
import io.rutile.protocol.tikvpb.BatchCommandsRequest;
import io.rutile.protocol.tikvpb.BatchCommandsRequest.Request;
import io.rutile.protocol.tikvpb.BatchCommandsResponse;
import io.rutile.protocol.tikvpb.BatchCommandsResponse.Response;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** One stream of batched commands against a real node. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BatchCommandsTest {

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @TempDir
    static Path dir;

    private FakePd pd;
    private TestNode node;

    @BeforeAll
    void start() throws Exception {
        pd = new FakePd();
        node = new TestNode(pd, dir.resolve("n1")).start();
        await().atMost(PATIENCE).until(() -> pd.firstRegion().isPresent());
    }

    @AfterAll
    void stop() throws Exception {
        node.close();
        pd.close();
    }

    /** What a client sees of its stream. */
    private final class Client implements StreamObserver<BatchCommandsResponse> {
        final Map<Long, Response> answers = new ConcurrentHashMap<>();
        final AtomicInteger frames = new AtomicInteger();
        final CompletableFuture<Status> end = new CompletableFuture<>();
        final StreamObserver<BatchCommandsRequest> out = node.async().batchCommands(this);

        @Override
        public void onNext(BatchCommandsResponse frame) {
            frames.incrementAndGet();
            assertThat(frame.getResponsesCount()).isEqualTo(frame.getRequestIdsCount());
            for (int i = 0; i < frame.getResponsesCount(); i++) {
                answers.put(frame.getRequestIds(i), frame.getResponses(i));
            }
        }

        @Override
        public void onError(Throwable cause) {
            end.complete(Status.fromThrowable(cause));
        }

        @Override
        public void onCompleted() {
            end.complete(Status.OK);
        }

        Response answer(long id) {
            return Objects.requireNonNull(answers.get(id));
        }

        void awaitAnswers(int count) {
            await().atMost(PATIENCE).until(() -> answers.size() == count);
        }

        Status awaitEnd() {
            await().atMost(PATIENCE).until(end::isDone);
            return end.join();
        }
    }

    private Context context() {
        RegionHeartbeatRequest beat = pd.firstRegion().orElseThrow();
        return TestNode.context(beat.getRegion(), beat.getLeader());
    }

    private static Request empty(long testId, long delayMs) {
        return Request.newBuilder()
                .setEmpty(
                        BatchCommandsEmptyRequest.newBuilder().setTestId(testId).setDelayTime(delayMs))
                .build();
    }

    private Request put(String key, String value) {
        return Request.newBuilder()
                .setRawPut(RawPutRequest.newBuilder()
                        .setContext(context())
                        .setKey(ByteString.copyFromUtf8(key))
                        .setValue(ByteString.copyFromUtf8(value)))
                .build();
    }

    private static Request get(Context context, String key) {
        return Request.newBuilder()
                .setRawGet(RawGetRequest.newBuilder().setContext(context).setKey(ByteString.copyFromUtf8(key)))
                .build();
    }

    @Test
    void scansAreAnsweredAsTheyAreAlone() {
        ByteString from = ByteString.copyFromUtf8("s/");
        ByteString to = ByteString.copyFromUtf8("s0");
        RawScanRequest raw = RawScanRequest.newBuilder()
                .setContext(context())
                .setStartKey(from)
                .setEndKey(to)
                .setLimit(10)
                .build();
        RawScanRequest elsewhere =
                raw.toBuilder().setContext(Context.newBuilder().setRegionId(99)).build();
        RawBatchScanRequest batch = RawBatchScanRequest.newBuilder()
                .setContext(context())
                .addRanges(KeyRange.newBuilder().setStartKey(from).setEndKey(to))
                .setEachLimit(1)
                .build();
        ScanRequest transactional = ScanRequest.newBuilder()
                .setContext(context())
                .setStartKey(from)
                .setEndKey(to)
                .setLimit(10)
                .setVersion(20)
                .build();
        node.put(context(), "s/a", "1");
        node.put(context(), "s/b", "2");
        node.stub()
                .kvPrewrite(PrewriteRequest.newBuilder()
                        .setContext(context())
                        .addMutations(Mutation.newBuilder().setOp(Op.Put).setKey(from))
                        .setPrimaryLock(from)
                        .setStartVersion(5)
                        .setLockTtl(60_000)
                        .build());
        Client client = new Client();

        client.out.onNext(BatchCommandsRequest.newBuilder()
                .addRequests(Request.newBuilder().setRawScan(raw))
                .addRequestIds(1)
                .addRequests(Request.newBuilder().setRawBatchScan(batch))
                .addRequestIds(2)
                .addRequests(Request.newBuilder().setScan(transactional))
                .addRequestIds(3)
                .addRequests(Request.newBuilder().setRawScan(elsewhere))
                .addRequestIds(4)
                .build());
        client.awaitAnswers(4);

        assertThat(client.answer(1).getRawScan().getKvsList())
                .extracting(pair -> pair.getValue().toStringUtf8())
                .containsExactly("1", "2");
        assertThat(client.answer(1).getRawScan()).isEqualTo(node.stub().rawScan(raw));
        assertThat(client.answer(2).getRawBatchScan().getKvsCount()).isEqualTo(1);
        assertThat(client.answer(2).getRawBatchScan()).isEqualTo(node.stub().rawBatchScan(batch));
        assertThat(client.answer(3).getScan().getPairs(0).getError().getLocked().getKey())
                .isEqualTo(from);
        assertThat(client.answer(3).getScan()).isEqualTo(node.stub().kvScan(transactional));
        assertThat(client.answer(4).getRawScan().hasRegionError()).isTrue();
    }

    @Test
    void q01_anUnsetCommandIsAnsweredEmptyAndTheStreamGoesOn() {
        Client client = new Client();

        client.out.onNext(BatchCommandsRequest.newBuilder()
                .addRequests(put("k", "v"))
                .addRequestIds(1)
                .addRequests(Request.getDefaultInstance())
                .addRequestIds(2)
                .addRequests(get(context(), "missing"))
                .addRequestIds(3)
                .build());
        client.awaitAnswers(3);

        assertThat(client.answer(1).hasRawPut()).isTrue();
        assertThat(client.answer(2)).isEqualTo(Response.getDefaultInstance());
        assertThat(client.answer(3).getRawGet().getNotFound()).isTrue();
        client.out.onNext(BatchCommandsRequest.newBuilder()
                .addRequests(get(context(), "k"))
                .addRequestIds(4)
                .build());
        client.awaitAnswers(4);
        assertThat(client.answer(4).getRawGet().getValue().toStringUtf8()).isEqualTo("v");
        client.out.onCompleted();
        assertThat(client.awaitEnd().isOk()).isTrue();
    }

    @Test
    void q02_emptyCommandsAreEchoedAfterTheirDelay() {
        Client client = new Client();
        long begin = System.nanoTime();

        client.out.onNext(BatchCommandsRequest.newBuilder()
                .addRequests(empty(7, 100))
                .addRequestIds(1)
                .addRequests(empty(8, 0))
                .addRequestIds(2)
                .build());
        client.awaitAnswers(2);

        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isGreaterThanOrEqualTo(Duration.ofMillis(100));
        assertThat(client.answer(1).getEmpty().getTestId()).isEqualTo(7);
        assertThat(client.answer(2).getEmpty().getTestId()).isEqualTo(8);
        client.out.onCompleted();
        assertThat(client.awaitEnd().isOk()).isTrue();
    }

    @Test
    void e07_anotherClustersCommandEndsTheStream() {
        Client client = new Client();

        client.out.onNext(BatchCommandsRequest.newBuilder()
                .addRequests(get(context().toBuilder().setClusterId(1).build(), "k"))
                .addRequestIds(1)
                .build());

        assertThat(client.awaitEnd().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
    }

    @Test
    void aCommandForTheWrongRegionEndsNothing() {
        Client client = new Client();

        client.out.onNext(BatchCommandsRequest.newBuilder()
                .addRequests(get(context().toBuilder().setRegionId(4711).build(), "k"))
                .addRequestIds(1)
                .build());
        client.awaitAnswers(1);

        assertThat(client.answer(1).getRawGet().getRegionError().hasRegionNotFound())
                .isTrue();
        client.out.onCompleted();
        assertThat(client.awaitEnd().isOk()).isTrue();
    }

    @Test
    void halfAClosedStreamStillAnswersWhatItTook() {
        Client client = new Client();
        BatchCommandsRequest.Builder frame = BatchCommandsRequest.newBuilder();
        for (int i = 0; i < 100; i++) {
            frame.addRequests(put("half-" + i, "v")).addRequestIds(i);
        }
        frame.addRequests(empty(1, 200)).addRequestIds(100);

        client.out.onNext(frame.build());
        client.out.onCompleted();

        assertThat(client.awaitEnd().isOk()).isTrue();
        assertThat(client.answers).hasSize(101);
        assertThat(client.answer(99).getRawPut().hasRegionError()).isFalse();
    }

    @Test
    void r10_aFrameThatIsTooLongIsAnsweredBusyFromItsEnd() {
        Client client = new Client();
        BatchCommandsRequest.Builder frame = BatchCommandsRequest.newBuilder();
        for (int i = 0; i < 600; i++) {
            frame.addRequests(get(context(), "missing")).addRequestIds(i);
        }

        client.out.onNext(frame.build());
        client.awaitAnswers(600);

        assertThat(client.answer(511).getRawGet().getNotFound()).isTrue();
        assertThat(client.answer(512).getRawGet().getRegionError().hasServerIsBusy())
                .isTrue();
        client.out.onCompleted();
        assertThat(client.awaitEnd().isOk()).isTrue();
    }

    @Test
    void aFrameWhoseIdsDontMatchEndsTheStream() {
        Client client = new Client();

        client.out.onNext(BatchCommandsRequest.newBuilder()
                .addRequests(empty(1, 0))
                .addRequestIds(1)
                .addRequestIds(2)
                .build());

        assertThat(client.awaitEnd().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
    }

    @Test
    void manyFramesAtOnceAreAllAnswered() {
        Client client = new Client();
        int frames = 100;
        int each = 64;

        for (int f = 0; f < frames; f++) {
            BatchCommandsRequest.Builder frame = BatchCommandsRequest.newBuilder();
            for (int i = 0; i < each; i++) {
                frame.addRequests(put("many-" + f + "-" + i, "v")).addRequestIds((long) f * each + i);
            }
            client.out.onNext(frame.build());
        }
        client.out.onCompleted();

        assertThat(client.awaitEnd().isOk()).isTrue();
        assertThat(client.answers).hasSize(frames * each);
        assertThat(client.answers.values())
                .allMatch(answer -> !answer.getRawPut().hasRegionError());
        // Answers that are ready together leave together.
        assertThat(client.frames.get()).isLessThan(frames * each);
    }

    @Test
    void aClientThatGoesAwayLeavesNothingBehind() {
        Client client = new Client();
        client.out.onNext(BatchCommandsRequest.newBuilder()
                .addRequests(empty(1, 500))
                .addRequestIds(1)
                .build());

        client.out.onError(new StatusRuntimeException(Status.CANCELLED));

        assertThat(client.awaitEnd().getCode()).isEqualTo(Status.Code.CANCELLED);
        assertThat(node.get(context(), "missing").getNotFound()).isTrue();
    }
}
