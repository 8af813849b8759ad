package io.rutile.node.resolved;

import io.grpc.ChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.client.rpc.Channels;
import io.rutile.client.rpc.Endpoint;
import io.rutile.protocol.kvrpcpb.CheckLeaderRequest;
import io.rutile.protocol.kvrpcpb.CheckLeaderResponse;
import io.rutile.protocol.kvrpcpb.LeaderInfo;
import io.rutile.protocol.tikvpb.TikvGrpc;
import java.time.Duration;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells other stores what this one leads and how far its Regions are settled: {@code CheckLeader}, a connection and a round at a time for
 * each store. A round that a slow store has not taken yet leaves out the next: what is said later says more.
 *
 * <p>Used by one thread.
 */
final class LeaderNews implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(LeaderNews.class);

    /** Regions in a message: well below what a store takes. */
    static final int REGIONS_MAX = 4_096;

    private static final Duration TIMEOUT = Duration.ofSeconds(2);

    private final LongFunction<Optional<String>> addresses;
    private final ChannelCredentials credentials;
    private final Counter skipped;
    private final Counter failed;
    private final Map<Long, Link> links = new HashMap<>();

    /** @param underWay messages that have not been answered */
    private record Link(String address, ManagedChannel channel, AtomicInteger underWay) {}

    /**
     * @param addresses where a store's clients reach it; empty if that is not known
     * @param credentials how connections to them are secured
     */
    LeaderNews(LongFunction<Optional<String>> addresses, ChannelCredentials credentials, MeterRegistry metrics) {
        this.credentials = credentials;
        this.addresses = addresses;
        this.skipped = Counter.builder("kv.resolved.news.skipped")
                .description(
                        "rounds that a store was not told of because it had not taken the one before, or is not known")
                .register(metrics);
        this.failed = Counter.builder("kv.resolved.news.failed")
                .description("messages to other stores that were not answered")
                .register(metrics);
    }

    void tell(long storeId, List<LeaderInfo> news, long ts) {
        Optional<String> address = addresses.apply(storeId);
        if (address.isEmpty()) {
            skipped.increment();
            return;
        }
        Link link = links.compute(
                storeId,
                (id, known) -> known != null && known.address().equals(address.get())
                        ? known
                        : replaced(known, address.get()));
        int messages = (news.size() + REGIONS_MAX - 1) / REGIONS_MAX;
        if (!link.underWay().compareAndSet(0, messages)) {
            skipped.increment();
            return;
        }
        TikvGrpc.TikvStub stub =
                TikvGrpc.newStub(link.channel()).withDeadlineAfter(TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
        for (int from = 0; from < news.size(); from += REGIONS_MAX) {
            stub.checkLeader(
                    CheckLeaderRequest.newBuilder()
                            .addAllRegions(news.subList(from, Math.min(news.size(), from + REGIONS_MAX)))
                            .setTs(ts)
                            .build(),
                    new Answer(storeId, link.underWay()));
        }
    }

    private Link replaced(@Nullable Link before, String address) {
        if (before != null) {
            before.channel().shutdownNow();
        }
        return new Link(address, Channels.open(Endpoint.parse(address), credentials), new AtomicInteger());
    }

    /** Lets go of stores that have no replica of what is led here any more. */
    void retain(Set<Long> stores) {
        Iterator<Map.Entry<Long, Link>> all = links.entrySet().iterator();
        while (all.hasNext()) {
            Map.Entry<Long, Link> one = all.next();
            if (!stores.contains(one.getKey())) {
                one.getValue().channel().shutdownNow();
                all.remove();
            }
        }
    }

    @Override
    public void close() {
        retain(Set.of());
    }

    /** What the other store makes of it doesn't matter: that this one led was proven before. */
    private final class Answer implements StreamObserver<CheckLeaderResponse> {

        private final long storeId;
        private final AtomicInteger underWay;

        Answer(long storeId, AtomicInteger underWay) {
            this.storeId = storeId;
            this.underWay = underWay;
        }

        @Override
        public void onNext(CheckLeaderResponse known) {}

        @Override
        public void onError(Throwable failure) {
            underWay.decrementAndGet();
            failed.increment();
            log.debug("store does not hear what is led here storeId={} reason={}", storeId, failure.getMessage());
        }

        @Override
        public void onCompleted() {
            underWay.decrementAndGet();
        }
    }
}
