package io.rutile.cli.bench;

import java.time.Duration;

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

    /** Processor time that its servers have used so far; zero if that can't be told. */
    Duration cpu();

    @Override
    void close();
}
