package io.rutile.pd.schedule;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.schedule.operator.Operator;
import io.rutile.pd.schedule.operator.OperatorStep;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The operators under way, at most one a Region and bounded in number. Moves them on heartbeats and on nothing else (D1);
 * only time may end one without.
 *
 * <p>Safe from any thread: one lock, under which nothing is called that waits.
 */
public final class OperatorController {

    private static final Logger log = LoggerFactory.getLogger(OperatorController.class);

    private final Map<Long, Operator> byRegion = new HashMap<>();
    private final int operatorsMax;
    private final LongSupplier nanoClock;
    private final MeterRegistry metrics;

    /** @param operatorsMax how many may be under way at once */
    public OperatorController(int operatorsMax, LongSupplier nanoClock, MeterRegistry metrics) {
        this.operatorsMax = operatorsMax;
        this.nanoClock = nanoClock;
        this.metrics = metrics;
    }

    /** False if the Region has one already, or too many are under way. */
    public synchronized boolean add(Operator operator) {
        if (byRegion.containsKey(operator.regionId())) {
            return false;
        }
        if (byRegion.size() >= operatorsMax) {
            count("refused");
            return false;
        }
        byRegion.put(operator.regionId(), operator);
        count("created");
        log.info(
                "operator created region={} steps={} why=\"{}\"",
                operator.regionId(),
                operator.steps(),
                operator.why());
        return true;
    }

    /** Takes a heartbeat's news; answers the step that the Region's leader is to be told, if there is one. */
    public synchronized Optional<OperatorStep> dispatch(RegionInfo region) {
        Operator operator = byRegion.get(region.id());
        if (operator == null) {
            return Optional.empty();
        }
        Operator.Status status = operator.observe(region, nanoClock.getAsLong());
        if (status != Operator.Status.RUNNING) {
            end(operator, status);
            return Optional.empty();
        }
        return operator.currentStep();
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
            if (operator.status(now) == Operator.Status.TIMED_OUT) {
                end(operator, Operator.Status.TIMED_OUT);
            }
        }
    }

    public synchronized @Nullable Operator operatorOf(long regionId) {
        return byRegion.get(regionId);
    }

    public synchronized boolean isFull() {
        return byRegion.size() >= operatorsMax;
    }

    public synchronized int size() {
        return byRegion.size();
    }

    /** How many replicas the store is about to receive. */
    public synchronized long receiving(long storeId) {
        return byRegion.values().stream()
                .filter(operator -> operator.currentStep()
                        .filter(step -> step.receivingStore() == storeId)
                        .isPresent())
                .count();
    }

    public synchronized Collection<Operator> operators() {
        return List.copyOf(byRegion.values());
    }

    private void end(Operator operator, Operator.Status status) {
        byRegion.remove(operator.regionId());
        count(status.name().toLowerCase(Locale.ROOT));
        log.info(
                "operator ended region={} status={} ageMs={} why=\"{}\"",
                operator.regionId(),
                status,
                operator.age(nanoClock.getAsLong()).toMillis(),
                operator.why());
    }

    private void count(String event) {
        Counter.builder("kv.pd.schedule.operators")
                .description("Operators by what became of them")
                .tag("event", event)
                .register(metrics)
                .increment();
    }
}
