package io.rutile.node.deadlock;

import io.grpc.ChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.rutile.client.rpc.Channels;
import io.rutile.client.rpc.Endpoint;
import io.rutile.protocol.deadlock.DeadlockGrpc;
import io.rutile.protocol.deadlock.DeadlockRequest;
import io.rutile.protocol.deadlock.DeadlockRequestType;
import io.rutile.protocol.deadlock.DeadlockResponse;
import io.rutile.protocol.deadlock.WaitForEntry;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * This store's stream to the store that keeps the graph. Used by one thread; its owner hears of it on gRPC's threads and hands
 * over.
 */
final class DetectorStream implements ClientResponseObserver<DeadlockRequest, DeadlockResponse> {

    /** Who owns a stream. */
    interface Owner {

        /** There is room for requests; again each time that there was none before. */
        void onReady(DetectorStream stream);

        /** A circle. The next answer comes after {@link #more}. */
        void onAnswer(DetectorStream stream, DeadlockResponse circle);

        /** It is over, for whatever reason. */
        void onBroken(DetectorStream stream, Status reason);
    }

    private final Endpoint detector;
    private final Owner owner;
    private final ManagedChannel channel;
    private final long openedNanos = System.nanoTime();
    private volatile @Nullable ClientCallStreamObserver<DeadlockRequest> requests;

    DetectorStream(Endpoint detector, ChannelCredentials credentials, Owner owner) {
        this.detector = detector;
        this.owner = owner;
        this.channel = Channels.open(detector, credentials);
    }

    void open() {
        DeadlockGrpc.newStub(channel).detect(this);
    }

    Endpoint detector() {
        return detector;
    }

    /** How long it has been open. */
    long ageMs() {
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - openedNanos);
    }

    /** False while what was sent before still waits to leave. */
    boolean isReady() {
        ClientCallStreamObserver<DeadlockRequest> out = requests;
        return out != null && out.isReady();
    }

    void detect(WaitForEntry edge) {
        send(DeadlockRequestType.Detect, edge);
    }

    void cleanUp(WaitForEntry edge) {
        send(DeadlockRequestType.CleanUpWaitFor, edge);
    }

    private void send(DeadlockRequestType type, WaitForEntry edge) {
        ClientCallStreamObserver<DeadlockRequest> out = requests;
        if (out != null) {
            out.onNext(DeadlockRequest.newBuilder().setTp(type).setEntry(edge).build());
        }
    }

    /** The last answer has been dealt with. */
    void more() {
        ClientCallStreamObserver<DeadlockRequest> out = requests;
        if (out != null) {
            out.request(1);
        }
    }

    /** Ends it without a word to its owner. */
    void close() {
        channel.shutdownNow();
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<DeadlockRequest> stream) {
        stream.disableAutoRequestWithInitial(1);
        stream.setOnReadyHandler(() -> owner.onReady(this));
        requests = stream;
    }

    @Override
    public void onNext(DeadlockResponse circle) {
        owner.onAnswer(this, circle);
    }

    @Override
    public void onError(Throwable failure) {
        owner.onBroken(this, Status.fromThrowable(failure));
    }

    @Override
    public void onCompleted() {
        owner.onBroken(this, Status.ABORTED.withDescription("the other store has ended it"));
    }
}
