package io.rutile.pd.schedule;

import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.pd.cluster.ClusterState;
import io.rutile.pd.cluster.IdAllocator;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.cluster.StoreInfo;
import io.rutile.pd.schedule.checker.Finding;
import io.rutile.pd.schedule.checker.LearnerChecker;
import io.rutile.pd.schedule.checker.MergeChecker;
import io.rutile.pd.schedule.checker.RuleChecker;
import io.rutile.pd.schedule.checker.SplitChecker;
import io.rutile.pd.schedule.operator.Operator;
import io.rutile.pd.schedule.operator.OperatorBuilder;
import io.rutile.pd.schedule.operator.OperatorStep;
import io.rutile.pd.schedule.operator.StoreInfluence;
import io.rutile.pd.schedule.operator.StoreLimits;
import io.rutile.pd.schedule.placement.StoreChoice;
import io.rutile.pd.schedule.placement.StoreFilter;
import io.rutile.pd.schedule.placement.StoreFilters;
import io.rutile.pd.schedule.scheduler.BalanceLeaderScheduler;
import io.rutile.pd.schedule.scheduler.BalanceRegionScheduler;
import io.rutile.pd.schedule.scheduler.EvictLeaderScheduler;
import io.rutile.pd.schedule.scheduler.EvictSlowStoreScheduler;
import io.rutile.pd.schedule.scheduler.HotRegionScheduler;
import io.rutile.pd.schedule.scheduler.LeaderEvictions;
import io.rutile.pd.schedule.scheduler.SchedulerContext;
import io.rutile.pd.schedule.scheduler.SlowStoreMemory;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.pdpb.RegionHeartbeatResponse;
import io.rutile.protocol.pdpb.ResponseHeader;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Says in which order a Region is looked after: an operator under way first, then the checkers. Runs on heartbeats, and as a
 * patrol over all Regions so that a new store is noticed where heartbeats are rare. Beside that, schedulers look at the whole
 * cluster.
 *
 * <p>Heartbeats come on any thread; {@link #tick} belongs to the schedule thread.
 */
public final class Coordinator {

    private static final int EXPLAINED_AT_ONCE = 1_024;

    private final ClusterState cluster;
    private final OperatorController operators;
    private final HeartbeatStreams streams;
    private final IdAllocator ids;
    private final ResponseHeader header;
    private final LongSupplier nanoClock;
    private final Supplier<ScheduleOptions> options;
    private final LeaderEvictions evictions;
    private final StoreChoice stores;
    private final SplitChecker splitChecker;
    private final LearnerChecker learnerChecker;
    private final RuleChecker ruleChecker;
    private final MergeChecker mergeChecker;
    private final SchedulerContext context;
    private final RegionScatterer scatterer;
    private final Schedulers schedulers;
    private final RegionSplits splits;
    /** Where the next round goes on; null for the beginning. Only the patrol touches it. */
    private @Nullable ByteKey patrolled;

    /**
     * Where the time comes from, and chance.
     *
     * @param nano monotonic nanoseconds
     * @param random draws Regions for schedulers
     */
    public record Sources(LongSupplier nano, InstantSource wall, RandomGenerator random) {}

    /**
     * @param header what every command carries: the cluster id
     * @param options asked anew in every round
     * @param slowStore what outlives this term
     */
    public Coordinator(
            ClusterState cluster,
            OperatorController operators,
            HeartbeatStreams streams,
            IdAllocator ids,
            ResponseHeader header,
            Sources sources,
            Supplier<ScheduleOptions> options,
            SlowStoreMemory slowStore,
            MeterRegistry metrics) {
        this.cluster = cluster;
        this.operators = operators;
        this.streams = streams;
        this.ids = ids;
        this.header = header;
        this.nanoClock = sources.nano();
        this.options = options;
        this.evictions = new LeaderEvictions(nanoClock, () -> options.get().evicted());
        StoreFilters filters = new StoreFilters(() -> options.get().placement(), operators, evictions);
        this.stores = new StoreChoice(cluster, () -> options.get().placement(), operators, filters);
        this.splitChecker = new SplitChecker(() -> options.get().placement());
        this.learnerChecker = new LearnerChecker(stores);
        this.ruleChecker = new RuleChecker(cluster, stores);
        this.mergeChecker = new MergeChecker(
                cluster,
                stores,
                operators,
                () -> options.get().merge(),
                () -> options.get().placement(),
                nanoClock);
        this.scatterer = new RegionScatterer(cluster, stores);
        this.context = new SchedulerContext(
                cluster,
                operators,
                stores,
                () -> options.get().placement(),
                () -> options.get().balance(),
                nanoClock,
                sources.random());
        this.schedulers = new Schedulers(
                List.of(
                        new EvictSlowStoreScheduler(context, evictions, slowStore),
                        new EvictLeaderScheduler(context, evictions),
                        new HotRegionScheduler(context),
                        new BalanceLeaderScheduler(context),
                        new BalanceRegionScheduler(context)),
                () -> options.get().schedulersOff(),
                () -> options.get().schedulersPaused(),
                this::submit,
                nanoClock,
                sources.wall(),
                metrics);
        this.splits = new RegionSplits(cluster, operators, this::submit, nanoClock, metrics);
    }

    /** A Region was heard of and taken over: goes on with its operator, or sees whether it needs one. */
    public void onHeartbeat(RegionInfo region) {
        operators.dispatch(region).ifPresent(step -> command(region, step));
        if (!operators.isBusy(region.id())) {
            repair(region);
        }
    }

    /** One bounded round of the patrol and of each scheduler whose time has come; called by one timer. */
    public void tick() {
        cluster.tick();
        patrol();
        splits.tick();
        schedulers.tick();
    }

    /** One bounded round over the Regions. */
    void patrol() {
        operators.expire();
        int regions = options.get().patrolRegions();
        List<RegionInfo> round = cluster.regionsAfter(patrolled, regions);
        for (RegionInfo region : round) {
            if (!operators.isBusy(region.id())) {
                repair(region);
            }
        }
        patrolled = round.size() < regions ? null : round.get(round.size() - 1).startKey();
    }

    /** Leases by which stores are kept from leading. */
    public LeaderEvictions evictions() {
        return evictions;
    }

    /** Who looks at the whole cluster, and what each said last. */
    public Schedulers schedulers() {
        return schedulers;
    }

    /** Splits that clients ask for. */
    public RegionSplits splits() {
        return splits;
    }

    /**
     * Spreads a Region as one of a group.
     *
     * @param skipStoreLimits goes on where a store has received as many replicas as its limit allows for now
     * @return why it can't be for now; empty if it is under way, or the Region is well placed already
     */
    public Optional<String> scatter(RegionInfo region, String group, boolean skipStoreLimits) {
        String unsettled = context.unsettled(region);
        if (unsettled != null) {
            return Optional.of(unsettled);
        }
        RegionScatterer.Placement placement = scatterer.plan(region, group, skipStoreLimits);
        Admission admission = placement.plan() == null ? Admission.ADDED : submit(placement.plan());
        if (admission != Admission.ADDED) {
            return Optional.of(admission.words());
        }
        scatterer.remember(group, placement);
        return Optional.empty();
    }

    /**
     * Spreads Regions as a group.
     *
     * @return the ids of those that are not on their way, unknown ones among them
     */
    public List<Long> scatter(Collection<Long> regionIds, String group, boolean skipStoreLimits) {
        return regionIds.stream()
                .filter(id -> cluster.region(id)
                        .filter(region ->
                                scatter(region, group, skipStoreLimits).isEmpty())
                        .isEmpty())
                .toList();
    }

    /** Takes a plan on if nothing speaks against it; its first command goes out at once. */
    public Admission submit(OperatorBuilder plan) {
        CompletableFuture<Admission> admission =
                plan.build(ids, nanoClock.getAsLong()).thenApply(this::begin);
        // Only the first of a thousand ids has to wait for the log; then it is under way a moment later.
        return admission.isDone() && !admission.isCompletedExceptionally() ? admission.join() : Admission.ADDED;
    }

    /** All of them or none; the first plan's command goes out only once the others are under way. */
    public Admission submit(List<OperatorBuilder> plans) {
        for (int i = plans.size() - 1; i >= 0; i--) {
            Admission admission = submit(plans.get(i));
            if (admission != Admission.ADDED) {
                plans.subList(i + 1, plans.size())
                        .forEach(plan -> operators.cancel(plan.region().id()));
                return admission;
            }
        }
        return Admission.ADDED;
    }

    private Admission begin(Operator operator) {
        Admission admission = operators.add(operator);
        if (admission == Admission.ADDED) {
            // Looks once more: the Region may have moved on while its new peer's id was fetched.
            cluster.region(operator.regionId())
                    .ifPresent(now -> operators.dispatch(now).ifPresent(step -> command(now, step)));
        }
        return admission;
    }

    /** Why something is done for a Region, or why nothing is. */
    public Explanation explain(RegionInfo region) {
        Operator operator = operators.operatorOf(region.id());
        if (operator != null) {
            long ageMs = operator.age(nanoClock.getAsLong()).toMillis();
            return new Explanation(region.id(), false, operator.steps() + ", for " + ageMs + " ms", operator.why());
        }
        Finding finding = check(region);
        if (finding instanceof Finding.Nothing nothing) {
            return new Explanation(region.id(), nothing.healthy(), "nothing", nothing.reason());
        }
        String reason = operators.isFull() ? Admission.FULL.words() : "found just now";
        return new Explanation(region.id(), false, "about to be repaired", reason);
    }

    /**
     * Regions for which something is under way or should be done, in key order; walks over all of them until there are enough.
     *
     * @param max so many at most
     */
    public List<Explanation> unhealthy(int max) {
        List<Explanation> found = new ArrayList<>();
        List<RegionInfo> batch = cluster.regionsAfter(null, EXPLAINED_AT_ONCE);
        while (!batch.isEmpty() && found.size() < max) {
            batch.stream()
                    .map(this::explain)
                    .filter(explanation -> !explanation.healthy())
                    .limit(max - found.size())
                    .forEach(found::add);
            batch = cluster.regionsAfter(batch.get(batch.size() - 1).startKey(), EXPLAINED_AT_ONCE);
        }
        return found;
    }

    /**
     * How one Region stands.
     *
     * @param healthy nothing needs to be done
     * @param action what is under way
     * @param reason why this, and not something else
     */
    public record Explanation(long region, boolean healthy, String action, String reason) {}

    /** What a store gets and does not get, and why. */
    public StoreExplanation explain(StoreInfo store) {
        String replica = StoreFilter.refusal(stores.filters().newReplica(), store);
        String leader = StoreFilter.refusal(stores.filters().newLeader(), store);
        Map<String, String> said = new TreeMap<>();
        schedulers.verdicts().forEach((name, verdict) -> {
            String words = verdict.stores().get(store.id());
            if (words != null) {
                said.put(name, words);
            }
        });
        return new StoreExplanation(
                replica == null ? "welcome" : replica,
                leader == null ? "welcome" : leader,
                operators.influenceOn(store.id()),
                operators.tokens(store.id(), StoreLimits.Kind.ADD),
                operators.tokens(store.id(), StoreLimits.Kind.REMOVE),
                said);
    }

    /**
     * How scheduling sees one store.
     *
     * @param newReplicas why it gets none, or "welcome"
     * @param newLeaders why it gets none, or "welcome"
     * @param underWay what operators will change
     * @param addTokens replicas that may come at once
     * @param removeTokens replicas that may go at once
     * @param schedulers by name, what kept it from doing something for this store
     */
    public record StoreExplanation(
            String newReplicas,
            String newLeaders,
            StoreInfluence underWay,
            double addTokens,
            double removeTokens,
            Map<String, String> schedulers) {}

    /** The checkers by priority; the first one that finds something decides. */
    private Finding check(RegionInfo region) {
        Finding split = splitChecker.check(region);
        if (split instanceof Finding.Repair) {
            return split;
        }
        Finding learner = learnerChecker.check(region);
        if (learner instanceof Finding.Repair) {
            return learner;
        }
        Finding rule = ruleChecker.check(region);
        if (!isHealthy(rule)) {
            return rule;
        }
        if (!isHealthy(split)) {
            return split;
        }
        Finding merge = mergeChecker.check(region);
        return isHealthy(merge) ? both(rule, merge) : merge;
    }

    private static boolean isHealthy(Finding finding) {
        return finding instanceof Finding.Nothing nothing && nothing.healthy();
    }

    private static Finding both(Finding first, Finding second) {
        String more = ((Finding.Nothing) second).reason();
        return more.isEmpty() ? first : Finding.healthy(((Finding.Nothing) first).reason() + "; " + more);
    }

    private void repair(RegionInfo region) {
        if (!operators.isFull() && check(region) instanceof Finding.Repair repair) {
            submit(repair.plans());
        }
    }

    private void command(RegionInfo region, OperatorStep step) {
        Peer leader = region.leader();
        if (leader == null) {
            return;
        }
        RegionHeartbeatResponse.Builder response = RegionHeartbeatResponse.newBuilder()
                .setHeader(header)
                .setRegionId(region.id())
                .setRegionEpoch(region.epoch())
                .setTargetPeer(leader);
        step.command(response);
        streams.send(leader.getStoreId(), response.build());
    }
}
