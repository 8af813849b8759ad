package io.rutile.node.rpc;

import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.WireLimits;
import io.rutile.protocol.tikvpb.BatchCommandsRequest;
import io.rutile.protocol.tikvpb.BatchCommandsResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One stream of batched commands. Commands run side by side and are answered in any order; answers that are ready together leave
 * in one frame. A command that can't be served gets its answer and the stream goes on; only a frame that makes no sense, or one
 * for another cluster, ends it.
 *
 * <p>Bounded: further frames, {@link #FRAMES_AHEAD} at most, are asked for only while fewer than {@link #COMMANDS_MAX} commands and {@link
 * #BYTES_MAX} bytes are unanswered, so a client that doesn't read its answers stops being read (R10).
 *
 * <p>Threads: gRPC calls {@code on…} one at a time, on the connection's own thread, where nothing may wait. A frame's first point reads are
 * served there, for to wake another thread costs more than they do; all else goes to the pool, and frames may overtake each other in it. Commands complete on any thread; {@link #drain} alone writes, one
 * thread at a time.
 */
@SuppressWarnings("FutureReturnValueIgnored") // the callback answers whatever happens
final class BatchCommandsStream implements StreamObserver<BatchCommandsRequest> {

    /** Commands taken and not yet answered after which no further frame is read. */
    static final int COMMANDS_MAX = 4 * WireLimits.BATCH_COMMANDS_MAX;

    /** The same in bytes of requests. */
    static final long BYTES_MAX = 32L << 20;

    /**
     * Frames that may come before the next is asked for: to ask wakes the connection's thread, and while nothing is asked for it can't hand over
     * what has come.
     */
    private static final int FRAMES_AHEAD = 4;

    /** Point reads of a frame that are served where it was read: so many that to wake a thread for as many others costs little beside them. */
    private static final int READS_HERE_MAX = 16;

    private static final int FRAME_ANSWERS_MAX = 256;
    private static final int FRAME_BYTES_MAX = 1 << 20;

    private record Command(long id, BatchCommandsRequest.Request request, int bytes) {}

    private record Answer(long id, BatchCommandsResponse.Response response, int requestBytes) {}

    private final BatchCommands commands;
    private final ServerCallStreamObserver<BatchCommandsResponse> out;
    private final Executor pool;
    private final Consumer<Runnable> together;
    private final Consumer<BatchCommandsStream> onEnd;

    private final ConcurrentLinkedQueue<Answer> answers = new ConcurrentLinkedQueue<>();
    private final AtomicInteger unanswered = new AtomicInteger();
    private final AtomicLong unansweredBytes = new AtomicLong();
    private final AtomicInteger drainsAsked = new AtomicInteger();
    private final AtomicInteger framesAskedFor = new AtomicInteger();
    private final AtomicReference<@Nullable StatusRuntimeException> failure = new AtomicReference<>();
    private volatile boolean halfClosed;
    /** Only touched by {@link #drain}. */
    private boolean ended;

    /**
     * @param pool takes what is not served on the connection's thread, and writes later answers
     * @param together runs what takes a frame's other commands than point reads, so that their writes reach the log together
     * @param onEnd told once the stream is over, or about to be
     */
    BatchCommandsStream(
            BatchCommands commands,
            ServerCallStreamObserver<BatchCommandsResponse> out,
            Executor pool,
            Consumer<Runnable> together,
            Consumer<BatchCommandsStream> onEnd) {
        this.commands = commands;
        this.out = out;
        this.pool = pool;
        this.together = together;
        this.onEnd = onEnd;
    }

    /** Begins to read. Called once, before the call's handler returns. */
    BatchCommandsStream open() {
        out.disableAutoRequest();
        out.setOnReadyHandler(this::askDrain);
        out.setOnCancelHandler(() -> {
            failure.compareAndSet(null, Status.CANCELLED.asRuntimeException());
            onEnd.accept(this);
        });
        askForFrame();
        return this;
    }

    @Override
    public void onNext(BatchCommandsRequest frame) {
        framesAskedFor.decrementAndGet();
        if (failure.get() != null) {
            return;
        }
        int count = frame.getRequestsCount();
        if (count != frame.getRequestIdsCount()) {
            fail(Status.INVALID_ARGUMENT.withDescription(
                    count + " requests with " + frame.getRequestIdsCount() + " request ids"));
            return;
        }
        List<Command> reads = new ArrayList<>(count);
        List<Command> others = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            BatchCommandsRequest.Request request = frame.getRequests(i);
            Command command = new Command(frame.getRequestIds(i), request, request.getSerializedSize());
            unanswered.incrementAndGet();
            unansweredBytes.addAndGet(command.bytes());
            if (i >= WireLimits.BATCH_COMMANDS_MAX) {
                refuse(command);
            } else if (BatchCommands.neverWaits(request)) {
                reads.add(command);
            } else {
                others.add(command);
            }
        }
        if (!others.isEmpty()) {
            inPool(() -> together.accept(() -> others.forEach(this::take)));
        }
        // Many are a load for several processors, and for those who wait for the first of them.
        for (int from = READS_HERE_MAX; from < reads.size(); from += READS_HERE_MAX) {
            List<Command> some = reads.subList(from, Math.min(from + READS_HERE_MAX, reads.size()));
            inPool(() -> some.forEach(this::take));
        }
        answeringTogether(
                () -> reads.subList(0, Math.min(READS_HERE_MAX, reads.size())).forEach(this::take));
    }

    /** With the deadline and the trace of the stream. */
    private void inPool(Runnable takes) {
        pool.execute(Context.current().wrap(() -> answeringTogether(takes)));
    }

    /** Answers that are there at once leave together when all commands are taken, on this thread. */
    private void answeringTogether(Runnable takes) {
        boolean drainsMyself = drainsAsked.getAndIncrement() == 0;
        try {
            takes.run();
        } finally {
            if (drainsMyself) {
                drain();
            } else {
                askForFrame();
            }
        }
    }

    private void refuse(Command command) {
        RuntimeException why =
                RegionErrors.serverIsBusy("a frame carries at most " + WireLimits.BATCH_COMMANDS_MAX + " commands", 0);
        answer(command, commands.refuse(command.request(), why));
    }

    private void take(Command command) {
        if (failure.get() != null) {
            return;
        }
        CompletableFuture<BatchCommandsResponse.Response> served;
        try {
            served = commands.call(command.request());
        } catch (ClusterMismatchException e) {
            failure.compareAndSet(null, e.asStatus());
            askDrain();
            return;
        }
        served.whenComplete((response, unexpected) ->
                answer(command, unexpected == null ? response : commands.refuse(command.request(), unexpected)));
    }

    private void answer(Command command, BatchCommandsResponse.Response response) {
        answers.add(new Answer(command.id(), response, command.bytes()));
        askDrain();
    }

    /** What was taken is finished first. */
    @Override
    public void onCompleted() {
        finish();
    }

    /** Answers what was taken and ends: the client opens another stream, here or elsewhere. Thread-safe. */
    void finish() {
        halfClosed = true;
        askDrain();
    }

    @Override
    public void onError(Throwable cause) {
        failure.compareAndSet(null, Status.CANCELLED.asRuntimeException());
    }

    private void fail(Status status) {
        failure.compareAndSet(null, status.asRuntimeException());
        askDrain();
    }

    /** Hands over to the pool: answers that come in the meantime leave in the same frame. */
    private void askDrain() {
        if (drainsAsked.getAndIncrement() == 0) {
            pool.execute(this::drain);
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
        if (ended) {
            answers.clear();
            return;
        }
        StatusRuntimeException reason = failure.get();
        if (reason != null) {
            ended = true;
            onEnd.accept(this);
            answers.clear();
            if (!out.isCancelled()) {
                out.onError(reason);
            }
            return;
        }
        while (out.isReady() && !answers.isEmpty()) {
            out.onNext(frame());
        }
        if (halfClosed && unanswered.get() == 0) {
            ended = true;
            onEnd.accept(this);
            out.onCompleted();
            return;
        }
        askForFrame();
    }

    private BatchCommandsResponse frame() {
        BatchCommandsResponse.Builder frame = BatchCommandsResponse.newBuilder();
        long bytes = 0;
        Answer next;
        while (frame.getResponsesCount() < FRAME_ANSWERS_MAX
                && bytes < FRAME_BYTES_MAX
                && (next = answers.poll()) != null) {
            frame.addResponses(next.response()).addRequestIds(next.id());
            bytes += next.response().getSerializedSize();
            unanswered.decrementAndGet();
            unansweredBytes.addAndGet(-next.requestBytes());
        }
        return frame.build();
    }

    /** Some frames at a time, while there is room. */
    private void askForFrame() {
        int asked = framesAskedFor.get();
        while (asked <= FRAMES_AHEAD / 2 && hasRoom()) {
            if (framesAskedFor.compareAndSet(asked, FRAMES_AHEAD)) {
                out.request(FRAMES_AHEAD - asked);
                return;
            }
            asked = framesAskedFor.get();
        }
    }

    private boolean hasRoom() {
        return unanswered.get() < COMMANDS_MAX
                && unansweredBytes.get() < BYTES_MAX
                && !halfClosed
                && failure.get() == null;
    }
}
