package io.rutile.node.placement;

import io.rutile.client.pd.PdClient;
import io.rutile.protocol.metapb.NodeState;
import io.rutile.protocol.metapb.Store;
import io.rutile.protocol.metapb.StoreState;
import io.rutile.raft.StoreAddresses;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The stores of the cluster as PD knew them a moment ago. Answers from memory and asks PD in the background, at most once in
 * {@link #REFRESH_NANOS_MIN}, when somebody asks for what it doesn't know. Thread-safe.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a failed refresh keeps what is known
final class StoreDirectory implements StoreAddresses {

    private static final Logger log = LoggerFactory.getLogger(StoreDirectory.class);

    private static final long REFRESH_NANOS_MIN = 500_000_000L;

    private final PdClient pd;
    private final AtomicLong lastRefreshNanos = new AtomicLong(System.nanoTime() - REFRESH_NANOS_MIN);
    private volatile Map<Long, Store> stores = Map.of();

    StoreDirectory(PdClient pd) {
        this.pd = pd;
    }

    @Override
    public @Nullable InetSocketAddress resolve(long storeId) {
        Store store = stores.get(storeId);
        if (store == null || store.getPeerAddress().isEmpty()) {
            refreshSoon();
            return null;
        }
        return HostPort.parse(store.getPeerAddress()).resolve();
    }

    /** Where a store's clients reach it; empty if that is not known. */
    Optional<String> clientAddress(long storeId) {
        Store store = stores.get(storeId);
        if (store == null || store.getAddress().isEmpty()) {
            refreshSoon();
            return Optional.empty();
        }
        return Optional.of(store.getAddress());
    }

    /** Whether a client may be passed on to this {@code host:port}. */
    boolean isStoreAddress(String address) {
        boolean known =
                stores.values().stream().anyMatch(store -> store.getAddress().equals(address));
        if (!known) {
            refreshSoon();
        }
        return known;
    }

    private void refreshSoon() {
        long last = lastRefreshNanos.get();
        long now = System.nanoTime();
        if (now - last >= REFRESH_NANOS_MIN && lastRefreshNanos.compareAndSet(last, now)) {
            refresh();
        }
    }

    /** Asks PD; keeps what is known if PD is away. */
    void refresh() {
        pd.stores(true).whenComplete((found, failure) -> {
            if (failure == null) {
                stores = living(found);
            } else {
                log.debug("stores can't be read from PD, reason={}", failure.getMessage());
            }
        });
    }

    private static Map<Long, Store> living(List<Store> found) {
        return found.stream()
                .filter(store -> store.getState() != StoreState.Tombstone && store.getNodeState() != NodeState.Removed)
                .collect(Collectors.toUnmodifiableMap(Store::getId, Function.identity(), (a, b) -> b));
    }
}
