package io.rutile.node.rpc;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.MemComparable;
import io.rutile.protocol.kvrpcpb.SplitRegionRequest;
import io.rutile.protocol.kvrpcpb.SplitRegionResponse;
import io.rutile.protocol.metapb.Region;
import io.rutile.storage.command.ApiVersion;
import io.rutile.storage.engine.KvContext;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** What clients ask of one Region as a whole. */
final class RegionRpcs {

    private final ApiVersion apiVersion;
    private final RegionSplitter splitter;

    final Rpc<SplitRegionRequest, SplitRegionResponse> split = new Rpc<>(
            "SplitRegion",
            SplitRegionRequest::getContext,
            this::split,
            SplitRegionResponse.getDefaultInstance(),
            // Tried again, it would be refused: the keys are borders by then.
            false);

    RegionRpcs(ApiVersion apiVersion, RegionSplitter splitter) {
        this.apiVersion = apiVersion;
        this.splitter = splitter;
    }

    private CompletableFuture<SplitRegionResponse> split(KvContext ctx, SplitRegionRequest request) {
        var keys = request.getSplitKey().isEmpty() ? request.getSplitKeysList() : List.of(request.getSplitKey());
        boolean asTheyAre = request.getIsRawKv() && apiVersion != ApiVersion.V2;
        List<ByteKey> borders = keys.stream()
                .map(key -> asTheyAre ? ByteKey.of(key) : ByteKey.wrap(MemComparable.encode(key.toByteArray())))
                .sorted()
                .toList();
        return splitter.split(ctx, borders).thenApply(RegionRpcs::answer);
    }

    /** {@code left} and {@code right} are from the days when a split made two. */
    private static SplitRegionResponse answer(List<Region> regions) {
        SplitRegionResponse.Builder answer = SplitRegionResponse.newBuilder().addAllRegions(regions);
        if (regions.size() == 2) {
            answer.setLeft(regions.get(0)).setRight(regions.get(1));
        }
        return answer.build();
    }
}
