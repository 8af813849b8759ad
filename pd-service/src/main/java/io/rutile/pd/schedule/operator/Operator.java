package io.rutile.pd.schedule.operator;

import io.rutile.pd.cluster.RegionInfo;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Steps for one Region, in order, and why they are taken. Not safe for concurrent use: it belongs to the controller that
 * carries it out.
 */
public final class Operator {

    private final Purpose purpose;
    private final RegionInfo planned;
    private final List<OperatorStep> steps;
    private final long partner;
    private final boolean skipsStoreLimits;
    private final long createdNanos;
    private int current;
    /** The last step that may have been commanded, -1 before the first. */
    private int begun = -1;

    private long stepBegunNanos;

    /** How an operator stands after a heartbeat. */
    public enum Status {
        RUNNING,
        FINISHED,
        /** Somebody else changed the Region: the plan no longer fits; or somebody called it off. */
        CANCELLED,
        /** One of a higher rank took its place. */
        REPLACED,
        TIMED_OUT
    }

    /**
     * Why there is an operator.
     *
     * @param name what clients and people know it by, such as {@code balance-region}
     * @param why in words for whoever watches PD
     */
    public record Purpose(String name, OperatorKind kind, String why) {}

    /**
     * @param partner Region of the operator that begins and ends with this one, 0 if there is none
     * @param skipsStoreLimits not held back by the limit of a store that receives a replica
     */
    Operator(
            Purpose purpose,
            RegionInfo planned,
            List<OperatorStep> steps,
            long partner,
            boolean skipsStoreLimits,
            long nowNanos) {
        this.purpose = purpose;
        this.planned = planned;
        this.steps = List.copyOf(steps);
        this.partner = partner;
        this.skipsStoreLimits = skipsStoreLimits;
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
        boolean rangeMoved = region.epoch().getVersion() != planned.epoch().getVersion();
        OperatorStep step = steps.get(current);
        if (rangeMoved && !step.changesRange()
                || confVerMoved(region) > confVerPlanned()
                || step.isOff(planned, region)) {
            return Status.CANCELLED;
        }
        // From here on it may be commanded at any time, and what moves may be its doing.
        begun = current;
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

    /** How many steps are finished; the step with this number is the current one. */
    public int stepsDone() {
        return current;
    }

    public long regionId() {
        return planned.id();
    }

    /** Region of the operator that begins and ends with this one, 0 if there is none. */
    public long partner() {
        return partner;
    }

    /** Not held back by the limit of a store that receives a replica; it counts towards it all the same. */
    public boolean skipsStoreLimits() {
        return skipsStoreLimits;
    }

    /** The Region's size when this was planned. */
    public long regionBytes() {
        return planned.sizeBytes();
    }

    public String name() {
        return purpose.name();
    }

    public OperatorKind kind() {
        return purpose.kind();
    }

    public String why() {
        return purpose.why();
    }

    /** What a step changes, by its number. */
    List<StepInfluence> influence(int step) {
        return steps.get(step).influence(planned);
    }

    /** What the steps together change. */
    public List<StepInfluence> influence() {
        return steps.stream().flatMap(step -> step.influence(planned).stream()).toList();
    }

    public List<OperatorStep> steps() {
        return steps;
    }

    public Duration age(long nowNanos) {
        return Duration.ofNanos(nowNanos - createdNanos);
    }

    private long confVerMoved(RegionInfo region) {
        return region.epoch().getConfVer() - planned.epoch().getConfVer();
    }

    /**
     * What finished steps moved, and the current one may be moving just now. One that has yet to begin moves nothing: if the members are
     * others than it was planned for, it may be wrong.
     */
    private long confVerPlanned() {
        return steps.subList(0, Math.max(current, begun + 1)).stream()
                .mapToLong(OperatorStep::confVerChange)
                .sum();
    }

    @Override
    public String toString() {
        return name() + " region " + regionId() + " " + steps + " because " + why();
    }
}
