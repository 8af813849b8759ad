package io.rutile.protocol;

import io.rutile.protocol.metapb.RegionEpoch;

/** Compares Region epochs: {@code version} counts splits and merges, {@code conf_ver} membership changes. */
public final class Epochs {

    private Epochs() {}

    /** True if {@code a} is behind {@code b} in either part: news from {@code a} must change nothing (D1). */
    public static boolean isStale(RegionEpoch a, RegionEpoch b) {
        return Long.compareUnsigned(a.getVersion(), b.getVersion()) < 0
                || Long.compareUnsigned(a.getConfVer(), b.getConfVer()) < 0;
    }

    /** What ordinary reads and writes compare: the range may have changed, the members may not matter (R4). */
    public static boolean sameVersion(RegionEpoch a, RegionEpoch b) {
        return a.getVersion() == b.getVersion();
    }
}
