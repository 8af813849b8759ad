package io.rutile.node.deadlock;

import com.google.protobuf.ByteString;
import io.rutile.protocol.WireLimits;
import io.rutile.protocol.deadlock.DeadlockResponse;
import io.rutile.protocol.deadlock.WaitForEntry;
import io.rutile.storage.command.DeadlockDetector;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The cluster's graph, as long as this store leads the first Region. A new lead begins with an empty one: what an earlier leader
 * knew is not known here, and the stores tell it again. Safe from every thread.
 */
final class WaitForGraph {

    /** What travels along for people to read; no edge needs more. */
    private static final int TAG_BYTES_MAX = 1 << 10;

    private final Supplier<Optional<FirstRegionLead>> firstRegion;
    private final DeadlockDetector detector;

    /** Whose edges the detector has. Guarded by this. */
    private @Nullable FirstRegionLead filledUnder;

    WaitForGraph(Supplier<Optional<FirstRegionLead>> firstRegion, Duration edgeLife, int edgesMax) {
        this.firstRegion = firstRegion;
        this.detector = new DeadlockDetector(edgeLife, edgesMax);
    }

    /** This store's lead, null if the graph is elsewhere. */
    synchronized @Nullable FirstRegionLead lead() {
        FirstRegionLead now = firstRegion.get().orElse(null);
        if (now != null && !now.equals(filledUnder)) {
            detector.clear();
            filledUnder = now;
        }
        return now;
    }

    boolean isUnder(FirstRegionLead lead) {
        return lead.equals(lead());
    }

    /** Adds an edge, unless it closes a circle. @return the circle, or null */
    @Nullable DeadlockResponse detect(WaitForEntry edge) {
        return detector.detect(bounded(edge)).join();
    }

    void forget(WaitForEntry edge) {
        detector.forget(edge);
    }

    void forgetTxn(long txn) {
        detector.forgetTxn(txn);
    }

    List<WaitForEntry> entries() {
        return detector.entries();
    }

    /** Drops what is too long to be kept for every edge (R10); circles are found by the numbers. */
    static WaitForEntry bounded(WaitForEntry edge) {
        boolean longKey = edge.getKey().size() > WireLimits.KEY_BYTES_MAX;
        boolean longTag = edge.getResourceGroupTag().size() > TAG_BYTES_MAX;
        if (!longKey && !longTag) {
            return edge;
        }
        return edge.toBuilder()
                .setKey(longKey ? ByteString.EMPTY : edge.getKey())
                .setResourceGroupTag(longTag ? ByteString.EMPTY : edge.getResourceGroupTag())
                .build();
    }
}
