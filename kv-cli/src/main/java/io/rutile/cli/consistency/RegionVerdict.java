package io.rutile.cli.consistency;

import java.util.List;

/**
 * What the comparison of a Region's replicas has shown.
 *
 * @param leaderStore 0 if nobody leads
 * @param index of the log at which they were hashed; 0 if they could not be
 * @param hash of the leader, hex; empty if there is none
 * @param records that the leader has hashed
 * @param finding empty if all are the same
 */
public record RegionVerdict(
        long regionId, long leaderStore, List<Long> stores, long index, String hash, long records, String finding) {

    public RegionVerdict {
        stores = List.copyOf(stores);
    }

    public boolean isClean() {
        return finding.isEmpty();
    }
}
