package io.rutile.client.region;

import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.rutile.client.pd.PdClient;
import io.rutile.client.pd.PdException;
import io.rutile.client.rpc.Channels;
import io.rutile.client.rpc.ClientTimer;
import io.rutile.client.rpc.CommandStream;
import io.rutile.client.rpc.Endpoint;
import io.rutile.client.rpc.Futures;
import io.rutile.client.rpc.StreamChoice;
import io.rutile.protocol.metapb.Store;
import io.rutile.protocol.metapb.StoreState;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Connections to stores, by store id: PD says where a store is, and is asked again when it no longer answers there. Addresses
 * are kept while nobody asks, so that a store can be reached while PD is away (D3); idle connections are closed by the channel itself.
 *
 * <p>Threads: any.
 */
final class StoreChannels implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(StoreChannels.class);

    /** How often PD may be asked about one store. */
    private static final long RECHECK_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(300);

    /** How often streams are looked at; a channel's own time of idleness counts from the end of its last stream. */
    private static final Duration UNUSED_PAUSE = Duration.ofMinutes(1);

    private final PdClient pd;
    private final ClientTimer timer;
    private final RegionMetrics metrics;
    private final ExecutorService sender = Executors.newSingleThreadExecutor(task -> {
        Thread thread = new Thread(task, "rutile-client-send");
        thread.setDaemon(true);
        return thread;
    });
    private final int channelsPerStore;
    private final Map<Long, CompletableFuture<StoreLink>> links = new ConcurrentHashMap<>();
    private volatile boolean closed;

    StoreChannels(PdClient pd, ClientTimer timer, int channelsPerStore, RegionMetrics metrics) {
        this.pd = pd;
        this.timer = timer;
        this.metrics = metrics;
        this.channelsPerStore = channelsPerStore;
        metrics.watchStores(this);
        timer.every(UNUSED_PAUSE, this::endUnusedStreams);
    }

    int size() {
        return links.size();
    }

    /** A way to a store: the channel, and the stream for small requests on it. */
    record StoreConnection(ManagedChannel channel, CommandStream commands) {}

    /** A channel to the store, connected or not. Fails with {@link PdException}; {@code NOT_FOUND} if the store is gone. */
    CompletableFuture<StoreConnection> connection(long storeId) {
        if (closed) {
            return CompletableFuture.failedFuture(
                    new PdException(PdException.Kind.UNAVAILABLE, "the client is closed"));
        }
        CompletableFuture<StoreLink> link = links.get(storeId);
        if (link == null) {
            CompletableFuture<StoreLink> opening = new CompletableFuture<>();
            link = links.putIfAbsent(storeId, opening);
            if (link == null) {
                link = opening;
                open(storeId, opening);
            }
        }
        return link.thenApply(StoreLink::next);
    }

    /** Finds out where the store is before anybody needs it; nothing is connected yet. */
    void learn(long storeId) {
        if (!links.containsKey(storeId)) {
            var unused = connection(storeId);
        }
    }

    private void open(long storeId, CompletableFuture<StoreLink> opening) {
        Futures.whenDone(pd.store(storeId).thenApply(this::link), opening, (link, failure) -> {
            if (failure != null) {
                links.remove(storeId, opening);
                opening.completeExceptionally(failure);
                return;
            }
            opening.complete(link);
            if (closed) {
                link.shutdown();
            }
        });
    }

    private StoreLink link(Store store) {
        if (store.getId() == 0 || store.getState() == StoreState.Tombstone) {
            throw new PdException(PdException.Kind.NOT_FOUND, "store " + store.getId() + " is gone");
        }
        Endpoint endpoint;
        try {
            endpoint = Endpoint.parse(store.getAddress());
        } catch (IllegalArgumentException unusable) {
            throw new PdException(
                    PdException.Kind.REFUSED,
                    "store " + store.getId() + " has no usable address: " + unusable.getMessage());
        }
        return new StoreLink(
                endpoint,
                Stream.generate(() -> connect(endpoint)).limit(channelsPerStore).toList());
    }

    private StoreConnection connect(Endpoint endpoint) {
        ManagedChannel channel = Channels.open(endpoint, pd.credentials());
        return new StoreConnection(channel, new CommandStream(channel, timer, sender, metrics.frames()));
    }

    private void endUnusedStreams() {
        links.values()
                .forEach(link -> Futures.whenDone(link, (open, failure) -> {
                    if (failure == null) {
                        open.connections.forEach(
                                connection -> connection.commands().endIfUnused());
                    }
                }));
    }

    /** The store did not answer, or another one did: asks PD whether it moved or is gone. */
    void recheck(long storeId) {
        CompletableFuture<StoreLink> known = links.get(storeId);
        if (known == null || !known.isDone() || known.isCompletedExceptionally()) {
            return;
        }
        StoreLink link = known.join();
        if (!link.mayRecheck()) {
            return;
        }
        Futures.whenDone(pd.store(storeId).thenApply(this::movedTo), (endpoint, failure) -> {
            boolean gone = failure != null && isGone(failure);
            if (gone || (failure == null && !endpoint.equals(link.endpoint))) {
                LOG.info(
                        "action=store_moved store={} from={} to={}",
                        storeId,
                        link.endpoint,
                        gone ? "nowhere" : endpoint);
                drop(storeId, known);
            }
        });
    }

    private Endpoint movedTo(Store store) {
        if (store.getState() == StoreState.Tombstone) {
            throw new PdException(PdException.Kind.NOT_FOUND, "store " + store.getId() + " is gone");
        }
        return Endpoint.parse(store.getAddress());
    }

    private static boolean isGone(Throwable failure) {
        return Futures.causeOf(failure) instanceof PdException refused && refused.kind() == PdException.Kind.NOT_FOUND;
    }

    private void drop(long storeId, CompletableFuture<StoreLink> link) {
        if (links.remove(storeId, link)) {
            Futures.whenDone(link, (open, failure) -> open.shutdown());
        }
    }

    @Override
    public void close() {
        closed = true;
        links.values()
                .forEach(link -> Futures.whenDone(link, (open, failure) -> {
                    if (failure == null) {
                        open.shutdownNow();
                    }
                }));
        links.clear();
        sender.shutdown();
    }

    /** One store's channels. */
    private static final class StoreLink {

        private final Endpoint endpoint;
        private final List<StoreConnection> connections;
        private final StreamChoice choice;
        private long recheckedNanos = System.nanoTime() - RECHECK_PAUSE_NANOS;

        StoreLink(Endpoint endpoint, List<StoreConnection> connections) {
            this.endpoint = endpoint;
            this.connections = connections;
            this.choice = new StreamChoice(
                    connections.stream().map(StoreConnection::commands).toList());
        }

        /** A channel that waits out a pause between connects is told to connect now: our own back-off is pause enough. */
        StoreConnection next() {
            StoreConnection connection = connections.get(choice.next());
            if (connection.channel().getState(false) == ConnectivityState.TRANSIENT_FAILURE) {
                connection.channel().resetConnectBackoff();
            }
            return connection;
        }

        synchronized boolean mayRecheck() {
            long now = System.nanoTime();
            if (now - recheckedNanos < RECHECK_PAUSE_NANOS) {
                return false;
            }
            recheckedNanos = now;
            return true;
        }

        /** Calls under way may end. */
        void shutdown() {
            connections.forEach(connection -> {
                connection.commands().close();
                connection.channel().shutdown();
            });
        }

        void shutdownNow() {
            connections.forEach(connection -> connection.channel().shutdownNow());
        }
    }
}
