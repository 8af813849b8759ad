package io.rutile.pd.schedule.scheduler;

import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.schedule.operator.Operator.Purpose;
import io.rutile.pd.schedule.operator.OperatorBuilder;
import io.rutile.pd.schedule.operator.OperatorKind;
import io.rutile.protocol.metapb.Peer;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Hands leadership from stores that lead much to replicas on stores that lead little, until they are even by size. Looks from
 * both ends: what the store that leads most could hand over, and what the one that leads least could take over; {@link Evening} says
 * which Regions. Hot ones are left where {@link HotRegionScheduler} put them.
 */
public final class BalanceLeaderScheduler implements Scheduler {

    public static final String NAME = "balance-leader";

    /** Stores that one search tries; those that could not be helped rest, so that others have their turn. */
    private static final int STORES_MAX = 64;

    private final SchedulerContext context;
    private final Rests givers = new Rests();
    private final Rests takers = new Rests();
    /** Stores that may lead more, in this round. */
    private final Set<Long> open = new HashSet<>();

    public BalanceLeaderScheduler(SchedulerContext context) {
        this.context = context;
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public void look(Round round) {
        if (!context.underWay().allows(OperatorKind.BALANCE_LEADER)) {
            round.blocked("as many leaders are moving as may");
            return;
        }
        Standings standings = context.standings();
        givers.nextRound(standings.size(), STORES_MAX / 2);
        takers.nextRound(standings.size(), STORES_MAX / 2);
        List<Standing> targets = standings.passing(context.filters().newLeader(), round);
        if (standings.size() < 2 || targets.isEmpty()) {
            round.nothing("no store could take a leader over from another");
            return;
        }
        open.clear();
        targets.forEach(target -> open.add(target.id()));
        double slack = context.balance().get().tolerance() * standings.meanLeadersBytes();
        for (int i = 0; i < context.balance().get().leaderBatch(); i++) {
            OperatorBuilder plan = next(standings, targets, slack, round);
            if (plan == null) {
                return;
            }
            round.plan(plan);
        }
    }

    private @Nullable OperatorBuilder next(Standings standings, List<Standing> targets, double slack, Round round) {
        targets.sort(Comparator.comparingLong(Standing::leadersBytes).thenComparingLong(Standing::id));
        List<Standing> sources = standings.sorted(
                Comparator.comparingLong(Standing::leadersBytes).reversed());
        long lowest = targets.get(0).leadersBytes();
        long highest = sources.get(0).leadersBytes();
        if (highest - lowest <= slack) {
            round.nothing("the stores are even: leaders of " + Standing.mib(lowest) + " to " + Standing.mib(highest)
                    + " MiB");
            return null;
        }
        boolean hindered = false;
        for (int i = 0, tried = 0; i < Math.max(sources.size(), targets.size()) && tried < STORES_MAX; i++) {
            if (i < sources.size() && sources.get(i).leadersBytes() - lowest > slack) {
                Standing source = sources.get(i);
                OperatorBuilder plan = null;
                if (!givers.isResting(source.id(), round)) {
                    tried++;
                    plan = handOver(source, standings, lowest, slack, round);
                }
                if (plan != null) {
                    return plan;
                }
                hindered |= givers.isHindered(source.id());
            }
            if (i < targets.size() && highest - targets.get(i).leadersBytes() > slack) {
                Standing target = targets.get(i);
                OperatorBuilder plan = null;
                if (!takers.isResting(target.id(), round)) {
                    tried++;
                    plan = takeOver(target, standings, highest, slack, round);
                }
                if (plan != null) {
                    return plan;
                }
                hindered |= takers.isHindered(target.id());
            }
        }
        if (hindered) {
            round.blocked("stores are uneven, but no leader could move");
        } else {
            round.nothing("the stores are even to a region: leaders of " + Standing.mib(lowest) + " to "
                    + Standing.mib(highest) + " MiB");
        }
        return null;
    }

    private @Nullable OperatorBuilder handOver(
            Standing source, Standings standings, long lowest, double slack, Round round) {
        List<RegionInfo> led = Evening.bestFirst(
                context.cluster().leadersOn(source.id(), samples(), context.random()), source.leadersBytes() - lowest);
        for (RegionInfo region : led) {
            Standing best = null;
            for (Peer peer : region.peers()) {
                Standing target = standings.of(peer.getStoreId());
                boolean better = target != null
                        && (best == null || target.leadersBytes() < best.leadersBytes())
                        && open.contains(target.id())
                        && context.stores().mayLead(region, peer);
                best = better ? target : best;
            }
            if (best != null && isWorth(region, source, best, slack, round)) {
                givers.wake(source.id());
                return transfer(region, source, best);
            }
        }
        boolean hindered = wouldBeWorth(led, source.leadersBytes() - lowest, slack);
        givers.rest(
                source.id(),
                hindered,
                hindered
                        ? "leads much, but none of its regions that were looked at has a replica on a store that leads less"
                        : "does not lead more than others by as much as a region",
                round);
        return null;
    }

    private @Nullable OperatorBuilder takeOver(
            Standing target, Standings standings, long highest, double slack, Round round) {
        List<RegionInfo> followed = Evening.bestFirst(
                context.cluster().followersOn(target.id(), samples(), context.random()),
                highest - target.leadersBytes());
        for (RegionInfo region : followed) {
            Peer leader = region.leader();
            Peer mine = region.peerOn(target.id());
            Standing source = leader == null ? null : standings.of(leader.getStoreId());
            if (source != null
                    && mine != null
                    && context.stores().mayLead(region, mine)
                    && isWorth(region, source, target, slack, round)) {
                takers.wake(target.id());
                return transfer(region, source, target);
            }
        }
        boolean hindered = wouldBeWorth(followed, highest - target.leadersBytes(), slack);
        takers.rest(
                target.id(),
                hindered,
                hindered
                        ? "leads little, but none of its regions that were looked at is led by a store that leads more"
                        : "does not lead less than others by as much as a region",
                round);
        return null;
    }

    /** True if one of these would move between two stores that differ by so much, were nothing else in the way. */
    private static boolean wouldBeWorth(List<RegionInfo> regions, long gapBytes, double slack) {
        return regions.stream().anyMatch(region -> Evening.isWorth(gapBytes, region.sizeBytes(), slack));
    }

    private boolean isWorth(RegionInfo region, Standing source, Standing target, double slack, Round round) {
        return Evening.isWorth(source.leadersBytes() - target.leadersBytes(), region.sizeBytes(), slack)
                && !round.isPlanned(region.id())
                && !context.cluster().hot().isHot(region.id())
                && context.unsettled(region) == null;
    }

    private OperatorBuilder transfer(RegionInfo region, Standing source, Standing target) {
        String why = "store " + source.id() + " leads " + Standing.mib(source.leadersBytes()) + " MiB, store "
                + target.id() + " " + Standing.mib(target.leadersBytes());
        source.addLeader(-region.sizeBytes());
        target.addLeader(region.sizeBytes());
        return new OperatorBuilder(region, new Purpose(NAME, OperatorKind.BALANCE_LEADER, why)).leaderOn(target.id());
    }

    private int samples() {
        return context.balance().get().samples();
    }
}
