package io.rutile.node.deadlock;

import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.rutile.protocol.deadlock.DeadlockRequest;
import io.rutile.protocol.deadlock.DeadlockResponse;
import io.rutile.protocol.deadlock.WaitForEntry;
import java.util.function.Consumer;

/**
 * Another store's edges on their way into the graph. It lives no longer than the lead that it was opened under, so that the other
 * store knows when to tell its edges again. One request at a time, and none while answers wait to be read (R10).
 *
 * <p>Threads: gRPC's for this call, and the one that ends stale streams; guarded by this object.
 */
final class EdgeStream implements StreamObserver<DeadlockRequest> {

    private final WaitForGraph graph;
    private final FirstRegionLead lead;
    private final ServerCallStreamObserver<DeadlockResponse> answers;
    private final Consumer<EdgeStream> onEnd;
    private boolean owesRequest;
    private boolean ended;

    EdgeStream(
            WaitForGraph graph,
            FirstRegionLead lead,
            ServerCallStreamObserver<DeadlockResponse> answers,
            Consumer<EdgeStream> onEnd) {
        this.graph = graph;
        this.lead = lead;
        this.answers = answers;
        this.onEnd = onEnd;
    }

    /** Inside the call of the service, where handlers may still be set. */
    EdgeStream open() {
        answers.disableAutoRequest();
        answers.setOnReadyHandler(this::payRequest);
        answers.setOnCancelHandler(() -> onEnd.accept(this));
        answers.request(1);
        return this;
    }

    @Override
    public synchronized void onNext(DeadlockRequest request) {
        if (ended) {
            return;
        }
        if (!graph.isUnder(lead)) {
            end(DeadlockService.NOT_DETECTOR);
            return;
        }
        if (!request.hasEntry()) {
            end(Status.INVALID_ARGUMENT.withDescription("a request without an entry"));
            return;
        }
        take(request);
    }

    private void take(DeadlockRequest request) {
        WaitForEntry edge = request.getEntry();
        switch (request.getTp()) {
            case Detect -> {
                DeadlockResponse circle = graph.detect(edge);
                if (circle != null) {
                    answers.onNext(circle);
                }
            }
            case CleanUpWaitFor -> graph.forget(edge);
            case CleanUp -> graph.forgetTxn(edge.getTxn());
            default -> {
                end(Status.INVALID_ARGUMENT.withDescription("no request type " + request.getTpValue()));
                return;
            }
        }
        owesRequest = true;
        payRequest();
    }

    private synchronized void payRequest() {
        if (owesRequest && !ended && answers.isReady()) {
            owesRequest = false;
            answers.request(1);
        }
    }

    /** Ends it if the lead that it belongs to is over. */
    synchronized void endIfStale() {
        if (!ended && !graph.isUnder(lead)) {
            end(DeadlockService.NOT_DETECTOR);
        }
    }

    private void end(Status status) {
        ended = true;
        answers.onError(status.asRuntimeException());
        onEnd.accept(this);
    }

    @Override
    public void onError(Throwable cause) {
        onEnd.accept(this);
    }

    @Override
    public synchronized void onCompleted() {
        if (!ended) {
            ended = true;
            answers.onCompleted();
            onEnd.accept(this);
        }
    }
}
