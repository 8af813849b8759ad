package io.rutile.node.raftstore;

import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Checks Regions that are led here one after the other: the next begins when this store has its own hash of the one before.
 *
 * <p>Safe from any thread; one sweep at a time.
 */
@SuppressWarnings("FutureReturnValueIgnored") // each step ends in the next one
final class ConsistencySweep {

    private static final Logger log = LoggerFactory.getLogger(ConsistencySweep.class);

    private final ReplicaHashes hashes;
    private final Executor worker;
    private final AtomicBoolean underWay = new AtomicBoolean();

    ConsistencySweep(ReplicaHashes hashes, Executor worker) {
        this.hashes = hashes;
        this.worker = worker;
    }

    /** @return false if one is under way */
    boolean start(Collection<RegionPeer> leaders) {
        if (!underWay.compareAndSet(false, true)) {
            return false;
        }
        next(new ArrayDeque<>(leaders));
        return true;
    }

    private void next(Queue<RegionPeer> left) {
        RegionPeer peer = left.poll();
        if (peer == null) {
            underWay.set(false);
            return;
        }
        peer.checkConsistency()
                .thenCompose(index -> hashes.own(peer.regionId(), index))
                .whenComplete((hash, failure) -> {
                    if (failure != null) {
                        log.debug("region is left to the next sweep region={} reason={}", peer.regionId(), failure);
                    }
                    try {
                        worker.execute(() -> next(left));
                    } catch (RejectedExecutionException closing) {
                        underWay.set(false);
                    }
                });
    }
}
