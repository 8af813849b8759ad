package io.rutile.pd.schedule.operator;

/**
 * What one step changes on one store.
 *
 * @param peers 1 if a replica comes, -1 if one goes
 * @param leaders 1 if the leader comes, -1 if it goes
 */
public record StepInfluence(long storeId, int peers, int leaders) {}
