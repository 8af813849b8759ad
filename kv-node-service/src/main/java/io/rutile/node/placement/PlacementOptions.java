package io.rutile.node.placement;

import java.time.Duration;
import java.util.List;

/**
 * How a store talks with the Placement Driver.
 *
 * @param endpoints {@code host:port} of any PD members
 * @param connectTimeout how long a starting store waits for PD
 * @param storeHeartbeatInterval pause between two reports about the store
 * @param regionHeartbeatInterval pause between two reports about a Region that has no news
 * @param expelledAfter how long a replica hears of no leader before PD is asked whether it still belongs to its Region
 */
public record PlacementOptions(
        List<String> endpoints,
        Duration connectTimeout,
        Duration storeHeartbeatInterval,
        Duration regionHeartbeatInterval,
        Duration expelledAfter) {

    public PlacementOptions {
        endpoints = List.copyOf(endpoints);
    }

    public static PlacementOptions of(List<String> endpoints) {
        return new PlacementOptions(
                endpoints,
                Duration.ofSeconds(30),
                Duration.ofSeconds(10),
                Duration.ofSeconds(10),
                Duration.ofSeconds(30));
    }
}
