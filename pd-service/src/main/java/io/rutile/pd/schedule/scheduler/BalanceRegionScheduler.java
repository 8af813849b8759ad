package io.rutile.pd.schedule.scheduler;

import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.schedule.operator.Operator.Purpose;
import io.rutile.pd.schedule.operator.OperatorBuilder;
import io.rutile.pd.schedule.operator.OperatorKind;
import io.rutile.pd.schedule.placement.StoreFilter;
import io.rutile.protocol.metapb.Peer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Moves replicas from full stores to emptier ones until they are even by size; {@link Evening} says which. */
public final class BalanceRegionScheduler implements Scheduler {

    public static final String NAME = "balance-region";

    /** Stores that one search tries; those that could not be helped rest, so that others have their turn. */
    private static final int STORES_MAX = 32;

    private final SchedulerContext context;
    private final Rests rests = new Rests();

    public BalanceRegionScheduler(SchedulerContext context) {
        this.context = context;
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public void look(Round round) {
        if (!context.underWay().allows(OperatorKind.BALANCE_REGION)) {
            round.blocked("as many replicas are moving as may");
            return;
        }
        Standings standings = context.standings();
        rests.nextRound(standings.size(), STORES_MAX);
        if (standings.size() < 2) {
            round.nothing("fewer than two stores are up");
            return;
        }
        List<Standing> targets = standings.passing(context.filters().newReplica(), round);
        if (targets.isEmpty()) {
            round.blocked("no store can take a replica");
            return;
        }
        double slack = context.balance().get().tolerance() * standings.meanRegionScore();
        for (int i = 0; i < context.balance().get().regionBatch(); i++) {
            OperatorBuilder plan = next(standings, targets, slack, round);
            if (plan == null) {
                return;
            }
            round.plan(plan);
            // One a round: what was planned counts towards the store's limits only once it is under way.
            targets.removeIf(target -> plan.receivingStores().contains(target.id()));
            if (targets.isEmpty()) {
                return;
            }
        }
    }

    private @Nullable OperatorBuilder next(Standings standings, List<Standing> targets, double slack, Round round) {
        targets.sort(Comparator.comparingDouble(Standing::regionScore).thenComparingLong(Standing::id));
        double lowest = targets.get(0).regionScore();
        int tried = 0;
        boolean hindered = false;
        for (Standing source : standings.sorted(
                Comparator.comparingDouble(Standing::regionScore).reversed())) {
            if (source.regionScore() - lowest <= slack || tried == STORES_MAX) {
                break;
            }
            if (!rests.isResting(source.id(), round)) {
                tried++;
                OperatorBuilder plan = from(source, targets, slack, round);
                if (plan != null) {
                    rests.wake(source.id());
                    return plan;
                }
            }
            hindered |= rests.isHindered(source.id());
        }
        if (hindered) {
            round.blocked("stores are uneven, but no replica could move");
        } else {
            round.nothing("the stores are even, to a region or to "
                    + Math.round(100 * context.balance().get().tolerance()) + " %");
        }
        return null;
    }

    /** Null if the source has none to give; then it rests. */
    private @Nullable OperatorBuilder from(Standing source, List<Standing> targets, double slack, Round round) {
        String refusal = StoreFilter.refusal(context.filters().givenAway(), source.store());
        if (refusal != null) {
            rests.rest(source.id(), true, refusal, round);
            return null;
        }
        String hindrance = null;
        for (RegionInfo region : drawn(source, targets.get(0))) {
            String unsettled = round.isPlanned(region.id()) ? "it moves already" : context.unsettled(region);
            if (unsettled != null) {
                hindrance = "has none to give: region " + region.id() + ": " + unsettled;
                continue;
            }
            Peer leaving = Objects.requireNonNull(region.peerOn(source.id()));
            for (Standing target : targets) {
                double size = region.sizeBytes() * Math.max(source.factor(), target.factor());
                if (!Evening.isWorth(source.regionScore() - target.regionScore(), size, slack)) {
                    break;
                }
                String objection = context.stores().objectionToReplace(region, leaving, target.store());
                if (objection == null) {
                    return move(region, leaving, source, target);
                }
                hindrance = "has none to give: region " + region.id() + ": store " + target.id() + " " + objection;
            }
        }
        rests.rest(
                source.id(),
                hindrance != null,
                hindrance == null ? "is not fuller than others by as much as a region" : hindrance,
                round);
        return null;
    }

    /** Followers before leaders, for moving them disturbs nobody. */
    private List<RegionInfo> drawn(Standing source, Standing emptiest) {
        int samples = context.balance().get().samples();
        // In bytes again, where bytes count for more because space runs out.
        double gap = 2 * (source.regionScore() - emptiest.regionScore()) / (source.factor() + emptiest.factor());
        List<RegionInfo> drawn = new ArrayList<>(
                Evening.bestFirst(context.cluster().followersOn(source.id(), samples, context.random()), gap));
        drawn.addAll(Evening.bestFirst(context.cluster().leadersOn(source.id(), samples, context.random()), gap));
        return drawn;
    }

    private OperatorBuilder move(RegionInfo region, Peer leaving, Standing source, Standing target) {
        String why = "store " + source.id() + " has " + Standing.mib(source.regionScore()) + " MiB, store "
                + target.id() + " " + Standing.mib(target.regionScore());
        OperatorBuilder plan = new OperatorBuilder(region, new Purpose(NAME, OperatorKind.BALANCE_REGION, why))
                .addOn(target.id())
                .remove(leaving);
        if (region.isLeader(leaving)) {
            context.stores().forLeader(region, List.of(leaving)).ifPresent(next -> plan.leaderOn(next.getStoreId()));
        }
        source.addPeer(-region.sizeBytes());
        target.addPeer(region.sizeBytes());
        return plan;
    }
}
