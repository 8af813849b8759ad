package io.rutile.pd.leader;

import io.rutile.pd.cluster.ClusterState.StoreSilence;
import io.rutile.pd.schedule.ScheduleOptions;
import java.time.Duration;

/**
 * What a leading member does how.
 *
 * @param tsoWindow how far ahead of the clock the saved bound of timestamps is
 * @param storeSilence when a silent store counts as disconnected and as down
 * @param maxReplicas replicas of a Region in a cluster that begins now
 * @param schedule bounds of scheduling
 */
public record LeaderOptions(Duration tsoWindow, StoreSilence storeSilence, int maxReplicas, ScheduleOptions schedule) {

    public static final LeaderOptions DEFAULTS = new LeaderOptions(
            Duration.ofSeconds(3),
            new StoreSilence(Duration.ofSeconds(20), Duration.ofMinutes(30)),
            3,
            ScheduleOptions.DEFAULTS);
}
