package io.rutile.pd.meta;

import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;

/** What can be set while the cluster runs, beside the number of replicas. Kept in the hard state by its name. */
public enum Setting {
    /** Silence after which a store's replicas are replaced. */
    MAX_STORE_DOWN_TIME("schedule", "max-store-down-time", Duration.ofSeconds(1), Duration.ofDays(365));

    private final String group;
    private final String key;
    private final Duration min;
    private final Duration max;

    Setting(String group, String key, Duration min, Duration max) {
        this.group = group;
        this.key = key;
        this.min = min;
        this.max = max;
    }

    public static Optional<Setting> of(String group, String key) {
        return Arrays.stream(values())
                .filter(setting -> setting.group.equals(group) && setting.key.equals(key))
                .findFirst();
    }

    /** {@code schedule} or {@code replication}. */
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

    public Duration min() {
        return min;
    }

    public Duration max() {
        return max;
    }

    public boolean allows(Duration value) {
        return value.compareTo(min) >= 0 && value.compareTo(max) <= 0;
    }
}
