package io.rutile.pd.schedule.operator;

import java.util.Map;

/** Operators under way, of which a test says no more than what stores are receiving. */
public record ReceivingStores(Map<Long, Long> replicas) implements OperatorsUnderWay {

    @Override
    public boolean isBusy(long regionId) {
        return false;
    }

    @Override
    public boolean isOpenTo(long regionId, OperatorKind kind) {
        return true;
    }

    @Override
    public boolean allows(OperatorKind kind) {
        return true;
    }

    @Override
    public StoreInfluence influenceOn(long storeId) {
        int count = replicas.getOrDefault(storeId, 0L).intValue();
        return new StoreInfluence(count, 0, count, 0, count);
    }

    @Override
    public boolean allows(long storeId, StoreLimits.Kind kind) {
        return true;
    }
}
