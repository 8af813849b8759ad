package io.rutile.node.raftstore;

import io.micrometer.core.instrument.Counter;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.Consumer;

/**
 * What all replicas of a store share.
 *
 * @param budget bytes on their way
 * @param disk whether there is space
 * @param observer told about Regions that this store leads
 * @param worker for what may take a while: membership, destruction
 * @param timer for what comes later; never blocked
 * @param failures replicas that died of an exception or a disk
 * @param retire takes a replica down whose Region has let it go
 * @param regions all of them
 * @param locks asked, where this store leads, before another replica serves a read
 */
record PeerContext(
        ProposalBudget budget,
        DiskGuard disk,
        RegionObserver observer,
        Executor worker,
        ScheduledExecutorService timer,
        Counter failures,
        Consumer<RegionPeer> retire,
        RegionMap regions,
        LeaderLocks locks) {}
