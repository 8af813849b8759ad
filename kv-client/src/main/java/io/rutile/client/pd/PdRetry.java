package io.rutile.client.pd;

import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.opentelemetry.context.Context;
import io.rutile.client.pd.PdException.Kind;
import io.rutile.client.rpc.BackoffCurve;
import io.rutile.client.rpc.ClientTimer;
import io.rutile.client.rpc.ClientTimer.Alarm;
import io.rutile.client.rpc.Futures;
import io.rutile.client.rpc.UnaryCall;
import io.rutile.protocol.pdpb.RequestHeader;
import io.rutile.protocol.pdpb.ResponseHeader;
import io.rutile.trace.TraceParent;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Carries a unary call to whoever leads PD: asks again where the leader is when it does not answer or no longer leads, waits in
 * between, and ends at the call's one deadline.
 */
final class PdRetry {

    /** One member that says nothing must not eat the deadline of a call that another could answer. */
    private static final Duration ATTEMPT_TIMEOUT_MAX = Duration.ofSeconds(2);

    private static final BackoffCurve BACKOFF = new BackoffCurve(Duration.ofMillis(40), Duration.ofMillis(500));

    /** @param header finds the header in a response */
    record Method<Q, R>(MethodDescriptor<Q, R> descriptor, Function<R, ResponseHeader> header) {

        String name() {
            String bare = descriptor.getBareMethodName();
            return bare == null ? descriptor.getFullMethodName() : bare;
        }
    }

    private final PdMembers members;
    private final ClientTimer timer;
    private final PdMetrics metrics;
    private final Duration callTimeout;

    PdRetry(PdMembers members, ClientTimer timer, PdMetrics metrics, Duration callTimeout) {
        this.members = members;
        this.timer = timer;
        this.metrics = metrics;
        this.callTimeout = callTimeout;
    }

    /**
     * Makes the call.
     *
     * @return the response, its header free of errors; fails with {@link PdException}
     */
    <Q, R> CompletableFuture<R> call(Method<Q, R> method, Function<RequestHeader, Q> request) {
        Call<Q, R> call = new Call<>(method, request);
        call.begin();
        return call.result;
    }

    /** One call and its attempts, one after the other. */
    private final class Call<Q, R> {

        private final Method<Q, R> method;
        private final Function<RequestHeader, Q> request;
        private final @Nullable Context trace = TraceParent.current();
        private final CompletableFuture<R> result = new CompletableFuture<>();
        private final long startedNanos = System.nanoTime();
        private final long deadlineNanos = startedNanos + callTimeout.toNanos();
        private final AtomicInteger failures = new AtomicInteger();
        private volatile String lastFailure = "no member names a leader";

        Call(Method<Q, R> method, Function<RequestHeader, Q> request) {
            this.method = method;
            this.request = request;
        }

        void begin() {
            Alarm alarm = timer.after(callTimeout.toNanos(), this::runOutOfTime);
            Futures.whenDone(result, (response, failure) -> {
                alarm.cancel();
                metrics.call(method.name(), outcome(failure), System.nanoTime() - startedNanos);
            });
            attempt();
        }

        private void attempt() {
            if (result.isDone()) {
                return;
            }
            if (members.isClosed()) {
                result.completeExceptionally(new PdException(Kind.UNAVAILABLE, "the PD client is closed"));
                return;
            }
            PdLeader leader = members.leader();
            if (leader == null) {
                seekLeader(null);
            } else {
                send(leader);
            }
        }

        private void send(PdLeader leader) {
            long timeoutNanos = Math.min(
                    deadlineNanos - System.nanoTime(),
                    Math.min(ATTEMPT_TIMEOUT_MAX.toNanos(), callTimeout.toNanos() / 2));
            UnaryCall<R> attempt = UnaryCall.start(
                    leader.channel(), method.descriptor(), request.apply(members.header()), timeoutNanos, trace);
            Futures.whenDone(attempt.response(), result, (response, failure) -> {
                if (failure == null) {
                    take(leader, response);
                } else {
                    takeFailure(leader, Status.fromThrowable(failure));
                }
            });
        }

        private void take(PdLeader leader, R response) {
            ResponseHeader header = method.header().apply(response);
            if (PdErrors.saysNotLeader(header)) {
                lastFailure = header.getError().getMessage();
                metrics.retry("not_leader");
                seekLeader(leader);
                return;
            }
            PdException refusal = PdErrors.refusal(method.name(), header);
            if (refusal == null) {
                result.complete(response);
            } else {
                result.completeExceptionally(refusal);
            }
        }

        private void takeFailure(PdLeader leader, Status status) {
            lastFailure = leader.endpoint() + ": " + status.getCode()
                    + (status.getDescription() == null ? "" : " " + status.getDescription());
            switch (PdErrors.judge(status)) {
                case GIVE_UP -> result.completeExceptionally(PdErrors.refused(method.name(), status));
                case TRY_LATER -> {
                    metrics.retry("busy");
                    failures.incrementAndGet();
                    waitThenAttempt();
                }
                case TRY_LEADER -> {
                    metrics.retry(status.getCode() == Status.Code.DEADLINE_EXCEEDED ? "timeout" : "unavailable");
                    if (!PdErrors.saysNotLeader(status)) {
                        members.suspect(leader.endpoint());
                    }
                    seekLeader(leader);
                }
            }
        }

        /** The first time another leader is found it is tried at once; after that every attempt waits first. */
        private void seekLeader(@Nullable PdLeader failed) {
            int failuresNow = failures.incrementAndGet();
            Futures.whenDone(members.refresh(failed == null ? null : failed.endpoint()), result, (leader, failure) -> {
                if (failure != null) {
                    result.completeExceptionally(failure);
                } else if (failuresNow == 1 && leader != null && (failed == null || !leader.isAt(failed.endpoint()))) {
                    attempt();
                } else {
                    if (leader == null) {
                        metrics.retry("no_leader");
                    }
                    waitThenAttempt();
                }
            });
        }

        private void waitThenAttempt() {
            timer.after(BACKOFF.delayNanos(failures.get()), result, this::attempt);
        }

        private void runOutOfTime() {
            result.completeExceptionally(new PdException(
                    Kind.UNAVAILABLE,
                    method.name() + ": no PD leader answered within " + callTimeout.toMillis() + " ms; last: "
                            + lastFailure));
        }
    }

    private static String outcome(@Nullable Throwable failure) {
        if (failure == null) {
            return "ok";
        }
        return failure instanceof PdException refused ? refused.kind().name().toLowerCase(Locale.ROOT) : "error";
    }
}
