package io.rutile.pd.schedule.operator;

import io.rutile.pd.cluster.RegionInfo;
import io.rutile.protocol.metapb.RegionEpoch;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Steps for one Region, in order, and why they are taken. Not safe for concurrent use: it belongs to the controller that
 * carries it out.
 */
public final class Operator {

    private final String why;
    private final long regionId;
    private final RegionEpoch epoch;
    private final List<OperatorStep> steps;
    private final long createdNanos;
    private int current;
    private long stepBegunNanos;

    /** How an operator stands after a heartbeat. */
    public enum Status {
        RUNNING,
        FINISHED,
        /** Somebody else changed the Region: the plan no longer fits. */
        CANCELLED,
        TIMED_OUT
    }

    Operator(String why, RegionInfo region, List<OperatorStep> steps, long nowNanos) {
        this.why = why;
        this.regionId = region.id();
        this.epoch = region.epoch();
        this.steps = List.copyOf(steps);
        this.createdNanos = nowNanos;
        this.stepBegunNanos = nowNanos;
    }

    /** Moves over every step that this description shows as finished. */
    public Status observe(RegionInfo region, long nowNanos) {
        while (current < steps.size() && steps.get(current).isFinished(region)) {
            current++;
            stepBegunNanos = nowNanos;
        }
        if (current == steps.size()) {
            return Status.FINISHED;
        }
        if (region.epoch().getVersion() != epoch.getVersion() || confVerMoved(region) > confVerPlanned()) {
            return Status.CANCELLED;
        }
        return status(nowNanos);
    }

    /** Without news: only time can have run out. */
    public Status status(long nowNanos) {
        boolean late = current < steps.size()
                && nowNanos - stepBegunNanos > steps.get(current).timeout().toNanos();
        return late ? Status.TIMED_OUT : Status.RUNNING;
    }

    /** The step to be commanded now; empty when all are finished. */
    public Optional<OperatorStep> currentStep() {
        return current < steps.size() ? Optional.of(steps.get(current)) : Optional.empty();
    }

    public long regionId() {
        return regionId;
    }

    public String why() {
        return why;
    }

    public List<OperatorStep> steps() {
        return steps;
    }

    public Duration age(long nowNanos) {
        return Duration.ofNanos(nowNanos - createdNanos);
    }

    private long confVerMoved(RegionInfo region) {
        return region.epoch().getConfVer() - epoch.getConfVer();
    }

    /** What finished steps moved, and the current one may be moving just now. */
    private long confVerPlanned() {
        return steps.subList(0, current + 1).stream()
                .mapToLong(OperatorStep::confVerChange)
                .sum();
    }

    @Override
    public String toString() {
        return "region " + regionId + " " + steps + " because " + why;
    }
}
