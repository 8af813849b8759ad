package io.rutile.storage.txn;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/** What snapshot isolation means, as naively as it can be said: every commit of every key, and reads that look through all of them. */
final class SnapshotModel {

    /** @param value absent for a delete */
    private record Commit(long commitTs, Optional<String> value) {}

    private final Map<String, List<Commit>> commits = new HashMap<>();

    void commit(Map<String, Optional<String>> changes, long commitTs) {
        changes.forEach((key, value) ->
                commits.computeIfAbsent(key, absent -> new ArrayList<>()).add(new Commit(commitTs, value)));
    }

    /** The value at a version, or {@code not_found}. */
    String get(String key, long version) {
        Commit newest = null;
        for (Commit commit : commits.getOrDefault(key, List.of())) {
            if (commit.commitTs() <= version && (newest == null || commit.commitTs() > newest.commitTs())) {
                newest = commit;
            }
        }
        return newest == null ? "not_found" : newest.value().orElse("not_found");
    }

    /** Every pair at a version as {@code key=value}, in key order. */
    List<String> scan(long version) {
        return new TreeSet<>(commits.keySet())
                .stream()
                        .filter(key -> !get(key, version).equals("not_found"))
                        .map(key -> key + "=" + get(key, version))
                        .toList();
    }

    /** The newest commit of a key, 0 if there is none. */
    long newestCommit(String key) {
        return commits.getOrDefault(key, List.of()).stream()
                .mapToLong(Commit::commitTs)
                .max()
                .orElse(0);
    }

    boolean hasCommit(String key, long commitTs) {
        return commits.getOrDefault(key, List.of()).stream().anyMatch(commit -> commit.commitTs() == commitTs);
    }
}
