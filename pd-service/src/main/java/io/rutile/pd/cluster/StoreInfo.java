package io.rutile.pd.cluster;

import io.rutile.protocol.metapb.Store;
import io.rutile.protocol.metapb.StoreState;
import io.rutile.protocol.pdpb.StoreStats;

/**
 * A store as the hard state has it and as it was last heard of.
 *
 * @param store from the hard state
 * @param stats of the last heartbeat, all zero before the first one
 * @param liveness by the time since then
 * @param lastHeartbeatMs wall clock of the last heartbeat, 0 before the first one
 * @param peers replicas on it, by the Regions' heartbeats
 */
public record StoreInfo(Store store, StoreStats stats, Liveness liveness, long lastHeartbeatMs, int peers) {

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

    /** True if replicas may stay on it: not leaving, not gone. */
    public boolean keepsReplicas() {
        return store.getState() == StoreState.Up && liveness != Liveness.DOWN;
    }
}
