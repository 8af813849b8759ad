package io.rutile.pd.schedule.scheduler;

import io.rutile.pd.cluster.HotPeerCache.HotRegion;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.schedule.operator.Operator.Purpose;
import io.rutile.pd.schedule.operator.OperatorBuilder;
import io.rutile.pd.schedule.operator.OperatorKind;
import io.rutile.protocol.metapb.Peer;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Moves leaders of hot Regions from stores through whose leaders much goes to those of their replicas through which less does.
 * A Region that was moved is left alone until its new leader has reported often enough to be judged.
 */
public final class HotRegionScheduler implements Scheduler {

    public static final String NAME = "hot-region";

    private static final double GAP_BY_FLOW_MIN = 1.5;

    /** Traffic is never even; stores within this part of the mean count as so. */
    private static final double TOLERANCE = 0.2;

    private static final int REGIONS_MAX = 256;
    private static final int BATCH = 2;
    private static final Duration REST = Duration.ofMinutes(5);

    private final SchedulerContext context;
    /** By Region, when it was moved. */
    private final Map<Long, Long> movedNanos = new HashMap<>();

    public HotRegionScheduler(SchedulerContext context) {
        this.context = context;
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public void look(Round round) {
        long now = context.nanoClock().getAsLong();
        movedNanos.values().removeIf(at -> now - at > REST.toNanos());
        List<HotRegion> hot = context.cluster().hot().hottest(REGIONS_MAX);
        if (hot.isEmpty()) {
            round.nothing("no region is hot");
            return;
        }
        Standings standings = context.standings();
        Set<Long> open = new HashSet<>();
        standings.passing(context.filters().newLeader(), round).forEach(target -> open.add(target.id()));
        double slack = TOLERANCE * standings.meanLeadersFlow();
        int planned = 0;
        int tooSmallAGap = 0;
        for (HotRegion region : hot) {
            RegionInfo info = context.cluster().region(region.regionId()).orElse(null);
            if (info == null || movedNanos.containsKey(region.regionId()) || context.unsettled(info) != null) {
                continue;
            }
            OperatorBuilder plan = planFor(info, region, standings, open, slack);
            if (plan == null) {
                tooSmallAGap++;
                continue;
            }
            round.plan(plan);
            movedNanos.put(region.regionId(), now);
            if (++planned == BATCH) {
                return;
            }
        }
        round.nothing(
                hot.size() + " regions are hot; " + tooSmallAGap
                        + " of them have no replica on a store through which so much less goes, the others are busy or were moved just now");
    }

    private @Nullable OperatorBuilder planFor(
            RegionInfo region, HotRegion hot, Standings standings, Set<Long> open, double slack) {
        Peer leader = region.leader();
        Standing source = leader == null ? null : standings.of(leader.getStoreId());
        Standing best = null;
        for (Peer peer : region.peers()) {
            Standing target = standings.of(peer.getStoreId());
            if (target != null
                    && open.contains(target.id())
                    && !region.isLeader(peer)
                    && (best == null || target.leadersFlow() < best.leadersFlow())
                    && context.stores().mayLead(region, peer)) {
                best = target;
            }
        }
        long flow = hot.bytesPerSecond();
        if (source == null
                || best == null
                || source.leadersFlow() - best.leadersFlow() <= GAP_BY_FLOW_MIN * flow + slack) {
            return null;
        }
        String why = "it is hot with " + (flow >> 10) + " KiB/s; through the leaders of store " + source.id() + " go "
                + (source.leadersFlow() >> 10) + " KiB/s, of store " + best.id() + " " + (best.leadersFlow() >> 10);
        source.addLeaderFlow(-flow);
        best.addLeaderFlow(flow);
        return new OperatorBuilder(region, new Purpose(NAME, OperatorKind.HOT, why)).leaderOn(best.id());
    }
}
