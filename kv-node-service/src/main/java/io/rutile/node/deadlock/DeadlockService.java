package io.rutile.node.deadlock;

import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.protocol.WireLimits;
import io.rutile.protocol.deadlock.DeadlockGrpc;
import io.rutile.protocol.deadlock.DeadlockRequest;
import io.rutile.protocol.deadlock.DeadlockResponse;
import io.rutile.protocol.deadlock.WaitForEntriesRequest;
import io.rutile.protocol.deadlock.WaitForEntriesResponse;
import io.rutile.protocol.deadlock.WaitForEntry;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The graph's door for other stores. Every store has it; only the one that leads the first Region answers, the others end the call
 * with {@code FAILED_PRECONDITION}, and the caller looks the leader up again. Edges that close no circle are not answered.
 */
final class DeadlockService extends DeadlockGrpc.DeadlockImplBase {

    static final Status NOT_DETECTOR =
            Status.FAILED_PRECONDITION.withDescription("this store does not lead the first region");

    /** Streams at a time: one a store, and some to spare. */
    static final int STREAMS_MAX = 1_024;

    /** A list of waits is cut off here: it is for people to look at. */
    private static final int LIST_BYTES_MAX = WireLimits.MESSAGE_BYTES_MAX / 4;

    private final WaitForGraph graph;
    private final Set<EdgeStream> streams = ConcurrentHashMap.newKeySet();
    private final Counter refused;

    DeadlockService(WaitForGraph graph, MeterRegistry metrics) {
        this.graph = graph;
        this.refused = Counter.builder("kv.deadlock.stream.refusals")
                .description("streams of edges refused because too many were open")
                .register(metrics);
        Gauge.builder("kv.deadlock.streams", streams, Set::size)
                .description("streams by which other stores bring their edges")
                .register(metrics);
    }

    @Override
    public StreamObserver<DeadlockRequest> detect(StreamObserver<DeadlockResponse> to) {
        FirstRegionLead lead = graph.lead();
        if (lead == null) {
            return refuse(to, NOT_DETECTOR);
        }
        if (streams.size() >= STREAMS_MAX) {
            refused.increment();
            return refuse(to, Status.RESOURCE_EXHAUSTED.withDescription("too many streams of edges"));
        }
        EdgeStream stream =
                new EdgeStream(graph, lead, (ServerCallStreamObserver<DeadlockResponse>) to, streams::remove);
        streams.add(stream);
        return stream.open();
    }

    @Override
    public void getWaitForEntries(WaitForEntriesRequest request, StreamObserver<WaitForEntriesResponse> to) {
        if (graph.lead() == null) {
            to.onError(NOT_DETECTOR.asRuntimeException());
            return;
        }
        WaitForEntriesResponse.Builder answer = WaitForEntriesResponse.newBuilder();
        long bytes = 0;
        for (WaitForEntry edge : graph.entries()) {
            bytes += edge.getSerializedSize();
            if (bytes > LIST_BYTES_MAX) {
                break;
            }
            answer.addEntries(edge);
        }
        to.onNext(answer.build());
        to.onCompleted();
    }

    /** Ends the streams of a lead that is over: their stores have edges to tell somebody else. */
    void endStaleStreams() {
        streams.forEach(EdgeStream::endIfStale);
    }

    private static StreamObserver<DeadlockRequest> refuse(StreamObserver<DeadlockResponse> to, Status status) {
        to.onError(status.asRuntimeException());
        return new StreamObserver<>() {
            @Override
            public void onNext(DeadlockRequest request) {}

            @Override
            public void onError(Throwable cause) {}

            @Override
            public void onCompleted() {}
        };
    }
}
