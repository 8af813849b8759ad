package io.rutile.node.placement;

import io.rutile.node.raftstore.PeerChange;
import io.rutile.node.raftstore.RaftStore;
import io.rutile.node.raftstore.RegionPeer;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.pdpb.ChangePeer;
import io.rutile.protocol.pdpb.CheckPolicy;
import io.rutile.protocol.pdpb.RegionHeartbeatResponse;
import io.rutile.protocol.pdpb.SplitRegion;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns PD's orders into calls of the raftstore. An order for a Region that has changed since is dropped: PD sees the change in
 * the next heartbeat and orders again (D1). Nothing is retried here.
 *
 * <p>Safe from any thread; never blocks.
 */
@SuppressWarnings("FutureReturnValueIgnored") // the callback reports the outcome
final class ScheduleCommands {

    private static final Logger log = LoggerFactory.getLogger(ScheduleCommands.class);

    private final RaftStore store;
    private final SplitRequests splits;

    ScheduleCommands(RaftStore store, SplitRequests splits) {
        this.store = store;
        this.splits = splits;
    }

    void execute(RegionHeartbeatResponse order) {
        if (order.getHeader().hasError()) {
            log.warn(
                    "PD refuses a region heartbeat reason={}",
                    order.getHeader().getError().getMessage());
            return;
        }
        Optional<RegionPeer> found = store.region(order.getRegionId()).filter(RegionPeer::isLeader);
        if (found.isEmpty()) {
            return;
        }
        RegionPeer peer = found.get();
        if (isOutOfDate(order, peer)) {
            log.debug("order is out of date region={}", order.getRegionId());
            return;
        }
        if (order.hasChangePeer()) {
            changePeers(peer, List.of(order.getChangePeer()));
        } else if (order.hasChangePeerV2()) {
            changePeers(peer, order.getChangePeerV2().getChangesList());
        } else if (order.hasTransferLeader()) {
            Peer to = order.getTransferLeader().getPeer();
            report("transfer leader", peer, peer.transferLeader(to));
        } else if (order.hasSplitRegion()) {
            split(peer, order.getSplitRegion());
        } else if (order.hasMerge()) {
            report("merge", peer, peer.merge(order.getMerge().getTarget()));
        }
    }

    /** While members are leaving PD knows the Region under another epoch; what it orders about members then is for that one. */
    private static boolean isOutOfDate(RegionHeartbeatResponse order, RegionPeer peer) {
        if (!order.hasRegionEpoch()
                || order.getRegionEpoch().equals(peer.region().getRegionEpoch())) {
            return false;
        }
        boolean aboutMembers = order.hasChangePeer() || order.hasChangePeerV2();
        return !aboutMembers || !order.getRegionEpoch().equals(peer.reported().getRegionEpoch());
    }

    private void split(RegionPeer peer, SplitRegion order) {
        Region region = peer.region();
        List<ByteKey> borders = order.getPolicy() == CheckPolicy.USEKEY
                ? order.getKeysList().stream().map(ByteKey::of).toList()
                : store.bisect(region);
        if (borders.isEmpty()) {
            log.info("order not carried out region={} order=split reason=no key to split at", region.getId());
            return;
        }
        report("split", peer, splits.split(peer, region.getRegionEpoch(), borders));
    }

    /**
     * All together, except what is done already. None is what PD calls leaving a joint membership: Raft leaves it by itself. If the
     * leader itself is among those who go, it hands over first, and PD orders the rest again from whoever leads then.
     */
    private static void changePeers(RegionPeer peer, List<ChangePeer> orders) {
        Region region = peer.region();
        List<PeerChange> changes = orders.stream()
                .map(ScheduleCommands::change)
                .filter(change -> !change.isDone(region))
                .toList();
        if (changes.isEmpty()) {
            return;
        }
        boolean leaderItself = changes.stream()
                .anyMatch(change ->
                        change.kind() == PeerChange.Kind.REMOVE && change.peer().getId() == peer.peerId());
        if (leaderItself) {
            report("hand over before removal", peer, peer.handOver());
        } else {
            String what = changes.stream()
                    .map(change -> change.kind() + " " + change.peer().getId())
                    .collect(Collectors.joining(", "));
            report("change peers " + what, peer, peer.changePeers(changes));
        }
    }

    private static PeerChange change(ChangePeer order) {
        PeerChange.Kind kind = switch (order.getChangeType()) {
            case AddNode -> PeerChange.Kind.ADD_VOTER;
            case AddLearnerNode -> PeerChange.Kind.ADD_LEARNER;
            case RemoveNode -> PeerChange.Kind.REMOVE;
            case UNRECOGNIZED ->
                throw new IllegalArgumentException("unknown kind of peer change " + order.getChangeTypeValue());
        };
        return new PeerChange(kind, order.getPeer());
    }

    private static void report(String what, RegionPeer peer, CompletableFuture<?> result) {
        long regionId = peer.regionId();
        result.whenComplete((done, failure) -> {
            if (failure == null) {
                log.info("order carried out region={} order=\"{}\"", regionId, what);
            } else {
                Throwable cause = failure instanceof CompletionException && failure.getCause() != null
                        ? failure.getCause()
                        : failure;
                log.info("order not carried out region={} order=\"{}\" reason={}", regionId, what, cause.getMessage());
            }
        });
    }
}
