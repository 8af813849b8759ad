package io.rutile.node.placement;

import com.google.protobuf.ByteString;
import io.rutile.client.pd.PdClient;
import io.rutile.client.pd.RegionLocation;
import io.rutile.node.raftstore.RaftStore;
import io.rutile.node.raftstore.RegionPeer;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.metapb.Region;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds replicas that were removed from their Region while they weren't told: nobody leads them any more, and PD, asked, knows the
 * Region without them. Without this they would stay for ever, for no leader talks to a stranger.
 *
 * <p>A Region that was merged meanwhile is not known to PD any more. That alone proves nothing: a PD that has just begun to lead knows
 * little. But if PD knows a Region for every key, each reported to it by a leader, and all that lie in the replica's range are newer
 * than it is, and that is so twice with a pause in between, then the Region has ended.
 *
 * <p>Used by the link's thread; answers come on others.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a failed question is asked again
final class ExpelledReplicas {

    private static final Logger log = LoggerFactory.getLogger(ExpelledReplicas.class);

    /** A replica that has itself applied its removal needs no long proof. */
    private static final Duration KNOWN_AFTER = Duration.ofSeconds(2);

    /** Questions to PD in one pass; the others wait for the next. */
    private static final int QUESTIONS_MAX = 16;

    /** Between two looks that say the same of a Region that PD doesn't know. */
    private static final Duration ENDED_PAUSE = Duration.ofSeconds(5);

    private final PdClient pd;
    private final RaftStore store;
    private final Duration silentAfter;

    /** Replicas whose Region has ended as far as the last look at all Regions says, and when the first said so. */
    private final Map<RegionPeer, Long> endedSinceNanos = new ConcurrentHashMap<>();

    /** Replicas of Regions that PD doesn't know. */
    private final Set<RegionPeer> unknown = ConcurrentHashMap.newKeySet();

    private final AtomicBoolean looking = new AtomicBoolean();

    ExpelledReplicas(PdClient pd, RaftStore store, Duration silentAfter) {
        this.pd = pd;
        this.store = store;
        this.silentAfter = silentAfter;
    }

    void look() {
        List<RegionPeer> lost = store.replicas().stream()
                .filter(this::isSuspect)
                .limit(QUESTIONS_MAX)
                .toList();
        endedSinceNanos.keySet().retainAll(lost);
        unknown.retainAll(lost);
        lost.forEach(this::ask);
        if (!unknown.isEmpty() && looking.compareAndSet(false, true)) {
            pd.scanRegions(KeyRange.ALL, 0).whenComplete((regions, failure) -> {
                looking.set(false);
                if (failure == null) {
                    judge(regions);
                }
            });
        }
    }

    private void judge(List<RegionLocation> regions) {
        boolean whole = isWhole(regions);
        long now = System.nanoTime();
        for (RegionPeer peer : List.copyOf(unknown)) {
            // A leader may have been heard of since PD was asked: then the Region lives.
            if (!whole || !isSuspect(peer) || !hasEnded(peer, regions)) {
                endedSinceNanos.remove(peer);
                continue;
            }
            Long since = endedSinceNanos.putIfAbsent(peer, now);
            if (since != null && now - since >= ENDED_PAUSE.toNanos()) {
                log.info(
                        "every key has a newer region, this one has ended region={} peer={}",
                        peer.regionId(),
                        peer.peerId());
                store.retire(peer);
            }
        }
    }

    /** A Region for every key, each reported by its leader. */
    static boolean isWhole(List<RegionLocation> regions) {
        ByteString border = ByteString.EMPTY;
        for (int i = 0; i < regions.size(); i++) {
            RegionLocation location = regions.get(i);
            boolean last = i == regions.size() - 1;
            if (location.leader() == null
                    || !location.region().getStartKey().equals(border)
                    || location.region().getEndKey().isEmpty() != last) {
                return false;
            }
            border = location.region().getEndKey();
        }
        return !regions.isEmpty();
    }

    private static boolean hasEnded(RegionPeer peer, List<RegionLocation> regions) {
        Optional<Region> known = peer.lastKnown();
        return hasEnded(peer.regionId(), known.orElse(null), regions);
    }

    /**
     * @param known the Region as the replica has it, null if it never had an image
     * @param regions whole
     */
    static boolean hasEnded(long regionId, @Nullable Region known, List<RegionLocation> regions) {
        for (RegionLocation location : regions) {
            Region other = location.region();
            if (other.getId() == regionId) {
                return false;
            }
            if (known != null
                    && RaftStore.rangeOf(other).overlaps(RaftStore.rangeOf(known))
                    && Long.compareUnsigned(
                                    other.getRegionEpoch().getVersion(),
                                    known.getRegionEpoch().getVersion())
                            <= 0) {
                return false;
            }
        }
        return true;
    }

    private boolean isSuspect(RegionPeer peer) {
        Duration leaderless = peer.leaderless();
        if (!peer.isInitialized()) {
            // Its Region may not have been reported with it in it yet.
            return leaderless.compareTo(silentAfter.multipliedBy(2)) > 0;
        }
        return leaderless.compareTo(peer.isMember() ? silentAfter : KNOWN_AFTER) > 0;
    }

    private void ask(RegionPeer peer) {
        pd.regionById(peer.regionId()).whenComplete((found, failure) -> {
            if (failure != null) {
                log.debug("PD can't say who is in region={} reason={}", peer.regionId(), failure.getMessage());
            } else {
                found.ifPresentOrElse(
                        location -> {
                            unknown.remove(peer);
                            store.retireIfExpelled(peer, location.region());
                        },
                        () -> unknown.add(peer));
            }
        });
    }
}
