package io.rutile.pd.rpc;

import static io.rutile.pd.rpc.PdCalls.now;

import com.google.protobuf.Message;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.leader.LeaderTerm;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.pdpb.BatchScanRegionsRequest;
import io.rutile.protocol.pdpb.BatchScanRegionsResponse;
import io.rutile.protocol.pdpb.ErrorType;
import io.rutile.protocol.pdpb.GetRegionByIDRequest;
import io.rutile.protocol.pdpb.GetRegionRequest;
import io.rutile.protocol.pdpb.GetRegionResponse;
import io.rutile.protocol.pdpb.Region;
import io.rutile.protocol.pdpb.ScanRegionsRequest;
import io.rutile.protocol.pdpb.ScanRegionsResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** Where keys are. A Region that nobody reported is an OK answer without a Region: clients take it for "try again". */
final class RegionCommands {

    CompletableFuture<? extends Message.Builder> byKey(LeaderTerm term, GetRegionRequest request) {
        return now(response(term.cluster().regionByKey(ByteKey.of(request.getRegionKey()))));
    }

    CompletableFuture<? extends Message.Builder> previous(LeaderTerm term, GetRegionRequest request) {
        return now(response(term.cluster().regionBefore(ByteKey.of(request.getRegionKey()))));
    }

    CompletableFuture<? extends Message.Builder> byId(LeaderTerm term, GetRegionByIDRequest request) {
        return now(response(term.cluster().region(request.getRegionId())));
    }

    CompletableFuture<? extends Message.Builder> scan(LeaderTerm term, ScanRegionsRequest request) {
        KeyRange range = new KeyRange(ByteKey.of(request.getStartKey()), ByteKey.of(request.getEndKey()));
        ScanRegionsResponse.Builder response = ScanRegionsResponse.newBuilder();
        if (range.isEmpty()) {
            return now(response);
        }
        for (RegionInfo region : term.cluster().scan(range, Math.max(0, request.getLimit()))) {
            response.addRegions(described(region));
            // What clients before the list of Regions read; a leaderless one has an empty peer in its place.
            response.addRegionMetas(region.region());
            response.addLeaders(leader(region));
        }
        return now(response);
    }

    CompletableFuture<? extends Message.Builder> batchScan(LeaderTerm term, BatchScanRegionsRequest request) {
        int limit = Math.max(0, request.getLimit());
        List<KeyRange> ranges = ordered(request);
        BatchScanRegionsResponse.Builder response = BatchScanRegionsResponse.newBuilder();
        long lastId = 0;
        for (KeyRange range : ranges) {
            int left = limit == 0 ? 0 : limit - response.getRegionsCount();
            if (limit > 0 && left == 0) {
                break;
            }
            // One more than is left: the first may be the last one of the range before.
            List<RegionInfo> found =
                    term.cluster().scan(range, left == 0 || left == Integer.MAX_VALUE ? left : left + 1);
            if (request.getContainAllKeyRange()) {
                checkNoHole(range, found, left);
            }
            for (RegionInfo region : found) {
                if (region.id() != lastId && (limit == 0 || response.getRegionsCount() < limit)) {
                    response.addRegions(described(region));
                    lastId = region.id();
                }
            }
        }
        return now(response);
    }

    private static List<KeyRange> ordered(BatchScanRegionsRequest request) {
        List<KeyRange> ranges = new ArrayList<>();
        KeyRange before = null;
        for (var said : request.getRangesList()) {
            KeyRange range = new KeyRange(ByteKey.of(said.getStartKey()), ByteKey.of(said.getEndKey()));
            if (range.isEmpty()) {
                throw PdError.unknown("invalid key range: it begins behind its end");
            }
            if (before != null && (before.end().isEmpty() || before.end().compareTo(range.start()) > 0)) {
                throw PdError.unknown("invalid key ranges: they must be in order and must not overlap");
            }
            ranges.add(range);
            before = range;
        }
        return ranges;
    }

    /** @param limit if the scan may have ended early, as many Regions as it was to find; 0 if it ran to the end */
    private static void checkNoHole(KeyRange range, List<RegionInfo> found, int limit) {
        ByteKey covered = range.start();
        for (RegionInfo region : found) {
            if (region.startKey().compareTo(covered) > 0) {
                throw hole(range);
            }
            covered = region.range().end();
            if (covered.isEmpty()) {
                return;
            }
        }
        boolean cutShort = limit > 0 && found.size() > limit;
        if (!cutShort && (range.end().isEmpty() || covered.compareTo(range.end()) < 0)) {
            throw hole(range);
        }
    }

    private static PdError hole(KeyRange range) {
        return new PdError(ErrorType.REGIONS_NOT_CONTAIN_ALL_KEY_RANGE, "no region is known for a part of " + range);
    }

    private static GetRegionResponse.Builder response(Optional<RegionInfo> found) {
        GetRegionResponse.Builder response = GetRegionResponse.newBuilder();
        found.ifPresent(region -> {
            response.setRegion(region.region())
                    .addAllDownPeers(region.downPeers())
                    .addAllPendingPeers(region.pendingPeers());
            Peer leader = region.leader();
            if (leader != null) {
                response.setLeader(leader);
            }
        });
        return response;
    }

    private static Region described(RegionInfo region) {
        Region.Builder described = Region.newBuilder()
                .setRegion(region.region())
                .addAllDownPeers(region.downPeers())
                .addAllPendingPeers(region.pendingPeers());
        Peer leader = region.leader();
        return (leader == null ? described : described.setLeader(leader)).build();
    }

    private static Peer leader(RegionInfo region) {
        Peer leader = region.leader();
        return leader == null ? Peer.getDefaultInstance() : leader;
    }
}
