package io.rutile.pd.cluster;

/**
 * What a store carries, by the heartbeats of the Regions; kept up to date with every one of them.
 *
 * @param peers replicas on it
 * @param leaders those of them that lead
 * @param pendingPeers those of them that are catching up
 * @param peersBytes sizes of the replicas, each counted as 256 KiB at least
 * @param leadersBytes sizes of those that lead
 * @param leadersFlow what is read and written through those that lead, bytes a second
 */
public record StoreLoad(
        int peers, int leaders, int pendingPeers, long peersBytes, long leadersBytes, long leadersFlow) {

    public static final StoreLoad NONE = new StoreLoad(0, 0, 0, 0, 0, 0);
}
