package io.rutile.pd.schedule.operator;

/** What planners ask about operators that others have planned before. Safe from any thread. */
public interface OperatorsUnderWay {

    boolean isBusy(long regionId);

    /** True if the Region has no operator, or one that would give way to this kind. */
    boolean isOpenTo(long regionId, OperatorKind kind);

    /** True if one more of this kind may be under way. */
    boolean allows(OperatorKind kind);

    StoreInfluence influenceOn(long storeId);

    /** True if the store's limit lets one more replica come or go now. */
    boolean allows(long storeId, StoreLimits.Kind kind);
}
