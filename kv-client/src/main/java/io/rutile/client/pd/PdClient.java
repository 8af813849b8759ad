package io.rutile.client.pd;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.Store;
import io.rutile.protocol.pdpb.RegionHeartbeatRequest;
import io.rutile.protocol.pdpb.RegionHeartbeatResponse;
import io.rutile.protocol.pdpb.StoreHeartbeatResponse;
import io.rutile.protocol.pdpb.StoreStats;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * A client of the Placement Driver group. Follows its leader; every call has one deadline ({@link
 * PdClientOptions#callTimeout}) and retries inside it. Futures fail with {@link PdException}. Safe from any thread.
 */
public final class PdClient implements AutoCloseable {

    /** Waits until one member has named the cluster and its leader. @throws PdException {@code UNAVAILABLE} */
    public static PdClient connect(PdClientOptions options) {
        throw new UnsupportedOperationException("not built yet");
    }

    public long clusterId() {
        throw new UnsupportedOperationException("not built yet");
    }

    /** A timestamp greater than every one that any client was given before this call (T1). Concurrent calls share a request. */
    public CompletableFuture<TimeStamp> timestamp() {
        throw new UnsupportedOperationException("not built yet");
    }

    /** The Region that holds this key, as PD writes keys (raw keys of API V1 as they are). */
    public CompletableFuture<Optional<RegionLocation>> regionByKey(ByteKey key) {
        throw new UnsupportedOperationException("not built yet");
    }

    /** The Region in front of the one that holds this key. */
    public CompletableFuture<Optional<RegionLocation>> previousRegion(ByteKey key) {
        throw new UnsupportedOperationException("not built yet");
    }

    public CompletableFuture<Optional<RegionLocation>> regionById(long regionId) {
        throw new UnsupportedOperationException("not built yet");
    }

    /** Regions that overlap the range, in key order. @param limit at most so many; 0 for all */
    public CompletableFuture<List<RegionLocation>> scanRegions(KeyRange range, int limit) {
        throw new UnsupportedOperationException("not built yet");
    }

    /** Fails with {@code NOT_FOUND} for an id that was never given. Tombstones are answered as they are. */
    public CompletableFuture<Store> store(long storeId) {
        throw new UnsupportedOperationException("not built yet");
    }

    public CompletableFuture<List<Store>> stores(boolean excludeTombstones) {
        throw new UnsupportedOperationException("not built yet");
    }

    public CompletableFuture<Boolean> isBootstrapped() {
        throw new UnsupportedOperationException("not built yet");
    }

    /** The first store's and first Region's entry; {@code ALREADY_BOOTSTRAPPED} if another store was first. */
    public CompletableFuture<Void> bootstrap(Store store, Region region) {
        throw new UnsupportedOperationException("not built yet");
    }

    /** Ids that nobody was ever given (T2). @return the last of {@code count} consecutive ones */
    public CompletableFuture<Long> allocateIds(int count) {
        throw new UnsupportedOperationException("not built yet");
    }

    public CompletableFuture<Void> putStore(Store store) {
        throw new UnsupportedOperationException("not built yet");
    }

    public CompletableFuture<StoreHeartbeatResponse> storeHeartbeat(StoreStats stats) {
        throw new UnsupportedOperationException("not built yet");
    }

    /**
     * The stream on which a store reports the Regions that it leads. It reconnects to whoever leads PD, for as long as it is
     * open; {@code onReconnect} tells the store to report everything once more.
     *
     * @param onResponse PD's orders; called on a gRPC thread
     */
    public RegionHeartbeats regionHeartbeats(Consumer<RegionHeartbeatResponse> onResponse, Runnable onReconnect) {
        throw new UnsupportedOperationException("not built yet");
    }

    /** One open heartbeat stream. */
    public interface RegionHeartbeats extends AutoCloseable {

        /** Sends, or drops if no leader is connected: the next heartbeat says it again. The header is filled in here. */
        void send(RegionHeartbeatRequest heartbeat);

        @Override
        void close();
    }

    @Override
    public void close() {
        throw new UnsupportedOperationException("not built yet");
    }
}
