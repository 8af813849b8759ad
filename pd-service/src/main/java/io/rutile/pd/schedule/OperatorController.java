package io.rutile.pd.schedule;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.schedule.operator.Operator;
import io.rutile.pd.schedule.operator.OperatorInfluence;
import io.rutile.pd.schedule.operator.OperatorKind;
import io.rutile.pd.schedule.operator.OperatorLimits;
import io.rutile.pd.schedule.operator.OperatorStep;
import io.rutile.pd.schedule.operator.OperatorsUnderWay;
import io.rutile.pd.schedule.operator.StepInfluence;
import io.rutile.pd.schedule.operator.StoreInfluence;
import io.rutile.pd.schedule.operator.StoreLimits;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The operators under way, at most one a Region and bounded in number, over all and by kind. Moves them on heartbeats and on
 * nothing else (D1); only time, or one of a higher rank, may end one without.
 *
 * <p>Safe from any thread: one lock, under which nothing is called that waits.
 */
public final class OperatorController implements OperatorsUnderWay {

    private static final Logger log = LoggerFactory.getLogger(OperatorController.class);

    /** Ended operators that can still be asked about. */
    private static final int ENDED_MAX = 1_024;

    private static final List<String> EVENTS =
            List.of("created", "finished", "cancelled", "timed_out", "replaced", "refused");

    private final Map<Long, Operator> byRegion = new HashMap<>();
    private final Map<OperatorKind, Integer> byKind = new EnumMap<>(OperatorKind.class);
    private final OperatorInfluence influence = new OperatorInfluence();
    private final StoreLimits storeLimits;
    /** By Region, the one that ended longest ago first. */
    private final Map<Long, Ended> ended = new LinkedHashMap<>();

    private final Supplier<OperatorLimits> limits;
    private final LongSupplier nanoClock;
    private final MeterRegistry metrics;

    /** What became of an operator. */
    public record Ended(Operator operator, Operator.Status status, Duration took) {}

    /** @param limits how many may be under way at once; asked anew each time */
    public OperatorController(Supplier<OperatorLimits> limits, LongSupplier nanoClock, MeterRegistry metrics) {
        this.limits = limits;
        this.nanoClock = nanoClock;
        this.metrics = metrics;
        this.storeLimits = new StoreLimits(() -> limits.get().stores());
        // There from the beginning: the first time is seen as an increase, and nothing is told from not known.
        EVENTS.forEach(this::counter);
    }

    /** Takes an operator on, in the place of one of a lower rank if need be. */
    public synchronized Admission add(Operator operator) {
        Operator before = byRegion.get(operator.regionId());
        Admission admission = admission(operator, before);
        if (admission != Admission.ADDED) {
            count("refused");
            return admission;
        }
        if (before != null) {
            end(before, Operator.Status.REPLACED);
        }
        byRegion.put(operator.regionId(), operator);
        byKind.merge(operator.kind(), 1, Integer::sum);
        influence.begin(operator);
        takeTokens(operator);
        count("created");
        log.info(
                "operator created region={} name={} steps={} why=\"{}\"",
                operator.regionId(),
                operator.name(),
                operator.steps(),
                operator.why());
        return Admission.ADDED;
    }

    private Admission admission(Operator operator, @Nullable Operator before) {
        if (!isOpenTo(operator.regionId(), operator.kind())) {
            return Admission.REGION_BUSY;
        }
        if (before == null && byRegion.size() >= limits.get().all()) {
            return Admission.FULL;
        }
        if (!allows(operator.kind())) {
            return Admission.KIND_FULL;
        }
        for (StepInfluence step : operator.influence()) {
            if (!operator.skipsStoreLimits() && step.peers() > 0 && !allows(step.storeId(), StoreLimits.Kind.ADD)) {
                return Admission.STORE_LIMIT;
            }
        }
        return Admission.ADDED;
    }

    private void takeTokens(Operator operator) {
        double cost = StoreLimits.cost(operator.regionBytes());
        for (StepInfluence step : operator.influence()) {
            if (step.peers() != 0) {
                StoreLimits.Kind kind = step.peers() > 0 ? StoreLimits.Kind.ADD : StoreLimits.Kind.REMOVE;
                storeLimits.take(step.storeId(), kind, cost, nanoClock.getAsLong());
            }
        }
    }

    /** Takes a heartbeat's news; answers the step that the Region's leader is to be told, if there is one. */
    public synchronized Optional<OperatorStep> dispatch(RegionInfo region) {
        Operator operator = byRegion.get(region.id());
        if (operator == null) {
            return Optional.empty();
        }
        int doneBefore = operator.stepsDone();
        Operator.Status status = operator.observe(region, nanoClock.getAsLong());
        influence.settle(operator, doneBefore, operator.stepsDone());
        if (status != Operator.Status.RUNNING) {
            end(operator, status);
            return Optional.empty();
        }
        return operator.currentStep().filter(OperatorStep::isCommanded);
    }

    /** Calls a Region's operator off; what its leader was told already may still happen. False if there is none. */
    public synchronized boolean cancel(long regionId) {
        Operator operator = byRegion.get(regionId);
        if (operator != null) {
            end(operator, Operator.Status.CANCELLED);
        }
        return operator != null;
    }

    /** Ends operators whose step has taken too long, heartbeats or not. */
    public synchronized void expire() {
        long now = nanoClock.getAsLong();
        for (Operator operator : new ArrayList<>(byRegion.values())) {
            // It may have ended just now, together with its partner.
            boolean there = byRegion.containsKey(operator.regionId());
            if (there && operator.status(now) == Operator.Status.TIMED_OUT) {
                end(operator, Operator.Status.TIMED_OUT);
            }
        }
    }

    public synchronized @Nullable Operator operatorOf(long regionId) {
        return byRegion.get(regionId);
    }

    /** The last operator of a Region that has ended, while it is remembered. */
    public synchronized Optional<Ended> lastEnded(long regionId) {
        return Optional.ofNullable(ended.get(regionId));
    }

    @Override
    public synchronized boolean isBusy(long regionId) {
        return byRegion.containsKey(regionId);
    }

    @Override
    public synchronized boolean isOpenTo(long regionId, OperatorKind kind) {
        Operator operator = byRegion.get(regionId);
        return operator == null || operator.kind().rank().compareTo(kind.rank()) < 0;
    }

    @Override
    public synchronized boolean allows(OperatorKind kind) {
        return countOf(kind) < limits.get().of(kind);
    }

    @Override
    public synchronized boolean allows(long storeId, StoreLimits.Kind kind) {
        return storeLimits.allows(storeId, kind, nanoClock.getAsLong());
    }

    @Override
    public synchronized StoreInfluence influenceOn(long storeId) {
        return influence.of(storeId);
    }

    /** Replicas that may come to the store, or leave it, at once; refilled over a minute. */
    public synchronized double tokens(long storeId, StoreLimits.Kind kind) {
        return storeLimits.tokens(storeId, kind, nanoClock.getAsLong());
    }

    public synchronized int countOf(OperatorKind kind) {
        return byKind.getOrDefault(kind, 0);
    }

    public synchronized boolean isFull() {
        return byRegion.size() >= limits.get().all();
    }

    public synchronized int size() {
        return byRegion.size();
    }

    public synchronized Collection<Operator> operators() {
        return List.copyOf(byRegion.values());
    }

    private void end(Operator operator, Operator.Status status) {
        byRegion.remove(operator.regionId());
        Operator partner = operator.partner() == 0 ? null : byRegion.get(operator.partner());
        if (partner != null && partner.partner() == operator.regionId()) {
            end(partner, status);
        }
        byKind.merge(operator.kind(), -1, Integer::sum);
        influence.settle(operator, operator.stepsDone(), operator.steps().size());
        Duration took = operator.age(nanoClock.getAsLong());
        remember(new Ended(operator, status, took));
        String event = status.name().toLowerCase(Locale.ROOT);
        count(event);
        Counter.builder("kv.pd.schedule.operators.ended")
                .description("Operators by name and what became of them")
                .tag("name", operator.name())
                .tag("status", event)
                .register(metrics)
                .increment();
        log.info(
                "operator ended region={} name={} status={} ageMs={} why=\"{}\"",
                operator.regionId(),
                operator.name(),
                status,
                took.toMillis(),
                operator.why());
    }

    private void remember(Ended last) {
        // Removed first, so that it goes to the end of the line.
        ended.remove(last.operator().regionId());
        ended.put(last.operator().regionId(), last);
        if (ended.size() > ENDED_MAX) {
            ended.remove(ended.keySet().iterator().next());
        }
    }

    private void count(String event) {
        counter(event).increment();
    }

    private Counter counter(String event) {
        return Counter.builder("kv.pd.schedule.operators")
                .description("Operators by what became of them")
                .tag("event", event)
                .register(metrics);
    }
}
