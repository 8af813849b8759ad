package io.rutile.pd.meta;

import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;

/**
 * What can be set while the cluster runs, beside the number of replicas. Kept in the hard state by its name, as a text; until it is
 * set, what the properties of the service say holds.
 */
public enum Setting {
    /** Silence after which a store's replicas are replaced. */
    MAX_STORE_DOWN_TIME("schedule", "max-store-down-time", Duration.ofSeconds(1), Duration.ofDays(365)),
    /** How long a Region's range must have stood still before it is merged into another. */
    SPLIT_MERGE_INTERVAL("schedule", "split-merge-interval", Duration.ofSeconds(1), Duration.ofDays(365)),
    /** Operators of one kind at once. */
    LEADER_SCHEDULE_LIMIT("schedule", "leader-schedule-limit", Form.COUNT, 0, 100_000),
    REGION_SCHEDULE_LIMIT("schedule", "region-schedule-limit", Form.COUNT, 0, 100_000),
    REPLICA_SCHEDULE_LIMIT("schedule", "replica-schedule-limit", Form.COUNT, 0, 100_000),
    HOT_REGION_SCHEDULE_LIMIT("schedule", "hot-region-schedule-limit", Form.COUNT, 0, 100_000),
    MERGE_SCHEDULE_LIMIT("schedule", "merge-schedule-limit", Form.COUNT, 0, 100_000),
    /** MiB; a Region that is larger is not merged into another. */
    MAX_MERGE_REGION_SIZE("schedule", "max-merge-region-size", Form.COUNT, 0, 1_000_000),
    MAX_MERGE_REGION_KEYS("schedule", "max-merge-region-keys", Form.COUNT, 0, 1_000_000_000),
    /** A store with more snapshots under way gets no new replica. */
    MAX_SNAPSHOT_COUNT("schedule", "max-snapshot-count", Form.COUNT, 1, 100_000),
    /** Nor does one with more replicas that are catching up. */
    MAX_PENDING_PEER_COUNT("schedule", "max-pending-peer-count", Form.COUNT, 1, 100_000),
    /** Of a store's space, the part in use above which it counts as fuller than it is. */
    LOW_SPACE_RATIO("schedule", "low-space-ratio", Form.RATIO, 0, 1),
    /** Labels that name ever smaller places, with commas. */
    LOCATION_LABELS("replication", "location-labels", Form.LABELS, 0, 8),
    /** The one of them of which no two replicas of a Region may share the place; empty if they may share any. */
    ISOLATION_LEVEL("replication", "isolation-level", Form.LABELS, 0, 1),
    /** Operators that one round of a scheduler makes at most. */
    BALANCE_LEADER_BATCH("scheduler.balance-leader", "batch", Form.COUNT, 1, 1_000),
    BALANCE_REGION_BATCH("scheduler.balance-region", "batch", Form.COUNT, 1, 1_000),
    /** How long a slow store must have been well before it leads again. */
    SLOW_STORE_RECOVERY("scheduler.evict-slow-store", "recovery-duration", Duration.ofSeconds(1), Duration.ofDays(1));

    /** What the text of a value is like. */
    public enum Form {
        /** Milliseconds in decimal. */
        DURATION,
        COUNT,
        /** A number, not necessarily whole. */
        RATIO,
        /** Names of labels with commas, each once; the bounds are on how many. */
        LABELS
    }

    private final String group;
    private final String key;
    private final Form form;
    private final long min;
    private final long max;

    Setting(String group, String key, Duration min, Duration max) {
        this(group, key, Form.DURATION, min.toMillis(), max.toMillis());
    }

    Setting(String group, String key, Form form, long min, long max) {
        this.group = group;
        this.key = key;
        this.form = form;
        this.min = min;
        this.max = max;
    }

    public static Optional<Setting> of(String group, String key) {
        return Arrays.stream(values())
                .filter(setting -> setting.group.equals(group) && setting.key.equals(key))
                .findFirst();
    }

    /** {@code schedule}, {@code replication} or {@code scheduler.} and a scheduler's name. */
    public String group() {
        return group;
    }

    public String key() {
        return key;
    }

    /** As the hard state names it. */
    public String fullName() {
        return group + "." + key;
    }

    public Form form() {
        return form;
    }

    public long min() {
        return min;
    }

    public long max() {
        return max;
    }

    /** True if this text is a value of the right form within its bounds. */
    public boolean allows(String text) {
        try {
            return switch (form) {
                case DURATION, COUNT -> isWithin(Long.parseLong(text));
                case RATIO -> isWithin(Double.parseDouble(text));
                case LABELS -> {
                    List<String> labels = labels(text);
                    yield isWithin(labels.size())
                            && labels.stream().allMatch(StoreRecord::isLabelKey)
                            && new HashSet<>(labels).size() == labels.size();
                }
            };
        } catch (NumberFormatException e) {
            return false;
        }
    }

    private boolean isWithin(double value) {
        return value >= min && value <= max;
    }

    /** The names in a value of the form {@link Form#LABELS}. */
    public static List<String> labels(String text) {
        return text.isEmpty() ? List.of() : List.of(text.split(",", -1));
    }
}
