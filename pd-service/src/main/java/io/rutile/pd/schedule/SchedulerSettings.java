package io.rutile.pd.schedule;

import io.rutile.pd.meta.MetaRecord;
import io.rutile.pd.meta.SettingRecord.ChangeSetting;
import io.rutile.pd.meta.SettingRecord.ClearSetting;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * What the hard state says of schedulers, by settings whose names hold the scheduler's or a store's. What this version cannot read
 * it passes over.
 *
 * <pre>
 * scheduler.NAME.state            := on | off | paused/UNTIL_MS      as the properties have it if absent
 * scheduler.evict-leader.store/ID := on                             the store leads nothing
 * scheduler.evict-slow-store.store := ID                            the store leads nothing because it was slow
 * </pre>
 */
public final class SchedulerSettings {

    private static final String PREFIX = "scheduler.";
    private static final String STATE = ".state";
    private static final String EVICTED = "scheduler.evict-leader.store/";
    private static final String SLOW = "scheduler.evict-slow-store.store";
    private static final String ON = "on";
    private static final String OFF = "off";
    private static final String PAUSED = "paused/";

    private SchedulerSettings() {}

    /** The scheduler works, whatever the properties say; a pause of it ends. */
    public static MetaRecord on(String name) {
        return new ChangeSetting(PREFIX + name + STATE, ON);
    }

    /** It does nothing. */
    public static MetaRecord off(String name) {
        return new ChangeSetting(PREFIX + name + STATE, OFF);
    }

    /** It does nothing until then, and goes on by itself. */
    public static MetaRecord paused(String name, Instant until) {
        return new ChangeSetting(PREFIX + name + STATE, PAUSED + until.toEpochMilli());
    }

    /** The store leads nothing until {@link #readmit} says otherwise. */
    public static MetaRecord evict(long storeId) {
        return new ChangeSetting(EVICTED + storeId, ON);
    }

    public static MetaRecord readmit(long storeId) {
        return new ClearSetting(EVICTED + storeId);
    }

    /** The store that is kept from leading because it was slow. @param storeId 0 for none */
    public static MetaRecord slowStore(long storeId) {
        return storeId == 0 ? new ClearSetting(SLOW) : new ChangeSetting(SLOW, Long.toString(storeId));
    }

    /** 0 for none. */
    public static long slowStore(Map<String, String> settings) {
        return number(settings.getOrDefault(SLOW, "")).orElse(0L);
    }

    /** Names of schedulers that do nothing. @param otherwise those that the properties switch off */
    static Set<String> off(Map<String, String> settings, Set<String> otherwise) {
        Set<String> off = new HashSet<>();
        for (String name : Schedulers.NAMES) {
            String state = settings.get(PREFIX + name + STATE);
            if (state == null ? otherwise.contains(name) : state.equals(OFF)) {
                off.add(name);
            }
        }
        return off;
    }

    static Map<String, Instant> paused(Map<String, String> settings) {
        Map<String, Instant> paused = new HashMap<>();
        for (String name : Schedulers.NAMES) {
            String state = settings.getOrDefault(PREFIX + name + STATE, "");
            if (state.startsWith(PAUSED)) {
                number(state.substring(PAUSED.length())).ifPresent(ms -> paused.put(name, Instant.ofEpochMilli(ms)));
            }
        }
        return paused;
    }

    static Set<Long> evicted(Map<String, String> settings) {
        Set<Long> stores = new TreeSet<>();
        for (Map.Entry<String, String> setting : settings.entrySet()) {
            if (setting.getKey().startsWith(EVICTED) && setting.getValue().equals(ON)) {
                number(setting.getKey().substring(EVICTED.length())).ifPresent(stores::add);
            }
        }
        return stores;
    }

    private static Optional<Long> number(String digits) {
        try {
            return Optional.of(Long.parseLong(digits));
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }
}
