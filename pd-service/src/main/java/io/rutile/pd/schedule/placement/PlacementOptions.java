package io.rutile.pd.schedule.placement;

/**
 * What a store must be like to receive replicas and leaders.
 *
 * @param freeBytesMin a store with less space gets no new replica
 * @param freeRatioMin nor does one with a smaller part of its capacity free, 0 to 1
 * @param freeRatioAmple above this a store's space plays no part; between the two it counts as fuller than it is
 * @param receivingMax replicas that one store may receive at once
 * @param pendingPeersMax a store on which more replicas are catching up gets no new one
 * @param snapshotsMax a store that sends, receives or applies more snapshots gets no new replica and gives none away
 * @param slowScoreMax a store that reports a greater slow score, 1 to 100, gets no leaders
 * @param locations how far replicas must be from each other where no rule says otherwise
 * @param rules how many replicas of what kind are where; none if the replica count holds everywhere
 */
public record PlacementOptions(
        long freeBytesMin,
        double freeRatioMin,
        double freeRatioAmple,
        int receivingMax,
        int pendingPeersMax,
        int snapshotsMax,
        int slowScoreMax,
        Locations locations,
        PlacementRules rules) {

    public static final PlacementOptions DEFAULTS =
            new PlacementOptions(1L << 30, 0.05, 0.2, 16, 64, 64, 80, Locations.NONE, PlacementRules.NONE);

    public PlacementOptions {
        if (!(0 <= freeRatioMin && freeRatioMin <= freeRatioAmple && freeRatioAmple <= 1)) {
            throw new IllegalArgumentException("0 ≤ " + freeRatioMin + " ≤ " + freeRatioAmple
                    + " ≤ 1 must hold for the parts of a store that are free");
        }
    }

    public PlacementOptions withLocations(Locations labels) {
        return new PlacementOptions(
                freeBytesMin,
                freeRatioMin,
                freeRatioAmple,
                receivingMax,
                pendingPeersMax,
                snapshotsMax,
                slowScoreMax,
                labels,
                rules);
    }

    public PlacementOptions withBounds(int receivingAtOnce, long freeBytes) {
        return new PlacementOptions(
                freeBytes,
                freeRatioMin,
                freeRatioAmple,
                receivingAtOnce,
                pendingPeersMax,
                snapshotsMax,
                slowScoreMax,
                locations,
                rules);
    }

    /** With what a store may be busy with, and the part of its space above which that plays no part. */
    public PlacementOptions withLoad(int pendingPeers, int snapshots, double freeRatio) {
        return new PlacementOptions(
                freeBytesMin,
                freeRatioMin,
                freeRatio,
                receivingMax,
                pendingPeers,
                snapshots,
                slowScoreMax,
                locations,
                rules);
    }

    public PlacementOptions withRules(PlacementRules changed) {
        return new PlacementOptions(
                freeBytesMin,
                freeRatioMin,
                freeRatioAmple,
                receivingMax,
                pendingPeersMax,
                snapshotsMax,
                slowScoreMax,
                locations,
                changed);
    }
}
