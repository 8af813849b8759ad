package io.rutile.client.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.protocol.kvrpcpb.RawGetRequest;
import io.rutile.protocol.kvrpcpb.RawGetResponse;
import io.rutile.protocol.tikvpb.BatchCommandsRequest;
import io.rutile.protocol.tikvpb.BatchCommandsResponse;
import io.rutile.protocol.tikvpb.TikvGrpc;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class CommandStreamTest {

    private static final long LONG_NANOS = TimeUnit.SECONDS.toNanos(20);

    private final ClientTimer timer = new ClientTimer("test-timer");
    private final ExecutorService sender = Executors.newSingleThreadExecutor();
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final DistributionSummary frames =
            DistributionSummary.builder("frames").register(meters);
    private final Store store = new Store();
    private Server server;
    private ManagedChannel channel;

    @BeforeEach
    void open() throws Exception {
        server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .addService(store)
                .build()
                .start();
        channel = Channels.open(Endpoint.parse("127.0.0.1:" + server.getPort()));
    }

    @AfterEach
    void close() throws Exception {
        channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
        server.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
        timer.close();
        sender.shutdown();
    }

    @Test
    void requestsOfManyCallersShareFramesAndEachGetsItsOwnAnswer() {
        CommandStream commands = stream();
        store.holds = true;
        List<Attempt<RawGetResponse>> attempts = new ArrayList<>();
        for (int i = 0; i < 400; i++) {
            attempts.add(get(commands, "k" + i));
        }
        await().untilAsserted(() -> assertThat(store.held).hasSize(400));

        store.answerHeld();

        for (int i = 0; i < 400; i++) {
            assertThat(attempts.get(i).response().join().getValue().toStringUtf8())
                    .isEqualTo("of k" + i);
        }
        assertThat(store.streams).hasValue(1);
        assertThat(store.alone).hasValue(0);
        // Most waited for the connection, so there are far fewer frames than requests, and none is too large.
        assertThat(frames.count()).isBetween(4L, 200L);
        assertThat(frames.max()).isLessThanOrEqualTo(128);
        assertThat(frames.totalAmount()).isEqualTo(400);
    }

    @Test
    void whatIsAskedForBecauseOfOneFrameOfAnswersLeavesInOneFrame() {
        Queue<Runnable> handedOver = new ConcurrentLinkedQueue<>();
        AtomicBoolean keeping = new AtomicBoolean();
        Executor others = task -> {
            if (keeping.get()) {
                handedOver.add(task);
            } else {
                sender.execute(task);
            }
        };
        CommandStream commands = new CommandStream(channel, timer, others, frames);
        store.holds = true;
        List<CompletableFuture<RawGetResponse>> second = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            int n = i;
            second.add(get(commands, "a" + i)
                    .response()
                    .thenCompose(first -> get(commands, "b" + n).response()));
        }
        await().untilAsserted(() -> assertThat(store.held).hasSize(50));
        long framesBefore = frames.count();
        keeping.set(true);

        store.answerHeld();

        await().untilAsserted(() -> assertThat(store.held).hasSize(50));
        assertThat(frames.count() - framesBefore).isEqualTo(1);
        assertThat(handedOver).isEmpty();
        store.answerHeld();
        assertThat(second.get(49).join().getValue().toStringUtf8()).isEqualTo("of b49");
    }

    @Test
    void aStreamThatBreaksFailsWhatItCarriedAndTheNextRequestOpensAnother() {
        CommandStream commands = stream();
        store.holds = true;
        Attempt<RawGetResponse> carried = get(commands, "k");
        await().untilAsserted(() -> assertThat(store.held).hasSize(1));

        store.breakStreams(Status.UNAVAILABLE.withDescription("gone"));

        assertThat(failure(carried).getCode()).isEqualTo(Status.Code.UNAVAILABLE);
        assertThat(carried.mayHaveArrived()).isTrue();
        store.holds = false;
        assertThat(get(commands, "again").response().join().getValue().toStringUtf8())
                .isEqualTo("of again");
        assertThat(store.streams).hasValue(2);
    }

    @Test
    void aServerThatEndsTheStreamFailsWhatItDidNotAnswer() {
        CommandStream commands = stream();
        store.holds = true;
        Attempt<RawGetResponse> carried = get(commands, "k");
        await().untilAsserted(() -> assertThat(store.held).hasSize(1));

        store.breakStreams(Status.OK);

        assertThat(failure(carried).getCode()).isEqualTo(Status.Code.UNAVAILABLE);
        assertThat(carried.mayHaveArrived()).isTrue();
    }

    @Test
    void whatWasNeverWrittenHasNotArrived() throws Exception {
        server.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
        CommandStream commands = stream();

        Attempt<RawGetResponse> refused = get(commands, "k");

        assertThat(failure(refused).getCode()).isEqualTo(Status.Code.UNAVAILABLE);
        assertThat(refused.mayHaveArrived()).isFalse();
    }

    @Test
    void aDeadlineEndsTheAttemptAndALateAnswerIsNobodys() {
        CommandStream commands = stream();
        store.holds = true;
        Attempt<RawGetResponse> late =
                commands.start(TikvGrpc.getRawGetMethod(), request("k"), TimeUnit.MILLISECONDS.toNanos(300), null);
        await().untilAsserted(() -> assertThat(store.held).hasSize(1));

        assertThat(failure(late).getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
        assertThat(late.mayHaveArrived()).isTrue();
        store.answerHeld();
        store.holds = false;
        assertThat(get(commands, "next").response().join().getValue().toStringUtf8())
                .isEqualTo("of next");
    }

    @Test
    void aDeadlineThatIsOverBeforeThereIsAConnectionSaysSo() {
        CommandStream commands = stream();

        Attempt<RawGetResponse> hopeless = commands.start(TikvGrpc.getRawGetMethod(), request("k"), 0, null);

        assertThat(failure(hopeless).getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
        if (!hopeless.mayHaveArrived()) {
            get(commands, "other").response().join();
            assertThat(store.seen).doesNotContain("k");
        }
    }

    @Test
    void aServerWithoutStreamsIsAskedOneByOne() {
        store.knowsStreams = false;
        CommandStream commands = stream();

        List<Attempt<RawGetResponse>> attempts = List.of(get(commands, "a"), get(commands, "b"), get(commands, "c"));

        assertThat(attempts)
                .allSatisfy(attempt -> assertThat(
                                attempt.response().join().getValue().toStringUtf8())
                        .startsWith("of "));
        assertThat(attempts.get(0).mayHaveArrived()).isTrue();
        assertThat(get(commands, "d").response().join().getValue().toStringUtf8())
                .isEqualTo("of d");
        assertThat(store.alone).hasValue(4);
        assertThat(store.streams).hasValue(1);
    }

    @Test
    void whatIsLargeGoesAlone() {
        CommandStream commands = stream();

        RawGetResponse answer = get(commands, "k".repeat(70_000)).response().join();

        assertThat(answer.getValue().size()).isEqualTo(70_003);
        assertThat(store.streams).hasValue(0);
        assertThat(store.alone).hasValue(1);
    }

    @Test
    void aStreamThatNobodyUsesIsEndedAndOpenedAgain() {
        CommandStream commands = stream();
        get(commands, "k").response().join();

        commands.endIfUnused();
        assertThat(get(commands, "soon").response().join().getValue().toStringUtf8())
                .isEqualTo("of soon");
        assertThat(store.streams).hasValue(1);
        commands.endIfUnused();
        commands.endIfUnused();

        await().untilAsserted(() -> assertThat(store.ended).hasValue(1));

        assertThat(get(commands, "again").response().join().getValue().toStringUtf8())
                .isEqualTo("of again");
        assertThat(store.streams).hasValue(2);
    }

    @Test
    void aStreamWithSomethingUnderWayIsUsed() {
        CommandStream commands = stream();
        store.holds = true;
        Attempt<RawGetResponse> slow = get(commands, "slow");
        await().untilAsserted(() -> assertThat(store.held).hasSize(1));

        commands.endIfUnused();
        commands.endIfUnused();
        commands.endIfUnused();

        Attempt<RawGetResponse> next = get(commands, "next");
        await().untilAsserted(() -> assertThat(store.held).hasSize(2));
        assertThat(store.streams).hasValue(1);
        store.answerHeld();
        assertThat(slow.response().join().getValue().toStringUtf8()).isEqualTo("of slow");
        assertThat(next.response().join().getValue().toStringUtf8()).isEqualTo("of next");
    }

    @Test
    void closingWaitsForAnswers() {
        CommandStream commands = stream();
        store.holds = true;
        Attempt<RawGetResponse> last = get(commands, "k");
        await().untilAsserted(() -> assertThat(store.held).hasSize(1));

        commands.close();

        assertThat(store.ended).hasValue(0);
        store.answerHeld();
        assertThat(last.response().join().getValue().toStringUtf8()).isEqualTo("of k");
        await().untilAsserted(() -> assertThat(store.ended).hasValue(1));
    }

    @Test
    void closingWaitsNoLongerThanDeadlines() {
        CommandStream commands = stream();
        store.holds = true;
        Attempt<RawGetResponse> lost =
                commands.start(TikvGrpc.getRawGetMethod(), request("k"), TimeUnit.MILLISECONDS.toNanos(300), null);
        await().untilAsserted(() -> assertThat(store.held).hasSize(1));

        commands.close();

        assertThat(failure(lost).getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
        await().untilAsserted(() -> assertThat(store.ended).hasValue(1));
    }

    @Test
    void fewCallersShareOneConnectionAndManyTakeAnother() {
        List<CommandStream> streams = List.of(stream(), stream());
        StreamChoice choice = new StreamChoice(streams);
        store.holds = true;
        List<Attempt<RawGetResponse>> attempts = new ArrayList<>();
        for (int i = 0; i < 128; i++) {
            assertThat(choice.next()).isZero();
            attempts.add(get(streams.get(0), "k" + i));
        }

        assertThat(choice.next()).isEqualTo(1);
        for (int i = 0; i < 128; i++) {
            attempts.add(get(streams.get(1), "l" + i));
        }
        assertThat(List.of(choice.next(), choice.next())).containsExactlyInAnyOrder(0, 1);

        await().untilAsserted(() -> assertThat(store.held).hasSize(256));
        store.answerHeld();
        attempts.forEach(attempt -> attempt.response().join());
        assertThat(choice.next()).isZero();
    }

    @Test
    void eightThatGoAloneAreAsMuchAsAFrame() {
        List<CommandStream> streams = List.of(stream(), stream());
        StreamChoice choice = new StreamChoice(streams);
        store.holdsAlone = true;
        List<Attempt<RawGetResponse>> attempts = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            assertThat(choice.next()).isZero();
            attempts.add(get(streams.get(0), "k".repeat(70_000)));
        }

        assertThat(choice.next()).isEqualTo(1);

        await().untilAsserted(() -> assertThat(store.heldAlone).hasSize(8));
        store.heldAlone.forEach(Runnable::run);
        attempts.forEach(attempt -> attempt.response().join());
        await().untilAsserted(() -> assertThat(choice.next()).isZero());
    }

    @Test
    void aConnectionOnWhichNoAnswerCameInTimeIsLeftUntilOneComes() {
        List<CommandStream> streams = List.of(stream(), stream());
        StreamChoice choice = new StreamChoice(streams);
        store.holds = true;
        Attempt<RawGetResponse> late = streams.get(0)
                .start(TikvGrpc.getRawGetMethod(), request("k"), TimeUnit.MILLISECONDS.toNanos(300), null);
        await().untilAsserted(() -> assertThat(store.held).hasSize(1));
        assertThat(choice.next()).isZero();

        assertThat(failure(late).getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);

        assertThat(choice.next()).isEqualTo(1);
        store.answerHeld();
        await().untilAsserted(() -> assertThat(choice.next()).isZero());
    }

    @Test
    void aConnectionThatCanNotBeMadeIsLeftForOneThatCan() throws Exception {
        int nobody;
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            nobody = taken.getLocalPort();
        }
        ManagedChannel refused = Channels.open(Endpoint.parse("127.0.0.1:" + nobody));
        try {
            List<CommandStream> streams = List.of(new CommandStream(refused, timer, sender, frames), stream());
            StreamChoice choice = new StreamChoice(streams);

            failure(get(streams.get(choice.next()), "k"));

            // gRPC fails what waits for a connection a moment before it says that there is none.
            await().untilAsserted(() -> assertThat(choice.next()).isEqualTo(1));
        } finally {
            refused.shutdownNow();
        }
    }

    /** A caller that has heard that nothing arrived may do something else instead. */
    @Test
    void whatRanOutOfTimeUnsentIsNotSentAloneLater() {
        Unready unready = new Unready();
        CommandStream commands = new CommandStream(unready, timer, sender, frames);
        Attempt<RawGetResponse> late =
                commands.start(TikvGrpc.getRawGetMethod(), request("late"), TimeUnit.MILLISECONDS.toNanos(20), null);
        assertThat(failure(late).getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
        Attempt<RawGetResponse> waiting = get(commands, "waiting");

        unready.refuse();

        assertThat(unready.alone).hasSize(1);
        assertThat(late.mayHaveArrived()).isFalse();
        assertThat(waiting.response()).isNotDone();
    }

    private CommandStream stream() {
        return new CommandStream(channel, timer, sender, frames);
    }

    private static Attempt<RawGetResponse> get(CommandStream commands, String key) {
        return commands.start(TikvGrpc.getRawGetMethod(), request(key), LONG_NANOS, null);
    }

    private static RawGetRequest request(String key) {
        return RawGetRequest.newBuilder().setKey(ByteString.copyFromUtf8(key)).build();
    }

    private static Status failure(Attempt<?> attempt) {
        try {
            attempt.response().join();
        } catch (CompletionException e) {
            return Status.fromThrowable(e);
        }
        throw new AssertionError("it succeeded");
    }

    /** A server that never has room, and then says that it knows no streams; what is asked of it alone is kept. */
    private static final class Unready extends ManagedChannel {

        private final List<Object> alone = new ArrayList<>();
        private ClientCall.@Nullable Listener<?> stream;

        void refuse() {
            if (stream != null) {
                stream.onClose(Status.UNIMPLEMENTED, new Metadata());
            }
        }

        @Override
        public <Q, R> ClientCall<Q, R> newCall(MethodDescriptor<Q, R> method, CallOptions options) {
            return new ClientCall<>() {
                @Override
                public void start(Listener<R> listener, Metadata headers) {
                    if (method.getType() == MethodDescriptor.MethodType.BIDI_STREAMING) {
                        stream = listener;
                    }
                }

                @Override
                public void sendMessage(Q message) {
                    alone.add(message);
                }

                @Override
                public boolean isReady() {
                    return false;
                }

                @Override
                public void request(int count) {}

                @Override
                public void cancel(@Nullable String message, @Nullable Throwable cause) {}

                @Override
                public void halfClose() {}
            };
        }

        @Override
        public String authority() {
            return "nowhere";
        }

        @Override
        public ManagedChannel shutdown() {
            return this;
        }

        @Override
        public ManagedChannel shutdownNow() {
            return this;
        }

        @Override
        public boolean isShutdown() {
            return false;
        }

        @Override
        public boolean isTerminated() {
            return false;
        }

        @Override
        public boolean awaitTermination(long timeout, TimeUnit unit) {
            return false;
        }
    }

    /** Answers each key with a value that names it, at once or when it is told to. */
    private static final class Store extends TikvGrpc.TikvImplBase {

        private record Held(StreamObserver<BatchCommandsResponse> out, long id, RawGetRequest request) {}

        private final AtomicInteger streams = new AtomicInteger();
        private final AtomicInteger ended = new AtomicInteger();
        private final AtomicInteger alone = new AtomicInteger();
        private final Queue<String> seen = new ConcurrentLinkedQueue<>();
        private final Queue<Held> held = new ConcurrentLinkedQueue<>();
        private final Queue<StreamObserver<BatchCommandsResponse>> open = new ConcurrentLinkedQueue<>();
        private final Queue<Runnable> heldAlone = new ConcurrentLinkedQueue<>();
        private volatile boolean holds;
        private volatile boolean holdsAlone;
        private volatile boolean knowsStreams = true;

        @Override
        public void rawGet(RawGetRequest request, StreamObserver<RawGetResponse> out) {
            alone.incrementAndGet();
            Runnable answers = () -> {
                out.onNext(answer(request));
                out.onCompleted();
            };
            if (holdsAlone) {
                heldAlone.add(answers);
            } else {
                answers.run();
            }
        }

        @Override
        public StreamObserver<BatchCommandsRequest> batchCommands(StreamObserver<BatchCommandsResponse> out) {
            streams.incrementAndGet();
            if (!knowsStreams) {
                return super.batchCommands(out);
            }
            open.add(out);
            return new StreamObserver<>() {
                @Override
                public void onNext(BatchCommandsRequest frame) {
                    for (int i = 0; i < frame.getRequestsCount(); i++) {
                        RawGetRequest request = frame.getRequests(i).getRawGet();
                        seen.add(request.getKey().toStringUtf8());
                        Held one = new Held(out, frame.getRequestIds(i), request);
                        if (holds) {
                            held.add(one);
                        } else {
                            send(out, List.of(one));
                        }
                    }
                }

                @Override
                public void onError(Throwable failure) {}

                @Override
                public void onCompleted() {
                    ended.incrementAndGet();
                    out.onCompleted();
                }
            };
        }

        /** All of a stream in one frame. */
        void answerHeld() {
            Map<StreamObserver<BatchCommandsResponse>, List<Held>> all = new LinkedHashMap<>();
            for (Held one = held.poll(); one != null; one = held.poll()) {
                all.computeIfAbsent(one.out(), out -> new ArrayList<>()).add(one);
            }
            all.forEach(Store::send);
        }

        void breakStreams(Status how) {
            held.clear();
            for (StreamObserver<BatchCommandsResponse> out = open.poll(); out != null; out = open.poll()) {
                if (how.isOk()) {
                    out.onCompleted();
                } else {
                    out.onError(how.asRuntimeException());
                }
            }
        }

        private static void send(StreamObserver<BatchCommandsResponse> out, List<Held> answered) {
            BatchCommandsResponse.Builder frame = BatchCommandsResponse.newBuilder();
            for (Held one : answered) {
                frame.addRequestIds(one.id())
                        .addResponses(
                                BatchCommandsResponse.Response.newBuilder().setRawGet(answer(one.request())));
            }
            out.onNext(frame.build());
        }

        private static RawGetResponse answer(RawGetRequest request) {
            return RawGetResponse.newBuilder()
                    .setValue(ByteString.copyFromUtf8("of ").concat(request.getKey()))
                    .build();
        }
    }
}
