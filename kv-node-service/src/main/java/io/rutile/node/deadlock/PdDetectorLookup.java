package io.rutile.node.deadlock;

import io.rutile.client.pd.PdClient;
import io.rutile.client.rpc.Endpoint;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Store;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** Asks the Placement Driver which store leads the Region without a start key. */
public final class PdDetectorLookup implements DetectorLookup {

    private final PdClient pd;
    private final long selfStoreId;

    public PdDetectorLookup(PdClient pd, long selfStoreId) {
        this.pd = pd;
        this.selfStoreId = selfStoreId;
    }

    @Override
    public CompletableFuture<Optional<Endpoint>> find() {
        return pd.regionByKey(ByteKey.EMPTY).thenCompose(first -> {
            Peer leader = first.isPresent() ? first.get().leader() : null;
            if (leader == null || leader.getStoreId() == selfStoreId) {
                return CompletableFuture.completedFuture(Optional.empty());
            }
            return pd.store(leader.getStoreId()).thenApply(PdDetectorLookup::endpoint);
        });
    }

    private static Optional<Endpoint> endpoint(Store store) {
        return store.getAddress().isEmpty() ? Optional.empty() : Optional.of(Endpoint.parse(store.getAddress()));
    }
}
