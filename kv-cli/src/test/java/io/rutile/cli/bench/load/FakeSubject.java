package io.rutile.cli.bench.load;

import java.time.Duration;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListMap;

/** A map. */
class FakeSubject implements Subject {

    final ConcurrentSkipListMap<String, byte[]> pairs = new ConcurrentSkipListMap<>();

    @Override
    public String name() {
        return "fake";
    }

    @Override
    public Set<Action> actions() {
        return EnumSet.of(
                Action.READ, Action.UPDATE, Action.INSERT, Action.SCAN, Action.SCAN_FULL, Action.READ_MODIFY_WRITE);
    }

    @Override
    public void load(KeySpace keys, Set<Action> actions) throws Exception {
        keys.forEach(100, pairs::putAll);
    }

    @Override
    public void read(String key) throws Exception {
        if (!pairs.containsKey(key)) {
            throw new BenchFailure("missing", "not there");
        }
    }

    @Override
    public void update(String key, byte[] value) throws Exception {
        pairs.put(key, value);
    }

    @Override
    public int scan(String start, int limit) throws Exception {
        return (int) pairs.tailMap(start).keySet().stream().limit(limit).count();
    }

    @Override
    public Map<String, Duration> cpu() {
        return Map.of();
    }

    @Override
    public void close() {}
}
