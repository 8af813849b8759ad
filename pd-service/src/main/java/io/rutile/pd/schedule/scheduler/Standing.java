package io.rutile.pd.schedule.scheduler;

import io.rutile.pd.cluster.StoreInfo;
import io.rutile.pd.schedule.operator.StoreInfluence;

/** One store as it will stand when all that is under way, and all that this round has planned, is through. */
final class Standing {

    private final StoreInfo store;
    private final double factor;
    private long peersMib;
    private long leadersMib;
    private long leadersFlow;

    /** @param factor how much more a MiB counts than on a store with ample space */
    Standing(StoreInfo store, StoreInfluence underWay, double factor) {
        this.store = store;
        this.factor = factor;
        this.peersMib = store.load().peersMib() + underWay.peersMib();
        this.leadersFlow = store.load().leadersFlow();
        this.leadersMib = store.load().leadersMib() + underWay.leadersMib();
    }

    StoreInfo store() {
        return store;
    }

    long id() {
        return store.id();
    }

    double regionScore() {
        return peersMib * factor;
    }

    double factor() {
        return factor;
    }

    long leadersMib() {
        return leadersMib;
    }

    void addPeer(long mib) {
        peersMib += mib;
    }

    void addLeader(long mib) {
        leadersMib += mib;
    }

    /** Bytes a second through those that lead. */
    long leadersFlow() {
        return leadersFlow;
    }

    void addLeaderFlow(long bytesPerSecond) {
        leadersFlow += bytesPerSecond;
    }
}
