package io.rutile.node.deadlock;

import static io.rutile.node.deadlock.TestStore.edge;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import io.rutile.node.deadlock.TestStore.TestPd;
import io.rutile.protocol.deadlock.DeadlockGrpc;
import io.rutile.protocol.deadlock.DeadlockRequest;
import io.rutile.protocol.deadlock.DeadlockRequestType;
import io.rutile.protocol.deadlock.DeadlockResponse;
import io.rutile.protocol.deadlock.WaitForEntriesRequest;
import io.rutile.protocol.deadlock.WaitForEntry;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The door of the graph, as a stranger finds it. */
class DeadlockServiceTest {

    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private TestStore store;
    private ManagedChannel channel;

    @BeforeEach
    void start() throws Exception {
        store = new TestStore(new TestPd());
        channel = store.channel();
    }

    @AfterEach
    void stop() throws Exception {
        channel.shutdownNow();
        store.close();
    }

    /** One stream of a client. */
    private final class Stream implements StreamObserver<DeadlockResponse> {
        private final List<DeadlockResponse> answers = new CopyOnWriteArrayList<>();
        private final CompletableFuture<Status> end = new CompletableFuture<>();
        private final StreamObserver<DeadlockRequest> requests =
                DeadlockGrpc.newStub(channel).detect(this);

        void send(DeadlockRequestType type, WaitForEntry edge) {
            requests.onNext(
                    DeadlockRequest.newBuilder().setTp(type).setEntry(edge).build());
        }

        Status end() throws Exception {
            return end.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        }

        @Override
        public void onNext(DeadlockResponse answer) {
            answers.add(answer);
        }

        @Override
        public void onError(Throwable cause) {
            end.complete(Status.fromThrowable(cause));
        }

        @Override
        public void onCompleted() {
            end.complete(Status.OK);
        }
    }

    private List<WaitForEntry> entries() {
        return DeadlockGrpc.newBlockingStub(channel)
                .withDeadlineAfter(10, TimeUnit.SECONDS)
                .getWaitForEntries(WaitForEntriesRequest.getDefaultInstance())
                .getEntriesList();
    }

    @Test
    void aStoreThatDoesNotLeadTheFirstRegionSaysSo() throws Exception {
        assertThat(new Stream().end().getCode()).isEqualTo(Status.Code.FAILED_PRECONDITION);
        assertThatThrownBy(this::entries)
                .isInstanceOfSatisfying(
                        StatusRuntimeException.class,
                        e -> assertThat(e.getStatus())
                                .extracting(Status::getCode)
                                .isEqualTo(Status.Code.FAILED_PRECONDITION));
    }

    @Test
    void aStreamEndsWithTheLeadThatItWasOpenedUnder() throws Exception {
        store.leads(1);
        Stream quiet = new Stream();
        quiet.send(DeadlockRequestType.Detect, edge(1, 2, 1));
        await().atMost(PATIENCE).until(() -> !entries().isEmpty());

        store.leads(2);

        assertThat(quiet.end().getCode()).isEqualTo(Status.Code.FAILED_PRECONDITION);
        assertThat(entries()).isEmpty();
        await().atMost(PATIENCE)
                .until(() -> store.metrics.get("kv.deadlock.streams").gauge().value() == 0);
    }

    @Test
    void cleanUpsTakeEdgesAway() throws Exception {
        store.leads(1);
        Stream stream = new Stream();
        stream.send(DeadlockRequestType.Detect, edge(1, 2, 1));
        stream.send(DeadlockRequestType.Detect, edge(1, 3, 2));
        stream.send(DeadlockRequestType.Detect, edge(4, 5, 3));
        stream.send(DeadlockRequestType.Detect, edge(6, 7, 4));
        stream.send(DeadlockRequestType.CleanUpWaitFor, edge(4, 5, 3));
        stream.send(DeadlockRequestType.CleanUp, edge(1, 0, 0));

        await().atMost(PATIENCE).untilAsserted(() -> assertThat(entries()).containsExactly(edge(6, 7, 4)));
        stream.requests.onCompleted();
        assertThat(stream.end().isOk()).isTrue();
    }

    @Test
    void e1_aRequestWithoutAnEntryOrOfNoKnownTypeEndsTheStream() throws Exception {
        store.leads(1);
        Stream empty = new Stream();
        empty.requests.onNext(DeadlockRequest.getDefaultInstance());
        Stream unknown = new Stream();
        unknown.requests.onNext(DeadlockRequest.newBuilder()
                .setTpValue(77)
                .setEntry(edge(1, 2, 3))
                .build());

        assertThat(empty.end().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
        assertThat(unknown.end().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
    }

    @Test
    void e1_arbitraryBytesEndTheStreamAndNothingElse() throws Exception {
        store.leads(1);
        long seed = Long.getLong("seed", System.nanoTime());
        Random random = new Random(seed);
        for (int i = 0; i < 50; i++) {
            byte[] bytes = new byte[random.nextInt(200)];
            random.nextBytes(bytes);
            assertThat(endOf(bytes).getCode())
                    .as("seed %d, message %d", seed, i)
                    .isIn(
                            Status.Code.OK,
                            Status.Code.INVALID_ARGUMENT,
                            Status.Code.CANCELLED,
                            Status.Code.INTERNAL,
                            Status.Code.UNKNOWN);
        }

        Stream stream = new Stream();
        stream.send(DeadlockRequestType.Detect, edge(1, 1, 1));
        await().atMost(PATIENCE).until(() -> stream.answers.size() == 1);
    }

    private Status endOf(byte[] bytes) throws Exception {
        MethodDescriptor<byte[], byte[]> detect =
                DeadlockGrpc.getDetectMethod().toBuilder(RAW, RAW).build();
        ClientCall<byte[], byte[]> call =
                channel.newCall(detect, CallOptions.DEFAULT.withDeadlineAfter(10, TimeUnit.SECONDS));
        CompletableFuture<Status> end = new CompletableFuture<>();
        call.start(
                new ClientCall.Listener<>() {
                    @Override
                    public void onClose(Status status, Metadata trailers) {
                        end.complete(status);
                    }
                },
                new Metadata());
        call.request(10);
        call.sendMessage(bytes);
        call.halfClose();
        return end.get(PATIENCE.toSeconds() + 5, TimeUnit.SECONDS);
    }

    private static final MethodDescriptor.Marshaller<byte[]> RAW = new MethodDescriptor.Marshaller<>() {
        @Override
        public InputStream stream(byte[] bytes) {
            return new ByteArrayInputStream(bytes);
        }

        @Override
        public byte[] parse(InputStream stream) {
            return new byte[0];
        }
    };

    @Test
    void r10_whatIsTooLongToBeKeptForAnEdgeIsLeftOut() throws Exception {
        store.leads(1);
        Stream stream = new Stream();
        stream.send(
                DeadlockRequestType.Detect,
                edge(1, 2, 1).toBuilder()
                        .setKey(ByteString.copyFrom(new byte[1 << 20]))
                        .setResourceGroupTag(ByteString.copyFrom(new byte[1 << 20]))
                        .build());

        await().atMost(PATIENCE).untilAsserted(() -> assertThat(entries()).containsExactly(edge(1, 2, 1)));
    }

    @Test
    void r10_aStreamWhoseAnswersAreNotReadIsReadNoFurther() throws Exception {
        store.leads(1);
        WaitForEntry circle = edge(1, 1, 1).toBuilder()
                .setKey(ByteString.copyFrom(new byte[8 << 10]))
                .build();
        CompletableFuture<Status> end = new CompletableFuture<>();
        Semaphore ready = new Semaphore(0);
        ClientCall<DeadlockRequest, DeadlockResponse> call =
                channel.newCall(DeadlockGrpc.getDetectMethod(), CallOptions.DEFAULT);
        call.start(
                new ClientCall.Listener<>() {
                    @Override
                    public void onReady() {
                        ready.release();
                    }

                    @Override
                    public void onClose(Status status, Metadata trailers) {
                        end.complete(status);
                    }
                },
                new Metadata());
        int sent = 0;
        while (sent < 10_000 && (call.isReady() || ready.tryAcquire(1, TimeUnit.SECONDS))) {
            call.sendMessage(DeadlockRequest.newBuilder().setEntry(circle).build());
            sent++;
        }

        // It has stopped taking long before it had taken all, and others are served.
        assertThat(sent).isLessThan(10_000);
        Stream other = new Stream();
        other.send(DeadlockRequestType.Detect, edge(2, 2, 2));
        await().atMost(PATIENCE).until(() -> other.answers.size() == 1);
        assertThat(end).isNotDone();
        call.cancel("enough", null);
        await().atMost(PATIENCE)
                .until(() -> store.metrics.get("kv.deadlock.streams").gauge().value() == 1);
    }
}
