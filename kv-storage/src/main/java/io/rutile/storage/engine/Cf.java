package io.rutile.storage.engine;

/**
 * A column family. Raw and transactional data never share one, so neither API ever sees a record of the other.
 *
 * <p>{@code id} is part of the replicated command format (docs/formats/raft-command.md) and never changes.
 */
public enum Cf {
    /** Transactional values by start_ts that are too long to be inlined. */
    DEFAULT(0, "default"),
    /** Percolator locks. */
    LOCK(1, "lock"),
    /** Percolator write records by commit_ts. */
    WRITE(2, "write"),
    /** Raw pairs: the raw API's {@code ""} and {@code default}. */
    RAW(3, "raw"),
    /** Raw pairs written under {@code lock}. */
    RAW_LOCK(4, "raw_lock"),
    /** Raw pairs written under {@code write}. */
    RAW_WRITE(5, "raw_write"),
    /** Region states, applied indexes, tombstones, the store's identity; local to a store, never replicated as it is. */
    REGION(6, "region");

    private static final Cf[] BY_ID = values();

    private final int id;
    private final String cfName;

    Cf(int id, String cfName) {
        this.id = id;
        this.cfName = cfName;
    }

    public int id() {
        return id;
    }

    /** Its name in RocksDB and in metrics. */
    public String cfName() {
        return cfName;
    }

    /**
     * The column family of a replicated command.
     *
     * @throws IllegalArgumentException if no column family has this id
     */
    public static Cf byId(int id) {
        if (id < 0 || id >= BY_ID.length) {
            throw new IllegalArgumentException("no column family " + id);
        }
        return BY_ID[id];
    }
}
