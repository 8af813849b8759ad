package io.rutile.node.rpc;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.metapb.Region;
import io.rutile.storage.engine.KvContext;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** What SplitRegion does on this store. */
@FunctionalInterface
public interface RegionSplitter {

    /**
     * Cuts the Region that the request names; of its context only Region and epoch count.
     *
     * @param borders in ascending order, in the form of Region borders; may be empty, hold a key twice, or lie outside
     * @return the Regions that it has become, in key order; fails with {@link io.rutile.protocol.RegionException}
     */
    CompletableFuture<List<Region>> split(KvContext ctx, List<ByteKey> borders);
}
