package io.rutile.node.raftstore;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/**
 * What all replicas of a store share.
 *
 * @param budget bytes on their way
 * @param disk whether there is space
 * @param observer told about Regions that this store leads
 * @param worker for what may take a while: membership, destruction
 * @param timer for what comes later; never blocked
 * @param died told of a replica whose group died of an exception or a disk
 * @param retire takes a replica down whose Region has let it go
 * @param dissolved told, again and again, of a replica whose Region another store knows to have ended
 * @param mergePatience how long a prepared merge waits for the word of every replica
 * @param regions all of them
 * @param locks asked, where this store leads, before another replica serves a read
 * @param hashes of the consistency check
 * @param staleReads what becomes of reads that ask no leader
 */
record PeerContext(
        ProposalBudget budget,
        DiskGuard disk,
        RegionObserver observer,
        Executor worker,
        ScheduledExecutorService timer,
        BiConsumer<RegionPeer, Throwable> died,
        Consumer<RegionPeer> retire,
        Consumer<RegionPeer> dissolved,
        Duration mergePatience,
        RegionMap regions,
        LeaderLocks locks,
        ReplicaHashes hashes,
        StaleReads staleReads) {

    /** @param refused because nothing was promised for their timestamp */
    record StaleReads(Counter served, Counter refused) {

        static StaleReads of(MeterRegistry metrics) {
            return new StaleReads(
                    Counter.builder("kv.resolved.reads")
                            .description("stale reads that a replica here has served without a word to its leader")
                            .register(metrics),
                    Counter.builder("kv.resolved.reads.refused")
                            .description("stale reads answered with DataIsNotReady")
                            .register(metrics));
        }
    }
}
