package io.rutile.pd.schedule.operator;

import java.util.HashMap;
import java.util.Map;

/**
 * What all operators under way will change, by store; kept step by step, so that asking costs nothing. Not safe for concurrent
 * use; belongs to the controller's lock.
 */
public final class OperatorInfluence {

    private final Map<Long, StoreInfluence> byStore = new HashMap<>();

    /** The operator begins. */
    public void begin(Operator operator) {
        count(operator, 0, operator.steps().size(), 1);
    }

    /** These steps are seen in the heartbeats now, or will never be: they are no longer to come. */
    public void settle(Operator operator, int fromStep, int toStep) {
        count(operator, fromStep, toStep, -1);
    }

    public StoreInfluence of(long storeId) {
        return byStore.getOrDefault(storeId, StoreInfluence.NONE);
    }

    private void count(Operator operator, int fromStep, int toStep, int sign) {
        for (int i = fromStep; i < toStep; i++) {
            for (StepInfluence step : operator.influence(i)) {
                byStore.compute(step.storeId(), (id, before) -> {
                    StoreInfluence after =
                            (before == null ? StoreInfluence.NONE : before).plus(step, operator.regionBytes(), sign);
                    return after.equals(StoreInfluence.NONE) ? null : after;
                });
            }
        }
    }
}
