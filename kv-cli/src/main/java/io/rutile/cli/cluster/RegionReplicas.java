package io.rutile.cli.cluster;

import io.rutile.client.pd.PdClient;
import io.rutile.client.pd.PdClientOptions;
import io.rutile.client.pd.PdException;
import io.rutile.client.pd.RegionLocation;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.metapb.PeerRole;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Whether every Region has all its replicas, and they vote, as the Placement Driver sees it. A cluster that called itself ready before could lose
 * its data with the first process that is killed.
 */
final class RegionReplicas implements AutoCloseable {

    private static final Duration CALL_TIMEOUT = Duration.ofSeconds(2);
    private static final int REPLICAS = 3;

    private final PdClient pd;
    private final int expected;

    private RegionReplicas(PdClient pd, int expected) {
        this.pd = pd;
        this.expected = expected;
    }

    static RegionReplicas of(ClusterLayout layout, Duration connectTimeout) {
        try {
            return new RegionReplicas(
                    PdClient.connect(new PdClientOptions(
                            layout.pdEndpoints(),
                            CALL_TIMEOUT,
                            connectTimeout,
                            layout.security().channels())),
                    Math.min(REPLICAS, layout.nodes()));
        } catch (PdException e) {
            throw new ClusterException(
                    "no Placement Driver answers at " + String.join(",", layout.pdEndpoints()) + ": " + e.getMessage(),
                    e);
        }
    }

    boolean complete() {
        try {
            List<RegionLocation> regions =
                    pd.scanRegions(KeyRange.ALL, 0).get(CALL_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
            return !regions.isEmpty() && regions.stream().allMatch(this::complete);
        } catch (ExecutionException | TimeoutException e) {
            return false; // not bootstrapped yet, or between two leaders
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private boolean complete(RegionLocation region) {
        long voters = region.region().getPeersList().stream()
                .filter(peer -> peer.getRole() == PeerRole.Voter)
                .count();
        return voters >= expected
                && region.leader() != null
                && region.pendingPeers().isEmpty();
    }

    @Override
    public void close() {
        pd.close();
    }
}
