package io.rutile.cli.bench.load;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A system under load. Calls block until the system has answered, fail by exceptions, and are safe from any thread; only those of {@link
 * #actions} are made.
 */
public interface Subject extends AutoCloseable {

    /** How the report calls it. */
    String name();

    Set<Action> actions();

    /**
     * Which Regions its keys lie in: false for those of raw keys, true for those of keys of transactions, empty if it has no Regions or this
     * workload is about none.
     */
    default Optional<Boolean> regions(Workload workload) {
        return Optional.empty();
    }

    /**
     * Writes the keys that these actions read.
     *
     * @param actions of all workloads on these keys
     */
    void load(KeySpace keys, Set<Action> actions) throws Exception;

    /** Fails if the key is not there: a benchmark of misses would flatter. */
    default void read(String key) throws Exception {
        throw unsupported();
    }

    /** Writes it, whether it was there or not. */
    default void update(String key, byte[] value) throws Exception {
        throw unsupported();
    }

    /**
     * Reads the first {@code limit} pairs, with values, from {@code start} on.
     *
     * @return how many there were
     */
    default int scan(String start, int limit) throws Exception {
        throw unsupported();
    }

    /** Not atomic, as in YCSB, unless the subject is about transactions. */
    default void readModifyWrite(String key, byte[] value) throws Exception {
        read(key);
        update(key, value);
    }

    /** Writes all of these keys or none. */
    default void transaction(List<String> keys, byte[] value, CommitWay way) throws Exception {
        throw unsupported();
    }

    default void heldRead(String key) throws Exception {
        throw unsupported();
    }

    default int heldScan(String start, int limit) throws Exception {
        throw unsupported();
    }

    default void timestamp() throws Exception {
        throw unsupported();
    }

    /** Processor time that its servers have used so far, by kind of process; empty if that can't be told. */
    Map<String, Duration> cpu();

    /** Puts a load on it. The load comes from this process unless the subject has reasons. */
    default Outcome drive(Load load, Dataset data, Duration duration, long salt) throws Exception {
        return LoadLoop.run(this, load, data, duration, salt);
    }

    @Override
    void close();

    private UnsupportedOperationException unsupported() {
        return new UnsupportedOperationException(name() + " can't do this");
    }
}
