package io.rutile.pd.schedule.scheduler;

/** Which store is kept from leading because it is slow: outlives the leader of PD, whose successor has yet to hear how slow it is. */
public interface SlowStoreMemory {

    /** Id of the store, 0 for none. */
    long slowStore();

    /** Will be {@link #slowStore} in a moment, unless it is not: then it is said again. Does not wait. */
    void remember(long storeId);
}
