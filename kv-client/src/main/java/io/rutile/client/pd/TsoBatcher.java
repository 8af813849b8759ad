package io.rutile.client.pd;

import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.rutile.client.pd.PdException.Kind;
import io.rutile.client.rpc.BackoffCurve;
import io.rutile.client.rpc.ClientTimer;
import io.rutile.client.rpc.Endpoint;
import io.rutile.client.rpc.Futures;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.pdpb.PDGrpc;
import io.rutile.protocol.pdpb.TsoRequest;
import io.rutile.protocol.pdpb.TsoResponse;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Timestamps from PD's oracle over one stream. One request is under way at a time; calls that come in meanwhile share the next
 * one, so a batch grows with the load and a lone call waits for nobody.
 *
 * <p>Guarantees T1 on this side: every timestamp handed out is greater than all before it, and was asked for after its caller
 * called. An answer that would break this is not handed out. A request that was lost is asked again: timestamps that nobody saw
 * harm nobody.
 *
 * <p>Threads: any; the state is guarded by this object. Futures complete on gRPC's executor, outside the lock.
 */
final class TsoBatcher implements AutoCloseable {

    /** Timestamps in one request: far below the 2^18 that one millisecond holds. */
    static final int BATCH_MAX = 10_000;

    /** Calls that may wait; one more is refused. */
    static final int WAITING_MAX = 200_000;

    /** A stream that leaves a request unanswered for so long is given up. */
    private static final Duration ANSWER_TIMEOUT = Duration.ofSeconds(1);

    private static final BackoffCurve BACKOFF = new BackoffCurve(Duration.ofMillis(40), Duration.ofMillis(500));

    private record Waiter(CompletableFuture<TimeStamp> future, long deadlineNanos) {}

    private final PdMembers members;
    private final ClientTimer timer;
    private final PdMetrics metrics;
    private final Duration callTimeout;
    private final Runnable leaderListener = this::leaderChanged;

    private final Deque<Waiter> waiting = new ArrayDeque<>();
    private List<Waiter> asked = List.of();
    private int askedExpired;
    private long askedNanos;
    private @Nullable Stream stream;
    private boolean connecting;
    private boolean alarmSet;
    private boolean closed;
    private int failures;
    private String lastFailure = "no member names a leader";
    private TimeStamp last = TimeStamp.ZERO;

    TsoBatcher(PdMembers members, ClientTimer timer, PdMetrics metrics, Duration callTimeout) {
        this.members = members;
        this.timer = timer;
        this.metrics = metrics;
        this.callTimeout = callTimeout;
        members.onLeaderChange(leaderListener);
    }

    CompletableFuture<TimeStamp> next() {
        CompletableFuture<TimeStamp> future = new CompletableFuture<>();
        synchronized (this) {
            if (closed) {
                return CompletableFuture.failedFuture(closedException());
            }
            if (waiting.size() >= WAITING_MAX) {
                metrics.timestampRefused();
                return CompletableFuture.failedFuture(
                        new PdException(Kind.UNAVAILABLE, "Tso: " + WAITING_MAX + " calls are waiting already"));
            }
            waiting.add(new Waiter(future, System.nanoTime() + callTimeout.toNanos()));
            setAlarm();
        }
        pump();
        return future;
    }

    /** Sends the next batch if nothing is under way; connects if there is no stream. */
    private void pump() {
        boolean connect;
        synchronized (this) {
            if (closed || waiting.isEmpty() || !asked.isEmpty()) {
                return;
            }
            Stream open = stream;
            connect = open == null && !connecting;
            if (open != null) {
                asked = takeBatch();
                askedNanos = System.nanoTime();
                metrics.timestampsAsked(asked.size());
                open.send(asked.size());
            }
            connecting |= connect;
        }
        if (connect) {
            connect(null, true);
        }
    }

    private List<Waiter> takeBatch() {
        int count = Math.min(BATCH_MAX, waiting.size());
        List<Waiter> batch = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            batch.add(waiting.remove());
        }
        return batch;
    }

    /**
     * @param avoid the member whose stream has just broken
     * @param waited whether that was long enough ago to try the same member again
     */
    private void connect(@Nullable Endpoint avoid, boolean waited) {
        PdLeader known = members.leader();
        if (known != null && !known.isAt(avoid)) {
            open(known);
            return;
        }
        Futures.whenDone(members.refresh(avoid), (leader, failure) -> {
            if (failure instanceof PdException refused) {
                failAll(refused);
            } else if (leader == null || (leader.isAt(avoid) && !waited)) {
                connectLater(avoid);
            } else {
                open(leader);
            }
        });
    }

    private void connectLater(@Nullable Endpoint avoid) {
        long delayNanos;
        synchronized (this) {
            delayNanos = BACKOFF.delayNanos(++failures);
        }
        timer.after(delayNanos, () -> {
            synchronized (this) {
                if (closed || (waiting.isEmpty() && asked.isEmpty())) {
                    connecting = false;
                    return;
                }
            }
            connect(avoid, true);
        });
    }

    private void open(PdLeader leader) {
        synchronized (this) {
            connecting = false;
            if (closed) {
                return;
            }
            // Under the lock, so that news of the stream's end finds it in its place.
            stream = new Stream(leader.endpoint());
            PDGrpc.newStub(leader.channel()).tso(stream);
        }
        pump();
    }

    private void take(Stream from, TsoResponse response) {
        List<Waiter> answered = List.of();
        long first = 0;
        PdException refusal;
        synchronized (this) {
            if (stream != from) {
                return;
            }
            refusal = refusalOf(response);
            if (refusal == null) {
                answered = asked;
                asked = List.of();
                askedExpired = 0;
                failures = 0;
                last = TimeStamp.of(
                        response.getTimestamp().getPhysical(),
                        response.getTimestamp().getLogical());
                first = last.value() - answered.size() + 1;
            }
        }
        if (refusal != null) {
            from.fail(Status.ABORTED.withDescription(refusal.getMessage()));
            return;
        }
        pump();
        for (int i = 0; i < answered.size(); i++) {
            answered.get(i).future().complete(new TimeStamp(first + i));
        }
    }

    /** The logical part is the last of the batch, and the batch lies within one millisecond. */
    private @Nullable PdException refusalOf(TsoResponse response) {
        PdException refusal = PdErrors.refusal("Tso", response.getHeader());
        if (refusal != null) {
            return refusal;
        }
        long physical = response.getTimestamp().getPhysical();
        long logical = response.getTimestamp().getLogical();
        if (response.getCount() != asked.size()
                || asked.isEmpty()
                || physical <= 0
                || physical >= 1L << (Long.SIZE - TimeStamp.LOGICAL_BITS)
                || logical >= TimeStamp.LOGICAL_COUNT
                || logical - asked.size() + 1 < 0) {
            return new PdException(
                    Kind.REFUSED,
                    "Tso: asked for " + asked.size() + " timestamps, answered " + response.getCount() + " up to "
                            + physical + "+" + logical);
        }
        TimeStamp first = TimeStamp.of(physical, logical - asked.size() + 1);
        if (first.compareTo(last) <= 0) {
            return new PdException(Kind.REFUSED, "Tso: PD went back in time, from " + last + " to " + first);
        }
        return null;
    }

    /** The stream is gone; what was asked on it goes to the front of the queue. */
    private void broken(Stream which, Status status) {
        boolean reconnect;
        boolean again;
        synchronized (this) {
            if (stream != which) {
                return;
            }
            stream = null;
            requeue();
            lastFailure = which.leader + ": " + status.getCode()
                    + (status.getDescription() == null ? "" : " " + status.getDescription());
            reconnect = !closed && !connecting && !waiting.isEmpty();
            again = failures++ > 0;
            connecting |= reconnect;
        }
        PdException refused = PdErrors.refused("Tso", status);
        if (refused.kind() == Kind.CLUSTER_MISMATCH) {
            failAll(refused);
            return;
        }
        if ((status.getCode() == Status.Code.UNAVAILABLE && !PdErrors.saysNotLeader(status))
                || status.getCode() == Status.Code.DEADLINE_EXCEEDED) {
            members.suspect(which.leader);
        }
        if (reconnect) {
            metrics.retry("tso_stream");
            if (again) {
                connectLater(which.leader);
            } else {
                connect(which.leader, false);
            }
        }
    }

    private void requeue() {
        for (int i = asked.size() - 1; i >= askedExpired; i--) {
            waiting.addFirst(asked.get(i));
        }
        asked = List.of();
        askedExpired = 0;
    }

    private void leaderChanged() {
        PdLeader leader = members.leader();
        Stream open;
        synchronized (this) {
            open = stream;
        }
        if (open != null && leader != null && !leader.isAt(open.leader)) {
            open.fail(Status.ABORTED.withDescription("the PD leader moved to " + leader.endpoint()));
        }
    }

    /** Waiters are in the order of their deadlines, so one alarm serves all; it also looks for a stream gone silent. */
    private void setAlarm() {
        if (alarmSet || closed) {
            return;
        }
        Waiter first = askedExpired < asked.size() ? asked.get(askedExpired) : waiting.peek();
        if (first == null && asked.isEmpty()) {
            return;
        }
        long delayNanos = ANSWER_TIMEOUT.toNanos() / 2;
        if (first != null) {
            delayNanos = Math.min(delayNanos, first.deadlineNanos() - System.nanoTime());
        }
        alarmSet = true;
        timer.after(delayNanos, this::alarm);
    }

    private void alarm() {
        List<Waiter> late = new ArrayList<>();
        Stream silent = null;
        String reason;
        synchronized (this) {
            alarmSet = false;
            long now = System.nanoTime();
            if (!asked.isEmpty() && now - askedNanos >= ANSWER_TIMEOUT.toNanos()) {
                silent = stream;
            }
            // The answer must still find its batch, so those that are late stay in it, already completed.
            while (askedExpired < asked.size() && now - asked.get(askedExpired).deadlineNanos() >= 0) {
                late.add(asked.get(askedExpired++));
            }
            while (!waiting.isEmpty() && now - waiting.peek().deadlineNanos() >= 0) {
                late.add(waiting.remove());
            }
            reason = lastFailure;
        }
        if (silent != null) {
            silent.fail(Status.DEADLINE_EXCEEDED.withDescription("no timestamp within " + ANSWER_TIMEOUT));
        }
        synchronized (this) {
            setAlarm();
        }
        for (Waiter waiter : late) {
            waiter.future()
                    .completeExceptionally(new PdException(
                            Kind.UNAVAILABLE,
                            "Tso: no PD leader answered within " + callTimeout.toMillis() + " ms; last: " + reason));
        }
    }

    private void failAll(PdException failure) {
        List<Waiter> failed = new ArrayList<>();
        synchronized (this) {
            connecting = false;
            requeue();
            failed.addAll(waiting);
            waiting.clear();
        }
        failed.forEach(waiter -> waiter.future().completeExceptionally(failure));
    }

    private static PdException closedException() {
        return new PdException(Kind.UNAVAILABLE, "the PD client is closed");
    }

    @Override
    public void close() {
        members.removeListener(leaderListener);
        Stream open;
        synchronized (this) {
            closed = true;
            open = stream;
            stream = null;
        }
        if (open != null) {
            open.cancel();
        }
        failAll(closedException());
    }

    /** One open stream to one leader. */
    private final class Stream implements ClientResponseObserver<TsoRequest, TsoResponse> {

        private final Endpoint leader;
        private @Nullable ClientCallStreamObserver<TsoRequest> requests;

        Stream(Endpoint leader) {
            this.leader = leader;
        }

        @Override
        public void beforeStart(ClientCallStreamObserver<TsoRequest> requestStream) {
            requests = requestStream;
        }

        void send(int count) {
            ClientCallStreamObserver<TsoRequest> out = requests;
            if (out != null) {
                out.onNext(TsoRequest.newBuilder()
                        .setHeader(members.header())
                        .setCount(count)
                        .build());
            }
        }

        void cancel() {
            ClientCallStreamObserver<TsoRequest> out = requests;
            if (out != null) {
                out.cancel("closed by this client", null);
            }
        }

        void fail(Status status) {
            // First nobody uses it any more, then it goes: gRPC takes no message after a cancel.
            broken(this, status);
            cancel();
        }

        @Override
        public void onNext(TsoResponse response) {
            take(this, response);
        }

        @Override
        public void onError(Throwable failure) {
            broken(this, Status.fromThrowable(failure));
        }

        @Override
        public void onCompleted() {
            broken(this, Status.ABORTED.withDescription("PD ended the timestamp stream"));
        }
    }
}
