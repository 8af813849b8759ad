package io.rutile.client.rpc;

import com.google.protobuf.MessageLite;
import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.micrometer.core.instrument.DistributionSummary;
import io.opentelemetry.context.Context;
import io.rutile.client.rpc.ClientTimer.Alarm;
import io.rutile.protocol.tikvpb.BatchCommandsRequest;
import io.rutile.protocol.tikvpb.BatchCommandsResponse;
import io.rutile.protocol.tikvpb.TikvGrpc;
import io.rutile.tls.TlsFailures;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The requests of many callers to one store, on one stream of a channel: what is asked for at about the same time travels in one frame, and so do
 * answers, where requests of their own would each cost a stream of HTTP/2 with its headers.
 *
 * <p>Nothing waits to be gathered. Who asks while nobody waits for an answer writes at once; else one thread writes what there is, and what is asked for
 * until it comes to that, or because of the answers of one frame, shares a frame. A request is written only when the connection stands and has room, so one that was not
 * written has not arrived anywhere.
 *
 * <p>What is large, traced, or of a method that is not streamed goes alone, and so does everything if the server knows no such streams or more wait here
 * than one stream can take soon. A stream that breaks fails what it carried; the next request opens another. One that nobody uses is
 * ended by {@link #endIfUnused}, so that the connection can be idle.
 *
 * <p>Threads: any. {@link #drain} alone touches the stream's sending side, one thread at a time. Answers complete on gRPC's threads, those of one frame one
 * after the other.
 */
public final class CommandStream {

    /** Requests that wait to be written, those that have run out of time among them. */
    private static final int WAITING_MAX = 1_024;

    /** Fewer than servers take. */
    private static final int FRAME_COMMANDS_MAX = 128;

    private static final int FRAME_BYTES_MAX = 1 << 20;

    /** A larger one gains nothing from company, and others would wait behind it. */
    private static final int REQUEST_BYTES_MAX = 64 << 10;

    /** What goes alone is large, or its answer is: so many small ones. */
    private static final int ALONE_WEIGHT = 16;

    /** Streams that a thread has asked for something and will write to before it goes on; null while it writes at once. */
    private static final ThreadLocal<@Nullable List<CommandStream>> GATHERED = new ThreadLocal<>();

    private final ManagedChannel channel;
    private final ClientTimer timer;
    private final Executor sender;
    private final DistributionSummary frames;

    private final Queue<Command<?, ?>> waiting = new ConcurrentLinkedQueue<>();
    private final AtomicInteger waitingCount = new AtomicInteger();
    /** Requests on their way that went alone. */
    private final AtomicInteger aloneCount = new AtomicInteger();

    private final AtomicInteger drainsAsked = new AtomicInteger();
    private volatile boolean supported = true;
    private volatile boolean closing;
    private volatile boolean lookForUse;
    /** Written by {@link #drain} alone. */
    private volatile @Nullable Stream stream;

    /**
     * Opens nothing yet.
     *
     * @param channel not closed here
     * @param timer not closed here
     * @param sender a thread that writes when many ask; not closed here
     * @param frames told how many commands each frame has
     */
    public CommandStream(ManagedChannel channel, ClientTimer timer, Executor sender, DistributionSummary frames) {
        this.channel = channel;
        this.timer = timer;
        this.sender = sender;
        this.frames = frames;
    }

    /**
     * Starts an attempt, on the stream if that is the way for it.
     *
     * @param timeoutNanos how long it may take; at least one nanosecond is given
     * @param trace what the server's work belongs to; null if that is not traced
     */
    public <Q, R> Attempt<R> start(
            MethodDescriptor<Q, R> method, Q request, long timeoutNanos, @Nullable Context trace) {
        StreamedMethod<Q, R> streamed = trace == null && supported && !closing && waitingCount.get() < WAITING_MAX
                ? StreamedMethod.of(method)
                : null;
        if (streamed == null || ((MessageLite) request).getSerializedSize() > REQUEST_BYTES_MAX) {
            UnaryCall<R> call = UnaryCall.start(channel, method, request, timeoutNanos, trace);
            aloneCount.incrementAndGet();
            var unused = call.response().whenComplete((answer, failure) -> aloneCount.decrementAndGet());
            return call;
        }
        long givenNanos = Math.max(1, timeoutNanos);
        Command<Q, R> command = new Command<>(streamed, request, givenNanos);
        command.setAlarm(givenNanos);
        waitingCount.incrementAndGet();
        waiting.add(command);
        askDrain();
        return command;
    }

    /**
     * Whether one connection does for what is asked of it: no more is on its way than one frame carries, it does not fail to connect, and since
     * a request last ran out of time on it some answer has come.
     */
    boolean hasRoom() {
        Stream open = stream;
        int busy = waitingCount.get() + ALONE_WEIGHT * aloneCount.get() + (open == null ? 0 : open.underWay.size());
        return busy < FRAME_COMMANDS_MAX
                && (open == null || !open.silent)
                && channel.getState(false) != ConnectivityState.TRANSIENT_FAILURE;
    }

    /** To be called now and then: ends a stream that has carried nothing since the last time. */
    public void endIfUnused() {
        lookForUse = true;
        askDrain();
    }

    /** Ends the stream when what was asked for is answered; nothing new is taken. */
    public void close() {
        closing = true;
        askDrain();
    }

    private void askDrain() {
        if (drainsAsked.getAndIncrement() == 0) {
            List<CommandStream> later = GATHERED.get();
            if (later != null) {
                later.add(this);
            } else if (isBusy()) {
                handOver();
            } else {
                drain();
            }
        }
    }

    /** Others wait for answers: where there are many callers, the next will ask before the sender is there. */
    private boolean isBusy() {
        Stream open = stream;
        return open != null && !open.underWay.isEmpty();
    }

    private void handOver() {
        try {
            sender.execute(() -> {
                // Whoever is about to ask for something goes first: on a busy machine frames become large, on an idle
                // one nobody waits.
                Thread.yield();
                drain();
            });
        } catch (RejectedExecutionException closed) {
            drain();
        }
    }

    /** Runs what may ask for much; what this thread asked for, of whichever streams, is written at the end. */
    private static void gathering(Runnable asks) {
        List<CommandStream> later = new ArrayList<>();
        GATHERED.set(later);
        try {
            asks.run();
        } finally {
            GATHERED.remove();
            later.forEach(CommandStream::drain);
        }
    }

    private void drain() {
        int asked = drainsAsked.get();
        do {
            write();
            asked = drainsAsked.addAndGet(-asked);
        } while (asked != 0);
    }

    private void write() {
        Stream open = stream;
        if (open != null && open.over != null) {
            stream = null;
            bury(open, open.over);
            open = null;
        }
        if (open == null) {
            if (waiting.isEmpty()) {
                return;
            }
            open = new Stream();
            stream = open;
            open.begin();
        }
        while (open.isReady()) {
            BatchCommandsRequest frame = frame(open);
            if (frame == null) {
                endIfDone(open);
                return;
            }
            open.send(frame);
        }
    }

    /** Null if nothing waits. */
    private @Nullable BatchCommandsRequest frame(Stream open) {
        BatchCommandsRequest.Builder frame = BatchCommandsRequest.newBuilder();
        int bytes = 0;
        Command<?, ?> next;
        while (frame.getRequestsCount() < FRAME_COMMANDS_MAX
                && bytes < FRAME_BYTES_MAX
                && (next = waiting.poll()) != null) {
            waitingCount.decrementAndGet();
            BatchCommandsRequest.Request request = next.write(open);
            if (request != null) {
                frame.addRequests(request).addRequestIds(next.id);
                bytes += request.getSerializedSize();
            }
        }
        if (frame.getRequestsCount() == 0) {
            return null;
        }
        frames.record(frame.getRequestsCount());
        return frame.build();
    }

    private void endIfDone(Stream open) {
        boolean unused = lookForUse && !open.used;
        if (lookForUse) {
            lookForUse = false;
            open.used = false;
        }
        if ((closing || unused) && open.underWay.isEmpty()) {
            stream = null;
            open.end();
        }
    }

    /** What it carried fails; what waited for its connection, too, for there is none. */
    private void bury(Stream broken, Status why) {
        boolean unknown = why.getCode() == Status.Code.UNIMPLEMENTED;
        List<Command<?, ?>> lost = new ArrayList<>(broken.underWay.values());
        broken.underWay.clear();
        if (!broken.stood || unknown) {
            for (Command<?, ?> next = waiting.poll(); next != null; next = waiting.poll()) {
                waitingCount.decrementAndGet();
                lost.add(next);
            }
        }
        if (unknown) {
            supported = false;
            lost.forEach(Command::goAlone);
        } else {
            lost.forEach(command -> command.fail(why));
        }
    }

    /** One stream; what is not safe to share belongs to the drain. */
    private final class Stream implements ClientResponseObserver<BatchCommandsRequest, BatchCommandsResponse> {

        private final Map<Long, Command<?, ?>> underWay = new ConcurrentHashMap<>();
        private @Nullable ClientCallStreamObserver<BatchCommandsRequest> out;
        private volatile @Nullable Status over;
        /** A request ran out of time on it, and no answer has come since. */
        private volatile boolean silent;

        private boolean stood;
        /** Since somebody looked. */
        private boolean used;

        private long lastId;

        void begin() {
            TikvGrpc.newStub(channel).batchCommands(this);
        }

        @Override
        public void beforeStart(ClientCallStreamObserver<BatchCommandsRequest> requests) {
            out = requests;
            requests.setOnReadyHandler(CommandStream.this::askDrain);
        }

        /** False until the connection stands: gRPC would keep what is sent before, and nobody could say whether it ever left. */
        boolean isReady() {
            boolean ready = over == null && out != null && out.isReady();
            stood |= ready;
            return ready;
        }

        long nextId() {
            return ++lastId;
        }

        void send(BatchCommandsRequest frame) {
            used = true;
            if (out != null) {
                out.onNext(frame);
            }
        }

        void end() {
            over = Status.CANCELLED;
            if (out != null) {
                out.onCompleted();
            }
        }

        @Override
        public void onNext(BatchCommandsResponse frame) {
            silent = false;
            // What is asked for because of these answers leaves together, when all are told.
            gathering(() -> tell(frame));
        }

        private void tell(BatchCommandsResponse frame) {
            int count = Math.min(frame.getResponsesCount(), frame.getRequestIdsCount());
            for (int i = 0; i < count; i++) {
                Command<?, ?> command = land(frame.getRequestIds(i));
                if (command != null) {
                    command.answered(frame.getResponses(i));
                }
            }
        }

        /** It is under way no more; null if it was not. */
        @Nullable Command<?, ?> land(long id) {
            Command<?, ?> command = underWay.remove(id);
            if (closing) {
                askDrain();
            }
            return command;
        }

        @Override
        public void onError(Throwable failure) {
            Status status = Status.fromThrowable(failure);
            String reason = TlsFailures.reason(failure);
            ended(reason == null ? status : status.withDescription(channel.authority() + " " + reason));
        }

        @Override
        public void onCompleted() {
            ended(Status.UNAVAILABLE.withDescription("the server has ended the stream"));
        }

        private void ended(Status why) {
            if (over == null) {
                over = why;
                askDrain();
            }
        }
    }

    private enum State {
        WAITING,
        /** From here on it may arrive. */
        SENT,
        /** It has failed without being sent. */
        DROPPED
    }

    /** A request on its way. */
    private final class Command<Q, R> implements Attempt<R> {

        private final StreamedMethod<Q, R> method;
        private final Q request;
        private final long deadlineNanos;
        private final CompletableFuture<R> response = new CompletableFuture<>();
        private final AtomicReference<State> state = new AtomicReference<>(State.WAITING);
        private volatile @Nullable Alarm alarm;
        private volatile @Nullable Stream carrier;
        private volatile @Nullable Attempt<R> alone;
        /** Written before the carrier. */
        private long id;

        Command(StreamedMethod<Q, R> method, Q request, long timeoutNanos) {
            this.method = method;
            this.request = request;
            this.deadlineNanos = System.nanoTime() + timeoutNanos;
        }

        void setAlarm(long timeoutNanos) {
            alarm = timer.after(timeoutNanos, this::outOfTime);
        }

        @Override
        public CompletableFuture<R> response() {
            return response;
        }

        @Override
        public boolean mayHaveArrived() {
            Attempt<R> other = alone;
            return other == null ? state.get() == State.SENT : other.mayHaveArrived();
        }

        /** @return null if nobody waits for it any more */
        BatchCommandsRequest.@Nullable Request write(Stream open) {
            if (!state.compareAndSet(State.WAITING, State.SENT)) {
                return null;
            }
            id = open.nextId();
            open.underWay.put(id, this);
            carrier = open;
            if (response.isDone()) {
                open.underWay.remove(id);
            }
            return method.command(request);
        }

        void answered(BatchCommandsResponse.Response answer) {
            R mine = method.answer(answer);
            if (mine == null) {
                fail(Status.INTERNAL.withDescription("the answer is one to another command"));
            } else {
                cancelAlarm();
                response.complete(mine);
            }
        }

        void fail(Status why) {
            cancelAlarm();
            state.compareAndSet(State.WAITING, State.DROPPED);
            response.completeExceptionally(why.asRuntimeException());
        }

        private void cancelAlarm() {
            Alarm set = alarm;
            if (set != null) {
                set.cancel();
            }
        }

        private void outOfTime() {
            Stream open = carrier;
            if (open != null) {
                open.land(id);
                open.silent = true;
            }
            fail(Status.DEADLINE_EXCEEDED.withDescription(
                    state.get() == State.SENT ? "no answer in time" : "no room on the connection in time"));
        }

        /** The server knows no streams: it has carried nothing out. Who has heard that it is too late is not overtaken by it. */
        void goAlone() {
            cancelAlarm();
            if (!state.compareAndSet(State.WAITING, State.SENT)
                    && (state.get() == State.DROPPED || response.isDone())) {
                return;
            }
            UnaryCall<R> call = UnaryCall.start(channel, method.method(), request, deadlineNanos - System.nanoTime());
            alone = call;
            Futures.whenDone(call.response(), response, (answer, failure) -> {
                if (failure == null) {
                    response.complete(answer);
                } else {
                    response.completeExceptionally(failure);
                }
            });
        }
    }
}
