package io.rutile.client.feed;

import io.grpc.ManagedChannel;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.rutile.protocol.cdcpb.ChangeDataEvent;
import io.rutile.protocol.cdcpb.ChangeDataGrpc;
import io.rutile.protocol.cdcpb.ChangeDataRequest;
import io.rutile.protocol.cdcpb.Error;
import io.rutile.protocol.cdcpb.Event;
import io.rutile.protocol.cdcpb.Header;
import io.rutile.protocol.cdcpb.ResolvedTs;
import io.rutile.protocol.metapb.Region;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A feed's stream to one store. Knows which registration is whose span; what comes of others, which are over, is left.
 *
 * <p>Everything is called and calls back under the feed's lock, but gRPC's own steps.
 */
final class StoreStream {

    /** Who is told. */
    interface Listener {

        void rows(Span span, List<Event.Row> rows);

        void resolved(Span span, long ts);

        void refused(Span span, Error error);

        /** A message has been taken in; not under the lock. */
        void taken();

        /** The stream is over. @param spans that it was asked for */
        void broken(StoreStream stream, Collection<Span> spans, @Nullable Throwable failure);
    }

    private record Registration(long requestId, long regionId) {}

    private final Object lock;
    private final Listener listener;
    private final long clusterId;
    private final long storeId;
    private final Map<Registration, Span> spans = new HashMap<>();
    private final Map<Long, Long> lastRequest = new HashMap<>();
    private final ClientCallStreamObserver<ChangeDataRequest> call;
    private boolean over;

    private StoreStream(Object lock, Listener listener, long clusterId, long storeId, ManagedChannel channel) {
        this.lock = lock;
        this.listener = listener;
        this.clusterId = clusterId;
        this.storeId = storeId;
        this.call = (ClientCallStreamObserver<ChangeDataRequest>)
                ChangeDataGrpc.newStub(channel).eventFeed(new Answers());
    }

    /** Under the lock, as the rest. */
    static StoreStream open(Object lock, Listener listener, long clusterId, long storeId, ManagedChannel channel) {
        return new StoreStream(lock, listener, clusterId, storeId, channel);
    }

    long storeId() {
        return storeId;
    }

    /** Asks for a span's changes. @return by which request the span is known */
    long register(Span span, Region region, long checkpointTs) {
        long requestId = lastRequest.merge(region.getId(), 1L, Long::sum);
        spans.put(new Registration(requestId, region.getId()), span);
        call.onNext(ChangeDataRequest.newBuilder()
                .setHeader(Header.newBuilder().setClusterId(clusterId))
                .setRequestId(requestId)
                .setRegionId(region.getId())
                .setRegionEpoch(region.getRegionEpoch())
                .setCheckpointTs(checkpointTs)
                .setStartKey(span.borders.start().toByteString())
                .setEndKey(span.borders.end().toByteString())
                .setKvApi(ChangeDataRequest.KvAPI.TxnKV)
                .setRegister(ChangeDataRequest.Register.getDefaultInstance())
                .build());
        return requestId;
    }

    void deregister(long requestId, long regionId) {
        if (spans.remove(new Registration(requestId, regionId)) != null && !over) {
            call.onNext(ChangeDataRequest.newBuilder()
                    .setRequestId(requestId)
                    .setRegionId(regionId)
                    .setDeregister(ChangeDataRequest.Deregister.getDefaultInstance())
                    .build());
        }
    }

    void close() {
        over = true;
        spans.clear();
        call.cancel("the feed is closed", null);
    }

    private void take(ChangeDataEvent message) {
        for (Event event : message.getEventsList()) {
            Registration of = new Registration(event.getRequestId(), event.getRegionId());
            Span span = spans.get(of);
            if (span == null) {
                continue;
            }
            switch (event.getEventCase()) {
                case ENTRIES -> listener.rows(span, event.getEntries().getEntriesList());
                case ERROR -> {
                    spans.remove(of);
                    listener.refused(span, event.getError());
                }
                // How stores told it once.
                case RESOLVED_TS -> listener.resolved(span, event.getResolvedTs());
                case ADMIN, LONG_TXN, EVENT_NOT_SET -> {}
            }
        }
        ResolvedTs resolved = message.getResolvedTs();
        for (long regionId : resolved.getRegionsList()) {
            Span span = spans.get(new Registration(resolved.getRequestId(), regionId));
            if (span != null) {
                listener.resolved(span, resolved.getTs());
            }
        }
    }

    private void end(@Nullable Throwable failure) {
        if (over) {
            return;
        }
        over = true;
        List<Span> left = List.copyOf(spans.values());
        spans.clear();
        listener.broken(this, left, failure);
    }

    private final class Answers implements StreamObserver<ChangeDataEvent> {

        @Override
        public void onNext(ChangeDataEvent message) {
            synchronized (lock) {
                if (!over) {
                    take(message);
                }
            }
            listener.taken();
        }

        @Override
        public void onError(Throwable failure) {
            synchronized (lock) {
                end(failure);
            }
        }

        @Override
        public void onCompleted() {
            synchronized (lock) {
                end(null);
            }
        }
    }
}
