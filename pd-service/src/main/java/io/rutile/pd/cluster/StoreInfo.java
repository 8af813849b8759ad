package io.rutile.pd.cluster;

import io.rutile.protocol.metapb.Store;
import io.rutile.protocol.metapb.StoreLabel;
import io.rutile.protocol.metapb.StoreState;
import io.rutile.protocol.pdpb.StoreStats;

/**
 * A store as the hard state has it and as it was last heard of.
 *
 * @param store from the hard state
 * @param stats of the last heartbeat, all zero before the first one
 * @param liveness by the time since then
 * @param lastHeartbeatMs wall clock of the last heartbeat, 0 before the first one
 * @param load replicas on it, by the Regions' heartbeats
 */
public record StoreInfo(Store store, StoreStats stats, Liveness liveness, long lastHeartbeatMs, StoreLoad load) {

    /** How sure one can be that a store works. */
    public enum Liveness {
        /** Heard of a moment ago. */
        UP,
        /** Silent for a while: nothing new is placed there, nothing is taken away either. */
        DISCONNECTED,
        /** Silent for so long that its replicas are replaced. */
        DOWN
    }

    public long id() {
        return store.getId();
    }

    /** Replicas on it. */
    public int peers() {
        return load.peers();
    }

    /** The value of a label; empty if the store has none of this name. */
    public String label(String key) {
        for (StoreLabel label : store.getLabelsList()) {
            if (label.getKey().equals(key)) {
                return label.getValue();
            }
        }
        return "";
    }

    /** Free space by capacity, 0 to 1; 1 if the store has not told its capacity. */
    public double freeRatio() {
        return stats.getCapacity() == 0 ? 1 : Math.min(1, (double) stats.getAvailable() / stats.getCapacity());
    }

    /** True if it belongs to the cluster for good and was heard of a moment ago. */
    public boolean isServing() {
        return store.getState() == StoreState.Up && liveness == Liveness.UP;
    }

    /** True if replicas may stay on it: not leaving, not gone. */
    public boolean keepsReplicas() {
        return store.getState() == StoreState.Up && liveness != Liveness.DOWN;
    }
}
