package io.rutile.pd.meta;

import io.rutile.protocol.keyspacepb.KeyspaceMeta;
import io.rutile.protocol.keyspacepb.KeyspaceState;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Every keyspace there ever was, tombstones included; immutable. {@link #DEFAULT} is always among them.
 *
 * @param byId ids have 24 bits: they are three bytes of every key
 */
public record Keyspaces(Map<Integer, KeyspaceMeta> byId) {

    public static final int DEFAULT_ID = 0;

    /** Far fewer than there are ids: all of them live in PD's memory and in every image. */
    public static final int KEYSPACES_MAX = 10_000;

    static final KeyspaceMeta DEFAULT = KeyspaceMeta.newBuilder()
            .setId(DEFAULT_ID)
            .setName("DEFAULT")
            .setState(KeyspaceState.ENABLED)
            .build();

    static final Keyspaces INITIAL = new Keyspaces(Map.of(DEFAULT_ID, DEFAULT));

    public Keyspaces {
        byId = Collections.unmodifiableMap(byId);
    }

    public Optional<KeyspaceMeta> byId(int id) {
        return Optional.ofNullable(byId.get(id));
    }

    /** Names are unique for ever, like ids. */
    public Optional<KeyspaceMeta> named(String name) {
        return byId.values().stream()
                .filter(keyspace -> keyspace.getName().equals(name))
                .findFirst();
    }

    /** By id. */
    public Collection<KeyspaceMeta> all() {
        return byId.values();
    }

    /**
     * By id, beginning with the first one that is not before {@code startId}.
     *
     * @param limit 0 for all
     */
    public List<KeyspaceMeta> from(int startId, int limit) {
        return byId.values().stream()
                .filter(keyspace -> keyspace.getId() >= startId)
                .limit(limit == 0 ? KEYSPACES_MAX : limit)
                .toList();
    }

    boolean isFull() {
        return byId.size() >= KEYSPACES_MAX;
    }

    /** None is ever taken out, so the size is past the greatest id. */
    int nextId() {
        return byId.size();
    }

    Keyspaces with(KeyspaceMeta keyspace) {
        Map<Integer, KeyspaceMeta> next = new TreeMap<>(byId);
        next.put(keyspace.getId(), keyspace);
        return new Keyspaces(next);
    }
}
