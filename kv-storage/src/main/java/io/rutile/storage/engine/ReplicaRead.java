package io.rutile.storage.engine;

import io.rutile.protocol.KeyRange;
import java.util.List;

/**
 * A read that another replica than the leader may serve: after a question to the leader (P4), or, if it is stale, without one (P8).
 *
 * @param version the timestamp that is read at; 0 if what is read has no versions
 * @param ranges the keys that are read, encoded; empty if what is read has no versions, or if the leader isn't asked
 * @param stale true if no leader is asked: the replica serves it only if nothing can be committed at or below the version any more
 */
public record ReplicaRead(long version, List<KeyRange> ranges, boolean stale) {

    /** A read of raw pairs: nobody chooses a timestamp for what it reads. */
    public static final ReplicaRead RAW = new ReplicaRead(0, List.of());

    public ReplicaRead {
        ranges = List.copyOf(ranges);
    }

    /** One that the leader is asked about. */
    public ReplicaRead(long version, List<KeyRange> ranges) {
        this(version, ranges, false);
    }

    /** One that no leader hears of. */
    public static ReplicaRead staleAt(long version) {
        return new ReplicaRead(version, List.of(), true);
    }
}
