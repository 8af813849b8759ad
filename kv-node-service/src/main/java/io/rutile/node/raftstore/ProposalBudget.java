package io.rutile.node.raftstore;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.protocol.RegionErrors;
import java.util.concurrent.atomic.AtomicLong;

/** Bytes that all Regions of a store may have on their way between propose and apply (R10). Thread-safe. */
final class ProposalBudget {

    private final long bytesMax;
    private final AtomicLong bytes = new AtomicLong();
    private final Counter refusals;

    ProposalBudget(long bytesMax, MeterRegistry metrics) {
        this.bytesMax = bytesMax;
        this.refusals = metrics.counter("kv.raftstore.proposal.refusals");
        metrics.gauge("kv.raftstore.proposal.pending.bytes", bytes);
    }

    /**
     * Takes so many bytes until {@link #release}. One entry always fits into an empty budget.
     *
     * @throws io.rutile.protocol.RegionException {@code ServerIsBusy} if there is no room
     */
    void acquire(long size) {
        long after = bytes.addAndGet(size);
        if (after > bytesMax && after != size) {
            bytes.addAndGet(-size);
            refusals.increment();
            throw RegionErrors.serverIsBusy("too many pending writes", 50);
        }
    }

    void release(long size) {
        long after = bytes.addAndGet(-size);
        assert after >= 0 : "released more than was acquired";
    }

    long pendingBytes() {
        return bytes.get();
    }
}
