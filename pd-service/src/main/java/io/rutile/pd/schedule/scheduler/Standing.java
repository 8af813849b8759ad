package io.rutile.pd.schedule.scheduler;

import io.rutile.pd.cluster.StoreInfo;
import io.rutile.pd.schedule.operator.StoreInfluence;

/** One store as it will stand when all that is under way, and all that this round has planned, is through. */
final class Standing {

    private final StoreInfo store;
    private final double factor;
    private long peersBytes;
    private long leadersBytes;
    private long leadersFlow;

    /** @param factor how much more a byte counts than on a store with ample space */
    Standing(StoreInfo store, StoreInfluence underWay, double factor) {
        this.store = store;
        this.factor = factor;
        this.peersBytes = store.load().peersBytes() + underWay.peersBytes();
        this.leadersFlow = store.load().leadersFlow();
        this.leadersBytes = store.load().leadersBytes() + underWay.leadersBytes();
    }

    StoreInfo store() {
        return store;
    }

    long id() {
        return store.id();
    }

    /** Bytes of replicas, more on a store that runs out of space. */
    double regionScore() {
        return peersBytes * factor;
    }

    double factor() {
        return factor;
    }

    long leadersBytes() {
        return leadersBytes;
    }

    /** As people are told. */
    static long mib(double bytes) {
        return Math.round(bytes / (1 << 20));
    }

    void addPeer(long bytes) {
        peersBytes += bytes;
    }

    void addLeader(long bytes) {
        leadersBytes += bytes;
    }

    /** Bytes a second through those that lead. */
    long leadersFlow() {
        return leadersFlow;
    }

    void addLeaderFlow(long bytesPerSecond) {
        leadersFlow += bytesPerSecond;
    }
}
