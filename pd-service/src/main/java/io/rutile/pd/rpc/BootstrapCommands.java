package io.rutile.pd.rpc;

import static io.rutile.pd.rpc.PdCalls.now;

import com.google.protobuf.Message;
import io.rutile.pd.cluster.IdAllocator;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.leader.LeaderTerm;
import io.rutile.pd.meta.MetaRecord;
import io.rutile.pd.meta.PdMember;
import io.rutile.pd.meta.StoreVersion;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.Store;
import io.rutile.protocol.pdpb.AllocIDRequest;
import io.rutile.protocol.pdpb.AllocIDResponse;
import io.rutile.protocol.pdpb.BootstrapRequest;
import io.rutile.protocol.pdpb.BootstrapResponse;
import io.rutile.protocol.pdpb.ErrorType;
import io.rutile.protocol.pdpb.IsBootstrappedResponse;
import java.util.concurrent.CompletableFuture;

/** How a cluster begins: its first store and Region, and ids for everything after. */
final class BootstrapCommands {

    private final PdMember member;

    BootstrapCommands(PdMember member) {
        this.member = member;
    }

    CompletableFuture<? extends Message.Builder> isBootstrapped() {
        return now(IsBootstrappedResponse.newBuilder().setBootstrapped(member.isBootstrapped()));
    }

    /** Of two stores that are first at the same time, the one that the log puts first. */
    CompletableFuture<? extends Message.Builder> bootstrap(LeaderTerm term, BootstrapRequest request) {
        if (member.isBootstrapped()) {
            throw new PdError(ErrorType.ALREADY_BOOTSTRAPPED, "cluster is already bootstrapped");
        }
        check(request.getStore(), request.getRegion());
        return term.propose(new MetaRecord.Bootstrap(request.getStore())).thenApply(outcome -> {
            PdHeaders.accepted(outcome);
            term.cluster().observeJoined(request.getStore().getId());
            term.cluster().observe(RegionInfo.leaderless(request.getRegion()));
            return BootstrapResponse.newBuilder();
        });
    }

    /** The id of the response is the last of {@code count}; the count is echoed where it was asked for. */
    CompletableFuture<? extends Message.Builder> allocate(LeaderTerm term, AllocIDRequest request) {
        // Unsigned on the wire: what is negative here is beyond the limit too.
        int count = request.getCount() == 0 ? 1 : request.getCount();
        if (count < 0 || count > IdAllocator.COUNT_MAX) {
            throw PdError.unknown("at most " + IdAllocator.COUNT_MAX + " ids can be allocated at once");
        }
        return term.ids().allocate(count).thenApply(last -> {
            AllocIDResponse.Builder response = AllocIDResponse.newBuilder().setId(last);
            return count > 1 ? response.setCount(count) : response;
        });
    }

    private static void check(Store store, Region region) {
        if (store.getId() == 0) {
            throw PdError.unknown("bootstrap: store id must not be 0");
        }
        if (StoreVersion.parse(store.getVersion()).isEmpty()) {
            throw PdError.unknown("bootstrap: version '" + store.getVersion() + "' is not a version");
        }
        if (region.getId() == 0) {
            throw PdError.unknown("bootstrap: region id must not be 0");
        }
        if (!region.getStartKey().isEmpty() || !region.getEndKey().isEmpty()) {
            throw PdError.unknown("bootstrap: the first region must hold every key");
        }
        if (region.getPeersCount() != 1) {
            throw PdError.unknown("bootstrap: the first region must have one peer, not " + region.getPeersCount());
        }
        Peer peer = region.getPeers(0);
        if (peer.getId() == 0 || peer.getStoreId() != store.getId()) {
            throw PdError.unknown("bootstrap: the peer must have an id and be on store " + store.getId());
        }
    }
}
