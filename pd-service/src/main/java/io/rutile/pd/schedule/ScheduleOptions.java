package io.rutile.pd.schedule;

/**
 * Bounds of scheduling.
 *
 * @param operatorsMax operators under way at once, over all Regions
 * @param receivingMax replicas that one store may receive at once
 * @param storeFreeBytesMin a store with less space gets no new replica
 * @param patrolRegions Regions that one round of the patrol looks at
 */
public record ScheduleOptions(int operatorsMax, int receivingMax, long storeFreeBytesMin, int patrolRegions) {

    public static final ScheduleOptions DEFAULTS = new ScheduleOptions(2_048, 16, 1L << 30, 256);
}
