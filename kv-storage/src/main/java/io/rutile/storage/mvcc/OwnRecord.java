package io.rutile.storage.mvcc;

import org.jspecify.annotations.Nullable;

/** What the write records of a key say about one transaction. */
public sealed interface OwnRecord {

    /** It committed, at {@code version.ts()}. */
    record Committed(Version version) implements OwnRecord {}

    /** It was rolled back, by a record of its own or by a flag on another's. */
    record RolledBack() implements OwnRecord {}

    /**
     * Nothing.
     *
     * @param overlapped another transaction's record whose commit timestamp is this one's start timestamp, if there is one: a
     *     rollback record would have the same place
     */
    record None(@Nullable Version overlapped) implements OwnRecord {}
}
