package io.rutile.client.pd;

import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What PD knows of a Region.
 *
 * @param region its range, epoch and peers
 * @param leader who led at the last heartbeat, null if nobody is known
 * @param downPeers peers that PD takes for dead
 * @param pendingPeers peers that are still catching up
 */
public record RegionLocation(Region region, @Nullable Peer leader, List<Peer> downPeers, List<Peer> pendingPeers) {}
