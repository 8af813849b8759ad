package io.rutile.cli.workload;

import io.rutile.cli.check.Step;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A transaction whose steps are written down as it goes. For one thread. */
final class RecordedTxn {

    private final StoreTxn txn;
    private final List<Step> steps = new ArrayList<>();

    RecordedTxn(StoreTxn txn) {
        this.txn = txn;
    }

    List<Step> steps() {
        return steps;
    }

    /** A register or a list; empty if it isn't there. */
    List<Long> read(String key) {
        return seen(key, txn.get(key));
    }

    /** All of them in one call, by key. */
    Map<String, List<Long>> readAll(List<String> keys) {
        return seen(keys, txn.getAll(keys));
    }

    /** All of them by a scan of their common prefix, by key. */
    Map<String, List<Long>> scan(String prefix, List<String> keys) {
        return seen(keys, txn.scan(prefix));
    }

    List<Long> readForUpdate(String key) {
        return seen(key, txn.getForUpdate(key));
    }

    void write(String key, long value) {
        txn.put(key, Long.toString(value));
        steps.add(Step.write(key, value));
    }

    /** Reads the list and writes it with one more element. */
    void append(String key, long element) {
        List<Long> list = new ArrayList<>(read(key));
        list.add(element);
        txn.put(key, Values.format(list));
        steps.add(Step.append(key, element));
    }

    private Map<String, List<Long>> seen(List<String> keys, Map<String, String> found) {
        Map<String, List<Long>> all = new HashMap<>();
        keys.forEach(key -> all.put(key, seen(key, Optional.ofNullable(found.get(key)))));
        return all;
    }

    private List<Long> seen(String key, Optional<String> value) {
        List<Long> values = value.map(Values::parse).orElse(List.of());
        steps.add(Step.read(key, values));
        return values;
    }
}
