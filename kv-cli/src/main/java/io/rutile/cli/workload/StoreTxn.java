package io.rutile.cli.workload;

import io.rutile.protocol.TimeStamp;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** One transaction of a {@link TxnStore}, for one thread. Every call may throw {@link StoreFailure}; then it can only be rolled back. */
public interface StoreTxn {

    /** The moment that it reads. */
    TimeStamp startTs();

    Optional<String> get(String key);

    /** Only keys that are there are in the answer. */
    Map<String, String> getAll(List<String> keys);

    /** All keys that begin with this. */
    Map<String, String> scan(String prefix);

    /** Locks a key, for a pessimistic transaction, and reads what it holds now. */
    Optional<String> getForUpdate(String key);

    /** Writes at commit. */
    void put(String key, String value);

    /** Commits; the commit timestamp. A {@link StoreFailure} says whether the outcome is known. */
    TimeStamp commit();

    /** Gives up what is not committed; never throws. */
    void rollback();
}
