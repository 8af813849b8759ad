package io.rutile.storage.engine;

import io.rutile.protocol.KeyRange;
import java.util.List;

/**
 * What the leader must be told before another replica serves a read (P4).
 *
 * @param version the timestamp that is read at; 0 if what is read has no versions
 * @param ranges the keys that are read, encoded; empty if what is read has no versions
 */
public record ReplicaRead(long version, List<KeyRange> ranges) {

    /** A read of raw pairs: nobody chooses a timestamp for what it reads. */
    public static final ReplicaRead RAW = new ReplicaRead(0, List.of());

    public ReplicaRead {
        ranges = List.copyOf(ranges);
    }
}
