package io.rutile.node.placement;

import io.rutile.client.pd.PdClient;
import io.rutile.node.raftstore.RegionPeer;
import io.rutile.node.raftstore.RegionSplit;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.RegionException;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.RegionEpoch;
import io.rutile.protocol.pdpb.SplitID;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.BiFunction;

/**
 * Splits a Region of this store at given keys, whoever wants it: a client, PD, or the store itself because the Region has grown. Asks
 * PD for ids, then hands the split to the Region's leader.
 *
 * <p>Safe from any thread; never blocks.
 */
public final class SplitRequests {

    /** How long a client should wait while PD gives no ids. */
    private static final long PD_BACKOFF_MS = 1_000;

    private final BiFunction<Region, Integer, CompletableFuture<List<SplitID>>> ids;

    SplitRequests(PdClient pd) {
        this(pd::askBatchSplit);
    }

    /** @param ids gives ids for so many pieces of a Region */
    SplitRequests(BiFunction<Region, Integer, CompletableFuture<List<SplitID>>> ids) {
        this.ids = ids;
    }

    /**
     * Completes when the Region is split here.
     *
     * @param seen the epoch that the keys were chosen for; its version counts
     * @param borders ascending keys inside the Region, encoded as Region borders are
     * @return all Regions that it has become, in key order; fails with {@link RegionException}
     */
    public CompletableFuture<List<Region>> split(RegionPeer peer, RegionEpoch seen, List<ByteKey> borders) {
        Region region;
        try {
            region = peer.requireSplittable(seen, borders);
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
        return ids.apply(region, borders.size())
                .handle((given, failure) -> {
                    if (failure != null) {
                        throw noIds(region, failure);
                    }
                    return pieces(region, borders, given);
                })
                .thenCompose(split -> peer.split(region, split));
    }

    private static RegionSplit pieces(Region region, List<ByteKey> borders, List<SplitID> ids) {
        if (ids.size() != borders.size()) {
            throw RegionErrors.message("PD gave ids for " + ids.size() + " pieces of region " + region.getId()
                    + " instead of " + borders.size());
        }
        List<RegionSplit.Piece> pieces = new ArrayList<>(borders.size());
        for (int i = 0; i < borders.size(); i++) {
            SplitID id = ids.get(i);
            pieces.add(new RegionSplit.Piece(borders.get(i), id.getNewRegionId(), id.getNewPeerIdsList()));
        }
        return new RegionSplit(pieces);
    }

    private static RegionException noIds(Region region, Throwable failure) {
        Throwable cause =
                failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
        return RegionErrors.serverIsBusy(
                "PD gives no ids for pieces of region " + region.getId() + ": " + cause.getMessage(), PD_BACKOFF_MS);
    }
}
