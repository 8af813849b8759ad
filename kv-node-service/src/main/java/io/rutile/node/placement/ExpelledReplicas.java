package io.rutile.node.placement;

import io.rutile.client.pd.PdClient;
import io.rutile.node.raftstore.RaftStore;
import io.rutile.node.raftstore.RegionPeer;
import java.time.Duration;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds replicas that were removed from their Region while they weren't told: nobody leads them any more, and PD, asked, knows the
 * Region without them. Without this they would stay for ever, for no leader talks to a stranger. Used by the link's thread.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a failed question is asked again
final class ExpelledReplicas {

    private static final Logger log = LoggerFactory.getLogger(ExpelledReplicas.class);

    /** A replica that has itself applied its removal needs no long proof. */
    private static final Duration KNOWN_AFTER = Duration.ofSeconds(2);

    /** Questions to PD in one pass; the others wait for the next. */
    private static final int QUESTIONS_MAX = 16;

    private final PdClient pd;
    private final RaftStore store;
    private final Duration silentAfter;

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
        lost.forEach(this::ask);
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
                found.ifPresent(location -> store.retireIfExpelled(peer, location.region()));
            }
        });
    }
}
