package io.rutile.pd.rpc;

import static io.rutile.pd.rpc.PdCalls.now;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import io.rutile.pd.cluster.IdAllocator;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.leader.LeaderTerm;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.Epochs;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.pdpb.AskBatchSplitRequest;
import io.rutile.protocol.pdpb.AskBatchSplitResponse;
import io.rutile.protocol.pdpb.ErrorType;
import io.rutile.protocol.pdpb.ReportBatchSplitRequest;
import io.rutile.protocol.pdpb.ReportBatchSplitResponse;
import io.rutile.protocol.pdpb.SplitID;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A store wants to split a Region: it gets ids, and PD learns of the result by heartbeats like of everything else (D1). */
final class SplitCommands {

    private static final Logger log = LoggerFactory.getLogger(SplitCommands.class);

    CompletableFuture<? extends Message.Builder> ask(LeaderTerm term, AskBatchSplitRequest request) {
        if (!request.hasRegion()) {
            throw new PdError(ErrorType.REGION_NOT_FOUND, "the request names no region to split");
        }
        Region region = request.getRegion();
        RegionInfo known = term.cluster()
                .regionByKey(ByteKey.of(region.getStartKey()))
                .orElseThrow(() -> PdError.unknown("no region is known at the start of region " + region.getId()));
        if (Epochs.isStale(region.getRegionEpoch(), known.epoch())) {
            throw PdError.unknown("region " + region.getId() + " is stale: region " + known.id()
                    + " is known there with" + " a newer epoch");
        }
        int count = request.getSplitCount();
        int idsEach = 1 + region.getPeersCount();
        if (count < 1 || (long) count * idsEach > IdAllocator.COUNT_MAX) {
            throw PdError.unknown(
                    "cannot split region " + region.getId() + " into " + Integer.toUnsignedString(count) + " more");
        }
        int ids = count * idsEach;
        return term.ids().allocate(ids).thenApply(last -> response(last - ids + 1, count, region.getPeersCount()));
    }

    CompletableFuture<? extends Message.Builder> report(ReportBatchSplitRequest request) {
        List<Region> regions = request.getRegionsList();
        if (regions.size() < 2) {
            throw PdError.unknown("invalid batch split report: fewer than two regions");
        }
        for (int i = 1; i < regions.size(); i++) {
            ByteString border = regions.get(i - 1).getEndKey();
            // An empty end is the end of all keys, not the empty key.
            if (border.isEmpty() || !border.equals(regions.get(i).getStartKey())) {
                throw PdError.unknown("invalid batch split report: regions "
                        + regions.get(i - 1).getId() + " and " + regions.get(i).getId() + " are not neighbours");
            }
        }
        log.info("region split regions={}", regions.stream().map(Region::getId).toList());
        return now(ReportBatchSplitResponse.newBuilder());
    }

    private static AskBatchSplitResponse.Builder response(long firstId, int count, int peers) {
        AskBatchSplitResponse.Builder response = AskBatchSplitResponse.newBuilder();
        long next = firstId;
        for (int i = 0; i < count; i++) {
            SplitID.Builder split = SplitID.newBuilder().setNewRegionId(next++);
            for (int p = 0; p < peers; p++) {
                split.addNewPeerIds(next++);
            }
            response.addIds(split);
        }
        return response;
    }
}
