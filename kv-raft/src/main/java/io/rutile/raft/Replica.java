package io.rutile.raft;

/**
 * One incarnation of a group's replica on a store (R3): a replica that is removed and later comes back on the same store has
 * a new peer id and so is a new member.
 *
 * @param storeId the store, from 1
 * @param peerId unique in the cluster, 1 to 2^31-1
 */
public record Replica(long storeId, long peerId) implements Comparable<Replica> {

    public Replica {
        if (storeId <= 0) {
            throw new IllegalArgumentException("store id must be positive: " + storeId);
        }
        if (peerId <= 0 || peerId > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("peer id out of range: " + peerId);
        }
    }

    @Override
    public int compareTo(Replica other) {
        int byStore = Long.compare(storeId, other.storeId);
        return byStore != 0 ? byStore : Long.compare(peerId, other.peerId);
    }

    @Override
    public String toString() {
        return "store" + storeId + "/peer" + peerId;
    }
}
