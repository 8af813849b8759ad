package io.rutile.pd.rpc;

import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.Counter;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.pdpb.Timestamp;
import io.rutile.protocol.pdpb.TsoRequest;
import io.rutile.protocol.pdpb.TsoResponse;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One client's stream of timestamp requests. Answers come in the order of the requests, one for each: the next request is
 * read when the last one is answered. A client that half-closes gets its answer first and then the end of the stream.
 */
final class TsoStream implements StreamObserver<TsoRequest> {

    private static final long WAIT_MAX_MS = 3_000;

    private final PdCalls calls;
    private final ServerCallStreamObserver<TsoResponse> out;
    private final Counter given;
    /** Guarded by this: an answer is on its way, the client has said its last word, the stream has ended. */
    private boolean answering;

    private boolean halfClosed;
    private boolean ended;

    TsoStream(PdCalls calls, ServerCallStreamObserver<TsoResponse> out, Counter given) {
        this.calls = calls;
        this.out = out;
        this.given = given;
        out.disableAutoRequest();
        out.setOnCancelHandler(this::cancelled);
        out.request(1);
    }

    @Override
    public void onNext(TsoRequest request) {
        synchronized (this) {
            answering = true;
        }
        CompletableFuture<TimeStamp> taken;
        try {
            taken = take(request);
        } catch (RuntimeException e) {
            end(PdHeaders.status(e));
            return;
        }
        CompletableFuture<TimeStamp> bounded =
                taken.isDone() ? taken : taken.orTimeout(WAIT_MAX_MS, TimeUnit.MILLISECONDS);
        CompletableFuture<?> unused =
                bounded.whenComplete((last, failure) -> answer(request.getCount(), last, failure));
    }

    private CompletableFuture<TimeStamp> take(TsoRequest request) {
        var term = calls.leader();
        calls.headers().checkCluster(request.getHeader());
        // Unsigned on the wire: what is negative here is too many as well.
        if (request.getCount() <= 0 || request.getCount() > TimeStamp.LOGICAL_COUNT) {
            throw Status.INVALID_ARGUMENT
                    .withDescription("tso count should be 1 to " + TimeStamp.LOGICAL_COUNT + ", not "
                            + Integer.toUnsignedString(request.getCount()))
                    .asRuntimeException();
        }
        return term.tso().take(request.getCount());
    }

    private void answer(int count, @Nullable TimeStamp last, @Nullable Throwable failure) {
        if (last == null) {
            end(failure == null ? Status.INTERNAL : PdHeaders.status(failure));
            return;
        }
        TsoResponse response = TsoResponse.newBuilder()
                .setHeader(calls.headers().ok())
                .setCount(count)
                .setTimestamp(
                        Timestamp.newBuilder().setPhysical(last.physicalMs()).setLogical(last.logical()))
                .build();
        synchronized (this) {
            answering = false;
            if (ended) {
                return;
            }
            out.onNext(response);
            given.increment(count);
            if (halfClosed) {
                ended = true;
                out.onCompleted();
                return;
            }
        }
        out.request(1);
    }

    private synchronized void end(Status status) {
        if (!ended) {
            ended = true;
            out.onError(status.asRuntimeException());
        }
    }

    private synchronized void cancelled() {
        ended = true;
    }

    @Override
    public void onError(Throwable failure) {
        cancelled();
    }

    @Override
    public synchronized void onCompleted() {
        halfClosed = true;
        if (!answering && !ended) {
            ended = true;
            out.onCompleted();
        }
    }
}
