package io.rutile.node.rpc;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.kvrpcpb.CheckLeaderRequest;
import io.rutile.protocol.kvrpcpb.CheckLeaderResponse;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.GetHealthFeedbackRequest;
import io.rutile.protocol.kvrpcpb.GetHealthFeedbackResponse;
import io.rutile.protocol.kvrpcpb.HealthFeedback;
import io.rutile.protocol.kvrpcpb.StoreSafeTSRequest;
import io.rutile.protocol.kvrpcpb.StoreSafeTSResponse;
import io.rutile.protocol.kvrpcpb.UnsafeDestroyRangeRequest;
import io.rutile.protocol.kvrpcpb.UnsafeDestroyRangeResponse;
import io.rutile.storage.engine.KvContext;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiFunction;

/** What clients ask of a store as a whole. */
final class StoreRpcs {

    /** The score of a store that is not slow. */
    private static final int HEALTHY = 1;

    private final long storeId;
    private final AtomicLong feedbacks = new AtomicLong();

    final Rpc<GetHealthFeedbackRequest, GetHealthFeedbackResponse> healthFeedback = new Rpc<>(
            "GetHealthFeedback",
            GetHealthFeedbackRequest::getContext,
            (ctx, request) -> CompletableFuture.completedFuture(health()),
            GetHealthFeedbackResponse.getDefaultInstance());

    /** 0 says that nothing can be promised; clients keep what they know then. */
    final Rpc<StoreSafeTSRequest, StoreSafeTSResponse> storeSafeTs;

    /** From store to store, never from a client. */
    final Rpc<CheckLeaderRequest, CheckLeaderResponse> checkLeader;

    final Rpc<UnsafeDestroyRangeRequest, UnsafeDestroyRangeResponse> destroyRange;

    StoreRpcs(
            long storeId,
            SafeTimestamps safeTimestamps,
            BiFunction<KvContext, UnsafeDestroyRangeRequest, CompletableFuture<UnsafeDestroyRangeResponse>>
                    destroyRange) {
        this.storeId = storeId;
        this.storeSafeTs = new Rpc<>(
                "GetStoreSafeTS",
                request -> Context.getDefaultInstance(),
                (ctx, request) -> CompletableFuture.completedFuture(StoreSafeTSResponse.newBuilder()
                        .setSafeTs(safeTimestamps.over(new KeyRange(
                                ByteKey.of(request.getKeyRange().getStartKey()),
                                ByteKey.of(request.getKeyRange().getEndKey()))))
                        .build()),
                StoreSafeTSResponse.getDefaultInstance());
        this.checkLeader = new Rpc<>(
                "CheckLeader",
                request -> Context.getDefaultInstance(),
                (ctx, request) -> CompletableFuture.completedFuture(CheckLeaderResponse.newBuilder()
                        .addAllRegions(safeTimestamps.heard(request.getRegionsList()))
                        .setTs(request.getTs())
                        .build()),
                CheckLeaderResponse.getDefaultInstance());
        this.destroyRange = new Rpc<>(
                "UnsafeDestroyRange",
                UnsafeDestroyRangeRequest::getContext,
                destroyRange,
                UnsafeDestroyRangeResponse.getDefaultInstance());
    }

    private GetHealthFeedbackResponse health() {
        return GetHealthFeedbackResponse.newBuilder()
                .setHealthFeedback(HealthFeedback.newBuilder()
                        .setStoreId(storeId)
                        .setFeedbackSeqNo(feedbacks.incrementAndGet())
                        .setSlowScore(HEALTHY))
                .build();
    }
}
