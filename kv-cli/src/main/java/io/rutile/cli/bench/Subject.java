package io.rutile.cli.bench;

import java.time.Duration;
import java.util.List;

/** A system under load. Calls block until the system has answered; safe from any thread. */
interface Subject extends AutoCloseable {

    /** How the report calls it. */
    String name();

    /** Writes the keys that the workloads read. */
    void load(KeySpace keys) throws Exception;

    /** Fails if the key is not there: a benchmark of misses would flatter. */
    void get(String key) throws Exception;

    void put(String key, byte[] value) throws Exception;

    /** Reads {@code limit} pairs with values from {@code start} on; fails if there are none. */
    void scan(String start, int limit) throws Exception;

    /** Writes all of these keys or none, as one transaction. Only if {@link #isTransactional}. */
    default void transaction(List<String> keys, byte[] value) throws Exception {
        throw new UnsupportedOperationException(name() + " has no transactions");
    }

    /** False if the workloads of transactions are left out. */
    default boolean isTransactional() {
        return false;
    }

    /** Processor time that its servers have used so far; zero if that can't be told. */
    Duration cpu();

    @Override
    void close();
}
