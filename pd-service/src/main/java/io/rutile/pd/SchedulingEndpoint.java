package io.rutile.pd;

import io.rutile.pd.cluster.StoreInfo;
import io.rutile.pd.cluster.StoreLoad;
import io.rutile.pd.leader.LeaderTerm;
import io.rutile.pd.schedule.Coordinator.Explanation;
import io.rutile.pd.schedule.Coordinator.StoreExplanation;
import io.rutile.pd.schedule.scheduler.LeaderEvictions.Eviction;
import io.rutile.pd.schedule.scheduler.Verdict;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.actuate.endpoint.annotation.ReadOperation;
import org.springframework.boot.actuate.endpoint.annotation.Selector;

/**
 * {@code /actuator/scheduling}: what PD does for each Region and why, or why it does nothing; {@code
 * /actuator/scheduling/{region}} for one. Only the leader knows.
 */
@Endpoint(id = "scheduling")
final class SchedulingEndpoint {

    /** Regions that are not as they should be, listed at most. */
    private static final int LISTED_MAX = 1_000;

    private final PdServer server;

    SchedulingEndpoint(PdServer server) {
        this.server = server;
    }

    /**
     * @param leading false on a follower, where everything else is empty
     * @param regions Regions known
     * @param schedulers what each said last, by name
     * @param evictions stores that must not lead, and until when
     * @param unhealthy those of them with something to be done, the first thousand
     */
    record Report(
            boolean leading,
            int regions,
            int maxReplicas,
            List<StoreLine> stores,
            Map<String, Verdict> schedulers,
            List<Eviction> evictions,
            List<Explanation> unhealthy) {}

    /** One store as scheduling sees it. */
    record StoreLine(
            long id,
            String address,
            String state,
            String liveness,
            int peers,
            StoreLoad load,
            StoreExplanation scheduling) {}

    @ReadOperation
    Report report() {
        return server.leaderTerm()
                .map(SchedulingEndpoint::report)
                .orElseGet(() -> new Report(false, 0, 0, List.of(), Map.of(), List.of(), List.of()));
    }

    /** Null, which is answered with 404, if nobody has reported such a Region or this member does not lead. */
    @ReadOperation
    @Nullable Explanation region(@Selector long regionId) {
        return server.leaderTerm()
                .flatMap(term -> term.cluster()
                        .region(regionId)
                        .map(region -> term.coordinator().explain(region)))
                .orElse(null);
    }

    private static Report report(LeaderTerm term) {
        return new Report(
                true,
                term.cluster().regionCount(),
                term.cluster().maxReplicas(),
                term.cluster().stores().stream().map(store -> line(term, store)).toList(),
                term.coordinator().schedulers().verdicts(),
                term.coordinator().evictions().inForce(),
                term.coordinator().unhealthy(LISTED_MAX));
    }

    private static StoreLine line(LeaderTerm term, StoreInfo store) {
        return new StoreLine(
                store.id(),
                store.store().getAddress(),
                store.store().getState().name(),
                store.liveness().name(),
                store.peers(),
                store.load(),
                term.coordinator().explain(store));
    }
}
