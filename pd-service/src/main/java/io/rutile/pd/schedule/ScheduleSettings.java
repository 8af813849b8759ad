package io.rutile.pd.schedule;

import io.rutile.pd.meta.MetaState;
import io.rutile.pd.meta.MetaStore;
import io.rutile.pd.meta.PlacementTexts;
import io.rutile.pd.meta.Setting;
import io.rutile.pd.meta.StoreRates;
import io.rutile.pd.schedule.checker.MergeOptions;
import io.rutile.pd.schedule.operator.OperatorKind;
import io.rutile.pd.schedule.operator.OperatorLimits;
import io.rutile.pd.schedule.operator.OperatorLimits.PerMinute;
import io.rutile.pd.schedule.placement.Locations;
import io.rutile.pd.schedule.placement.PlacementOptions;
import io.rutile.pd.schedule.placement.PlacementRule;
import io.rutile.pd.schedule.placement.PlacementRules;
import io.rutile.pd.schedule.placement.RuleBook;
import io.rutile.pd.schedule.scheduler.BalanceOptions;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What holds now: the properties of the service, and over them what was set while the cluster runs. Worked out anew only when the
 * hard state says something else, so asking costs a few comparisons. Safe from any thread.
 */
public final class ScheduleSettings {

    private static final Logger log = LoggerFactory.getLogger(ScheduleSettings.class);

    private static final Map<Setting, OperatorKind> KINDS = Map.of(
            Setting.LEADER_SCHEDULE_LIMIT, OperatorKind.BALANCE_LEADER,
            Setting.REGION_SCHEDULE_LIMIT, OperatorKind.BALANCE_REGION,
            Setting.REPLICA_SCHEDULE_LIMIT, OperatorKind.REPAIR,
            Setting.HOT_REGION_SCHEDULE_LIMIT, OperatorKind.HOT,
            Setting.MERGE_SCHEDULE_LIMIT, OperatorKind.MERGE);

    private final ScheduleOptions properties;
    private final MetaStore meta;
    private volatile @Nullable Known known;

    /** Options, and the parts of the hard state that they were made of. */
    private record Known(
            Map<String, String> settings,
            StoreRates rates,
            PlacementTexts placement,
            int maxReplicas,
            ScheduleOptions options) {

        /** By identity: the hard state hands out the very same objects until one of them changes. */
        @SuppressWarnings("ReferenceEquality")
        boolean isOf(MetaState state) {
            return settings == state.settings()
                    && rates == state.rates()
                    && placement == state.placement()
                    && maxReplicas == state.maxReplicas();
        }
    }

    public ScheduleSettings(ScheduleOptions properties, MetaStore meta) {
        this.properties = properties;
        this.meta = meta;
    }

    public ScheduleOptions now() {
        MetaState state = meta.state();
        Known last = known;
        if (last == null || !last.isOf(state)) {
            last = worked(state);
            known = last;
        }
        return last.options();
    }

    private Known worked(MetaState state) {
        ScheduleOptions options = properties
                .withLimits(limits(state))
                .withMerge(merge(state))
                .withBalance(balance(state))
                .withPlacement(placement(state))
                .withSchedulersOff(SchedulerSettings.off(state.settings(), properties.schedulersOff()))
                .withSchedulersPaused(SchedulerSettings.paused(state.settings()))
                .withEvicted(SchedulerSettings.evicted(state.settings()));
        return new Known(state.settings(), state.rates(), state.placement(), state.maxReplicas(), options);
    }

    private OperatorLimits limits(MetaState state) {
        OperatorLimits limits = properties.limits();
        for (Map.Entry<Setting, OperatorKind> entry : KINDS.entrySet()) {
            limits = limits.withKind(entry.getValue(), count(state, entry.getKey(), limits.of(entry.getValue())));
        }
        return limits.withStores(stores(limits.stores(), state.rates()));
    }

    private static OperatorLimits.Stores stores(OperatorLimits.Stores properties, StoreRates rates) {
        PerMinute each = new PerMinute(
                rates.added().getOrDefault(StoreRates.EVERY, properties.each().added()),
                rates.removed().getOrDefault(StoreRates.EVERY, properties.each().removed()));
        Map<Long, PerMinute> byStore = new HashMap<>(properties.byStore());
        TreeSet<Long> named = new TreeSet<>(rates.added().keySet());
        named.addAll(rates.removed().keySet());
        named.remove(StoreRates.EVERY);
        for (long store : named) {
            PerMinute before = byStore.getOrDefault(store, each);
            byStore.put(
                    store,
                    new PerMinute(
                            rates.added().getOrDefault(store, before.added()),
                            rates.removed().getOrDefault(store, before.removed())));
        }
        return new OperatorLimits.Stores(each, byStore);
    }

    private MergeOptions merge(MetaState state) {
        MergeOptions merge = properties.merge();
        long sizeMib = count(state, Setting.MAX_MERGE_REGION_SIZE, (int) merge.sizeMibMax());
        return new MergeOptions(
                sizeMib,
                count(state, Setting.MAX_MERGE_REGION_KEYS, (int) merge.keysMax()),
                Math.max(merge.resultMibMax(), sizeMib),
                duration(state, Setting.SPLIT_MERGE_INTERVAL, merge.restAfterSplit()));
    }

    private BalanceOptions balance(MetaState state) {
        BalanceOptions balance = properties.balance();
        return new BalanceOptions(
                balance.tolerance(),
                count(state, Setting.BALANCE_LEADER_BATCH, balance.leaderBatch()),
                count(state, Setting.BALANCE_REGION_BATCH, balance.regionBatch()),
                balance.samples(),
                balance.slowScoreRecovered(),
                duration(state, Setting.SLOW_STORE_RECOVERY, balance.slowRecovery()));
    }

    private PlacementOptions placement(MetaState state) {
        PlacementOptions placement = properties.placement();
        double ample = state.value(Setting.LOW_SPACE_RATIO)
                .map(ratio -> 1 - Double.parseDouble(ratio))
                .orElse(placement.freeRatioAmple());
        return placement
                .withLoad(
                        count(state, Setting.MAX_PENDING_PEER_COUNT, placement.pendingPeersMax()),
                        count(state, Setting.MAX_SNAPSHOT_COUNT, placement.snapshotsMax()),
                        Math.max(placement.freeRatioMin(), ample))
                .withLocations(locations(state, placement.locations()))
                .withRules(rules(state, locations(state, placement.locations())));
    }

    /** Rules that this version cannot read leave those before in force: to fall back to none would move every replica. */
    private PlacementRules rules(MetaState state, Locations locations) {
        try {
            RuleBook book = RuleBook.of(state.placement());
            return book.isEmpty()
                    ? properties.placement().rules()
                    : book.inForce(PlacementRule.replicas(state.maxReplicas(), locations));
        } catch (IllegalArgumentException e) {
            log.error(
                    "placement rules cannot be read version={}",
                    state.placement().version(),
                    e);
            Known last = known;
            return last == null
                    ? properties.placement().rules()
                    : last.options().placement().rules();
        }
    }

    /** An isolation level that is no label any more holds nothing apart. */
    private static Locations locations(MetaState state, Locations otherwise) {
        List<String> labels =
                state.value(Setting.LOCATION_LABELS).map(Setting::labels).orElse(otherwise.labels());
        String isolation = state.value(Setting.ISOLATION_LEVEL).orElse(otherwise.isolation());
        return new Locations(labels, labels.contains(isolation) ? isolation : "");
    }

    private static int count(MetaState state, Setting setting, int otherwise) {
        return state.value(setting).map(Integer::parseInt).orElse(otherwise);
    }

    private static Duration duration(MetaState state, Setting setting, Duration otherwise) {
        Optional<Duration> set = state.duration(setting);
        return set.orElse(otherwise);
    }
}
