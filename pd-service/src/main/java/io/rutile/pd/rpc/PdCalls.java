package io.rutile.pd.rpc;

import com.google.protobuf.Message;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import io.rutile.pd.leader.LeaderTerm;
import io.rutile.pd.leader.Leadership;
import io.rutile.pd.meta.PdMember;
import io.rutile.protocol.pdpb.RequestHeader;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The checks in front of a unary command, in the order that clients lean on, and the one way from an outcome to an answer: a
 * value, an error in the header with an OK status, or a status.
 */
final class PdCalls {

    private static final Logger log = LoggerFactory.getLogger(PdCalls.class);
    /** A majority that has not answered by then has most likely elected another leader. */
    private static final Duration ANSWER_MAX = Duration.ofSeconds(10);

    private final Leadership leadership;
    private final PdMember member;
    private final PdHeaders headers;

    PdCalls(Leadership leadership, PdMember member) {
        this.leadership = leadership;
        this.member = member;
        this.headers = new PdHeaders(member);
    }

    PdHeaders headers() {
        return headers;
    }

    /** What runs in a command's place and answers its response without header. */
    interface Command extends Function<LeaderTerm, CompletableFuture<? extends Message.Builder>> {}

    /** Any member answers, whatever cluster the caller means. */
    <R extends Message> void anywhere(StreamObserver<R> out, Supplier<? extends Message.Builder> command) {
        try {
            answer(out, command.get());
        } catch (RuntimeException e) {
            out.onError(PdHeaders.status(e).asRuntimeException());
        }
    }

    /** Leader, then cluster id. */
    <R extends Message> void onLeader(RequestHeader header, R empty, StreamObserver<R> out, Command command) {
        run(empty, out, () -> {
            LeaderTerm term = leader();
            headers.checkCluster(header);
            return command.apply(term);
        });
    }

    /** Leader, then cluster id, then NOT_BOOTSTRAPPED. */
    <R extends Message> void bootstrapped(RequestHeader header, R empty, StreamObserver<R> out, Command command) {
        run(empty, out, () -> {
            LeaderTerm term = leader();
            headers.checkCluster(header);
            checkBootstrapped();
            return command.apply(term);
        });
    }

    /** NOT_BOOTSTRAPPED before anything else: what the commands that end in an operator do. */
    <R extends Message> void bootstrappedFirst(RequestHeader header, R empty, StreamObserver<R> out, Command command) {
        run(empty, out, () -> {
            checkBootstrapped();
            LeaderTerm term = leader();
            headers.checkCluster(header);
            return command.apply(term);
        });
    }

    /** The term in which this member serves. @throws io.grpc.StatusRuntimeException UNAVAILABLE {@code not leader} */
    LeaderTerm leader() {
        return leadership.current().orElseThrow(PdHeaders::notLeader);
    }

    boolean isBootstrapped() {
        return member.isBootstrapped();
    }

    /** @throws PdError NOT_BOOTSTRAPPED */
    void checkBootstrapped() {
        if (!isBootstrapped()) {
            throw PdError.notBootstrapped();
        }
    }

    private <R extends Message> void run(
            R empty, StreamObserver<R> out, Supplier<CompletableFuture<? extends Message.Builder>> command) {
        CompletableFuture<? extends Message.Builder> pending;
        try {
            pending = command.get();
        } catch (RuntimeException e) {
            fail(empty, out, e);
            return;
        }
        CompletableFuture<?> unused = pending.orTimeout(ANSWER_MAX.toMillis(), TimeUnit.MILLISECONDS)
                .whenComplete((response, failure) -> {
                    if (failure == null) {
                        answer(out, response);
                    } else {
                        fail(empty, out, failure);
                    }
                });
    }

    @SuppressWarnings("unchecked") // A builder of R builds an R; protobuf's own types do not say so.
    private <R extends Message> void answer(StreamObserver<R> out, Message.Builder response) {
        PdHeaders.put(response, headers.ok());
        out.onNext((R) response.build());
        out.onCompleted();
    }

    /** An error in the header with an OK status, or a status. */
    @SuppressWarnings("unchecked") // As above.
    <R extends Message> void fail(R empty, StreamObserver<R> out, Throwable failure) {
        Throwable cause = PdHeaders.unwrapped(failure);
        if (cause instanceof PdError error) {
            Message.Builder response = empty.newBuilderForType();
            PdHeaders.put(response, headers.error(error.type(), String.valueOf(error.getMessage())));
            out.onNext((R) response.build());
            out.onCompleted();
            return;
        }
        Status status = PdHeaders.status(cause);
        if (status.getCode() == Status.Code.INTERNAL) {
            log.error("call failed rpc={}", empty.getDescriptorForType().getName(), cause);
        }
        out.onError(status.asRuntimeException());
    }

    /** For commands that answer at once. */
    static <B extends Message.Builder> CompletableFuture<B> now(B response) {
        return CompletableFuture.completedFuture(response);
    }
}
