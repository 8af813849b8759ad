package io.rutile.pd.schedule;

import io.rutile.pd.schedule.checker.MergeOptions;
import io.rutile.pd.schedule.operator.OperatorLimits;
import io.rutile.pd.schedule.placement.PlacementOptions;
import io.rutile.pd.schedule.scheduler.BalanceOptions;
import java.time.Instant;
import java.util.Map;
import java.util.Set;

/**
 * How scheduling is done. Immutable; whoever changes a setting hands out another one, which counts from the next round on.
 *
 * @param limits how much may be under way
 * @param placement what a store must be like to receive replicas and leaders
 * @param merge which Regions are too small to be alone
 * @param balance when balancing is worth it
 * @param patrolRegions Regions that one round of the patrol looks at
 * @param schedulersOff names of schedulers that do nothing
 * @param schedulersPaused names of schedulers that do nothing until then, by the wall clock
 * @param evicted stores that lead nothing until somebody says otherwise
 */
public record ScheduleOptions(
        OperatorLimits limits,
        PlacementOptions placement,
        MergeOptions merge,
        BalanceOptions balance,
        int patrolRegions,
        Set<String> schedulersOff,
        Map<String, Instant> schedulersPaused,
        Set<Long> evicted) {

    public static final ScheduleOptions DEFAULTS = new ScheduleOptions(
            OperatorLimits.DEFAULTS,
            PlacementOptions.DEFAULTS,
            MergeOptions.DEFAULTS,
            BalanceOptions.DEFAULTS,
            256,
            Set.of(),
            Map.of(),
            Set.of());

    public ScheduleOptions {
        schedulersOff = Set.copyOf(schedulersOff);
        schedulersPaused = Map.copyOf(schedulersPaused);
        evicted = Set.copyOf(evicted);
    }

    /**
     * With the bounds that settings name.
     *
     * @param operatorsMax operators under way at once, over all Regions
     * @param receivingMax replicas that one store may receive at once
     * @param storeFreeBytesMin a store with less space gets no new replica
     */
    public ScheduleOptions withBounds(int operatorsMax, int receivingMax, long storeFreeBytesMin) {
        return withLimits(limits.withAll(operatorsMax))
                .withPlacement(placement.withBounds(receivingMax, storeFreeBytesMin));
    }

    public ScheduleOptions withLimits(OperatorLimits changed) {
        return new ScheduleOptions(
                changed, placement, merge, balance, patrolRegions, schedulersOff, schedulersPaused, evicted);
    }

    public ScheduleOptions withPlacement(PlacementOptions changed) {
        return new ScheduleOptions(
                limits, changed, merge, balance, patrolRegions, schedulersOff, schedulersPaused, evicted);
    }

    public ScheduleOptions withMerge(MergeOptions changed) {
        return new ScheduleOptions(
                limits, placement, changed, balance, patrolRegions, schedulersOff, schedulersPaused, evicted);
    }

    public ScheduleOptions withBalance(BalanceOptions changed) {
        return new ScheduleOptions(
                limits, placement, merge, changed, patrolRegions, schedulersOff, schedulersPaused, evicted);
    }

    public ScheduleOptions withPatrolRegions(int regions) {
        return new ScheduleOptions(
                limits, placement, merge, balance, regions, schedulersOff, schedulersPaused, evicted);
    }

    public ScheduleOptions withSchedulersOff(Set<String> names) {
        return new ScheduleOptions(limits, placement, merge, balance, patrolRegions, names, schedulersPaused, evicted);
    }

    public ScheduleOptions withSchedulersPaused(Map<String, Instant> until) {
        return new ScheduleOptions(limits, placement, merge, balance, patrolRegions, schedulersOff, until, evicted);
    }

    public ScheduleOptions withEvicted(Set<Long> stores) {
        return new ScheduleOptions(
                limits, placement, merge, balance, patrolRegions, schedulersOff, schedulersPaused, stores);
    }
}
