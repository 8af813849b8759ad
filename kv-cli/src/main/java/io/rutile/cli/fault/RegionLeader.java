package io.rutile.cli.fault;

import io.rutile.cli.cluster.ClusterLayout;
import io.rutile.cli.cluster.Role;
import io.rutile.client.pd.PdClient;
import io.rutile.client.pd.RegionLocation;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.metapb.Peer;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Which process leads the Region of a key, as the Placement Driver heard last. */
public final class RegionLeader implements LeaderView {

    private static final Duration ANSWER_WAIT = Duration.ofSeconds(2);

    private final ClusterLayout layout;
    private final PdClient pd;
    private final ByteKey border;

    /**
     * @param pd not closed here
     * @param key of a transaction
     */
    public RegionLeader(ClusterLayout layout, PdClient pd, String key) {
        this.layout = layout;
        this.pd = pd;
        this.border = RegionSplits.border(key);
    }

    /** Empty, too, if the Placement Driver does not say within two seconds. */
    @Override
    public Optional<String> process() throws InterruptedException {
        try {
            Optional<RegionLocation> region = pd.regionByKey(border).get(ANSWER_WAIT.toMillis(), TimeUnit.MILLISECONDS);
            Peer leader = region.map(RegionLocation::leader).orElse(null);
            if (leader == null) {
                return Optional.empty();
            }
            String address = pd.store(leader.getStoreId())
                    .get(ANSWER_WAIT.toMillis(), TimeUnit.MILLISECONDS)
                    .getAddress();
            return layout.services().stream()
                    .filter(service -> service.role() == Role.NODE)
                    .filter(service -> address.endsWith(":" + service.port("grpc")))
                    .map(service -> service.name())
                    .findFirst();
        } catch (ExecutionException | TimeoutException e) {
            return Optional.empty();
        }
    }
}
