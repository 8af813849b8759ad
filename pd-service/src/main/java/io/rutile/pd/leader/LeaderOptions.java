package io.rutile.pd.leader;

import io.rutile.pd.cluster.ClusterState.StoreSilence;
import io.rutile.pd.gc.GcOptions;
import io.rutile.pd.schedule.ScheduleOptions;
import java.time.Duration;
import java.util.List;

/**
 * What a leading member does how.
 *
 * @param tsoWindow how far ahead of the clock the saved bound of timestamps is
 * @param storeSilence when a silent store counts as disconnected and as down
 * @param maxReplicas replicas of a Region in a cluster that begins now
 * @param schedule bounds of scheduling
 * @param gc how garbage is collected
 * @param keyspaces names of keyspaces that are created where they are missing
 */
public record LeaderOptions(
        Duration tsoWindow,
        StoreSilence storeSilence,
        int maxReplicas,
        ScheduleOptions schedule,
        GcOptions gc,
        List<String> keyspaces) {

    public static final LeaderOptions DEFAULTS = new LeaderOptions(
            Duration.ofSeconds(3),
            new StoreSilence(Duration.ofSeconds(20), Duration.ofMinutes(30)),
            3,
            ScheduleOptions.DEFAULTS,
            GcOptions.DEFAULTS,
            List.of());

    public LeaderOptions {
        keyspaces = List.copyOf(keyspaces);
    }

    public LeaderOptions withKeyspaces(List<String> names) {
        return new LeaderOptions(tsoWindow, storeSilence, maxReplicas, schedule, gc, names);
    }

    public LeaderOptions withSchedule(ScheduleOptions options) {
        return new LeaderOptions(tsoWindow, storeSilence, maxReplicas, options, gc, keyspaces);
    }

    public LeaderOptions withGc(GcOptions options) {
        return new LeaderOptions(tsoWindow, storeSilence, maxReplicas, schedule, options, keyspaces);
    }
}
