package io.rutile.node;

import io.rutile.node.cdc.CdcOptions;
import io.rutile.node.gc.GcOptions;
import io.rutile.node.placement.HostPort;
import io.rutile.node.placement.PlacementOptions;
import io.rutile.node.raftstore.ConsistencyOptions;
import io.rutile.node.raftstore.SplitOptions;
import io.rutile.node.raftstore.StaleReadOptions;
import io.rutile.node.rpc.RpcOptions;
import io.rutile.storage.command.ApiVersion;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * Everything that a {@link KvNode} needs to know.
 *
 * @param dataDir data, log and images; made if missing
 * @param listen gRPC; port 0 picks a free one
 * @param advertise what clients are told; {@code listen} with its real port if empty
 * @param raftListen Raft; port 0 picks a free one
 * @param raftAdvertise what other stores are told; {@code raftListen} with its real port if empty
 * @param statusAddress where metrics are, for PD's list of stores; empty if nowhere
 * @param labels location labels that PD places replicas by
 * @param placement how PD is reached
 * @param rpc bounds of the gRPC port; its listen address is {@code listen}
 * @param apiVersion how raw values are encoded; fixed for the life of the data
 * @param cacheBytes memory of the data engine: block cache and memtables
 * @param electionTimeout how long a follower waits for its leader
 * @param forceReadIndex never answer a read from the lease
 * @param syncLog fsync before anything is acknowledged; false only for measurements
 * @param pendingBytesMax bytes of writes on their way, over all Regions
 * @param diskReserveBytesMax bytes of disk kept free, or 5 % of the disk if that is less
 * @param logBytesMax what the Raft logs of all Regions may hold together, about
 * @param imageBytesPerSecondMax pace of all images that are sent to other stores together; 0 for no limit
 * @param split when Regions are split
 * @param gc how old versions are collected
 * @param consistency how replicas are compared
 * @param staleReads how stale reads are kept possible
 * @param cdc how changes are fed to clients that watch
 */
public record KvNodeOptions(
        Path dataDir,
        HostPort listen,
        Optional<HostPort> advertise,
        HostPort raftListen,
        Optional<HostPort> raftAdvertise,
        String statusAddress,
        Map<String, String> labels,
        PlacementOptions placement,
        RpcOptions rpc,
        ApiVersion apiVersion,
        long cacheBytes,
        Duration electionTimeout,
        boolean forceReadIndex,
        boolean syncLog,
        long pendingBytesMax,
        long diskReserveBytesMax,
        long logBytesMax,
        long imageBytesPerSecondMax,
        SplitOptions split,
        GcOptions gc,
        ConsistencyOptions consistency,
        StaleReadOptions staleReads,
        CdcOptions cdc) {

    public KvNodeOptions {
        labels = Map.copyOf(labels);
    }
}
