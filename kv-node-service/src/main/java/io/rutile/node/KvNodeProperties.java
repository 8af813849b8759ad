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
import jakarta.validation.Valid;
import jakarta.validation.constraints.AssertTrue;
import jakarta.validation.constraints.DecimalMax;
import jakarta.validation.constraints.DecimalMin;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.NotEmpty;
import jakarta.validation.constraints.NotNull;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.hibernate.validator.constraints.time.DurationMin;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;
import org.springframework.validation.annotation.Validated;

/**
 * {@code rutile.node.*}: configuration of a KV node.
 *
 * @param dataDir directory of this node's data, log and images; made if missing
 * @param address host:port that gRPC listens on; port 0 picks a free one
 * @param advertiseAddress host:port that clients are told; by default {@code address}
 * @param raftAddress host:port that Raft listens on; port 0 picks a free one
 * @param advertiseRaftAddress host:port that other nodes are told; by default {@code raft-address}
 * @param statusAddress host:port of this node's metrics, as PD lists it; empty for none
 * @param labels location labels, such as {@code zone: a}
 * @param pdEndpoints host:port of PD members; any one is enough to begin with
 * @param pdConnectTimeout how long a starting node waits for PD
 * @param apiVersion V1, V1TTL for raw pairs that may expire, or V2 for key spaces; fixed for the life of the data
 * @param cacheSize memory of the data engine: block cache and memtables together, from 16MB
 * @param pendingWritesMax bytes of writes on their way, over all Regions; more are answered with ServerIsBusy
 * @param diskReserve bytes of disk kept free, or 5 % of the disk if that is less; below it writes are answered with DiskFull
 * @param logSize what the Raft logs of all Regions may hold together, about, from 64MB; a replica that is away while they hold more needs an image of its
 *     Region when it comes back
 * @param imageRate bytes a second of all images of Regions that this node sends to others together; 0 for no limit
 * @param electionTimeout how long a follower waits for its leader before another is elected, from 200ms; a dead leader's Regions are
 *     written to again after this and a little. Must be the same on every node: the leader's lease is 90 % of it (R7)
 * @param forceReadIndex ask a majority for every read instead of trusting the leader's lease
 * @param syncLog fsync before a write is acknowledged; false loses acknowledged writes in a power cut
 * @param storeHeartbeatInterval pause between two reports about the store to PD
 * @param regionHeartbeatInterval pause between two reports about a Region without news
 * @param expelledAfter how long a replica hears of no leader before it asks PD whether it still belongs to its Region
 * @param gcPollInterval pause between two questions to PD whether the GC safe point has moved
 * @param gcRegionInterval how far the safe point moves before a Region is looked through for old versions again
 * @param gcShare of one thread's time that looking for old versions and removing them may take, up to 1.0
 * @param split when Regions are split
 * @param consistency how replicas are compared
 * @param staleRead how reads at a timestamp of the past are kept possible at every replica
 * @param cdc how changes are fed to clients that watch
 * @param rpc bounds of the gRPC port
 */
@Validated
@ConfigurationProperties("rutile.node")
public record KvNodeProperties(
        @NotNull Path dataDir,
        @NotBlank @DefaultValue("127.0.0.1:20160") String address,
        Optional<String> advertiseAddress,
        @NotBlank @DefaultValue("127.0.0.1:20260") String raftAddress,
        Optional<String> advertiseRaftAddress,
        @DefaultValue("") String statusAddress,
        @DefaultValue Map<String, String> labels,
        @NotEmpty @DefaultValue("127.0.0.1:2379") List<@NotBlank String> pdEndpoints,

        @NotNull @DurationMin(seconds = 1) @DefaultValue("30s")
        Duration pdConnectTimeout,

        @NotNull @DefaultValue("V1") ApiVersion apiVersion,
        @NotNull @DefaultValue("128MB") DataSize cacheSize,
        @NotNull @DefaultValue("64MB") DataSize pendingWritesMax,
        @NotNull @DefaultValue("256MB") DataSize diskReserve,
        @NotNull @DefaultValue("2GB") DataSize logSize,
        @NotNull @DefaultValue("100MB") DataSize imageRate,

        @NotNull @DurationMin(millis = 200) @DefaultValue("1s")
        Duration electionTimeout,

        @DefaultValue("false") boolean forceReadIndex,
        @DefaultValue("true") boolean syncLog,

        @NotNull @DurationMin(millis = 100) @DefaultValue("10s")
        Duration storeHeartbeatInterval,

        @NotNull @DurationMin(millis = 100) @DefaultValue("10s")
        Duration regionHeartbeatInterval,

        @NotNull @DurationMin(seconds = 1) @DefaultValue("30s")
        Duration expelledAfter,

        @NotNull @DurationMin(millis = 100) @DefaultValue("10s")
        Duration gcPollInterval,

        @NotNull @DurationMin @DefaultValue("5m") Duration gcRegionInterval,

        @DecimalMin("0.01") @DecimalMax("1") @DefaultValue("0.25")
        double gcShare,

        @Valid @NotNull @DefaultValue Split split,
        @Valid @NotNull @DefaultValue Consistency consistency,
        @Valid @NotNull @DefaultValue StaleRead staleRead,
        @Valid @NotNull @DefaultValue Cdc cdc,
        @Valid @NotNull @DefaultValue Rpc rpc) {

    private static final long LOG_BYTES_MIN = 64L << 20;

    /**
     * {@code rutile.node.split.*}.
     *
     * @param size what a Region should hold, from 1MB; it is split once it holds half as much again
     * @param keys the same in records
     * @param encodedOnly never split between raw keys that begin with the same 8 bytes: for clusters of API V1 in which transactional
     *     clients scan across raw data. A Region of such keys then grows without bound
     * @param interval pause between two looks
     * @param qps requests a second, reads and writes together, above which a Region is split so that each half serves about half of
     *     them; 0 for never.
     * @param bytesRate the same in bytes read and written a second; 0 for never
     * @param loadWindow how long a Region has to be above one of the two, from 1s
     */
    public record Split(
            @NotNull @DefaultValue("96MB") DataSize size,
            @Min(1_000) @DefaultValue("960000") long keys,
            @DefaultValue("false") boolean encodedOnly,

            @NotNull @DurationMin(millis = 100) @DefaultValue("10s")
            Duration interval,

            @Min(0) @DefaultValue("3000") long qps,
            @NotNull @DefaultValue("30MB") DataSize bytesRate,

            @NotNull @DurationMin(seconds = 1) @DefaultValue("10s")
            Duration loadWindow) {

        @AssertTrue(message = "rutile.node.split.bytes-rate must not be negative") boolean isBytesRateNotNegative() {
            return bytesRate.toBytes() >= 0;
        }
    }

    /**
     * {@code rutile.node.consistency.*}.
     *
     * @param interval pause between two checks of all Regions that are led here; 0 for none but those that somebody asks for
     * @param bytesRate that may be read for it in a second, over all Regions of the node, above 0
     */
    public record Consistency(
            @NotNull @DurationMin @DefaultValue("0s") Duration interval,
            @NotNull @DefaultValue("64MB") DataSize bytesRate) {}

    /**
     * {@code rutile.node.stale-read.*}.
     *
     * @param interval pause between two advances of the timestamp that Regions led here can be read at without asking this node; 0 for
     *     none: every stale read is then answered with DataIsNotReady
     * @param lockMemory for the locks of these Regions, together, above 0; a Region whose locks don't fit doesn't advance
     */
    public record StaleRead(
            @NotNull @DurationMin @DefaultValue("1s") Duration interval,
            @NotNull @DefaultValue("64MB") DataSize lockMemory) {

        @AssertTrue(message = "rutile.node.stale-read.lock-memory must be above 0") boolean isLockMemoryPositive() {
            return lockMemory.toBytes() > 0;
        }
    }

    /**
     * {@code rutile.node.cdc.*}.
     *
     * @param interval pause between two looks at how far watched Regions are settled, from 10ms: about how late a watcher sees a change
     * @param memory for changes on their way to clients and for locks of watched Regions, together, above 0
     * @param patience after which a client that takes no changes is let go, from 1s
     */
    public record Cdc(
            @NotNull @DurationMin(millis = 10) @DefaultValue("200ms")
            Duration interval,

            @NotNull @DefaultValue("64MB") DataSize memory,

            @NotNull @DurationMin(seconds = 1) @DefaultValue("30s")
            Duration patience) {

        @AssertTrue(message = "rutile.node.cdc.memory must be above 0") boolean isMemoryPositive() {
            return memory.toBytes() > 0;
        }
    }

    /**
     * {@code rutile.node.rpc.*}.
     *
     * @param threads that run requests; 0 for twice the processors
     * @param timeoutDefault for a request that brings no deadline
     * @param timeoutMax longest wait that a request may ask for
     * @param connectionsMax open connections; more are closed as they come
     * @param connectionsPerAddressMax the same for one remote address
     * @param handshakeTimeout after which a connection that has not said what it wants is closed
     * @param slowThreshold from which on a request is logged, with where its time went; 0 for never
     */
    public record Rpc(
            @Min(0) @Max(1024) @DefaultValue("0") int threads,

            @NotNull @DurationMin(millis = 1) @DefaultValue("20s")
            Duration timeoutDefault,

            @NotNull @DurationMin(millis = 1) @DefaultValue("60s")
            Duration timeoutMax,

            @Min(1) @DefaultValue("4096") int connectionsMax,
            @Min(1) @DefaultValue("2048") int connectionsPerAddressMax,

            @NotNull @DurationMin(millis = 100) @DefaultValue("10s")
            Duration handshakeTimeout,

            @NotNull @DurationMin @DefaultValue("500ms") Duration slowThreshold) {}

    @AssertTrue(message = "rutile.node.image-rate must not be negative") boolean isImageRateNotNegative() {
        return imageRate.toBytes() >= 0;
    }

    @AssertTrue(message = "rutile.node.log-size must be 64MB or more") boolean isLogSizeEnough() {
        return logSize.toBytes() >= LOG_BYTES_MIN;
    }

    /** The same without Spring. @throws IllegalArgumentException if an address is no {@code host:port} */
    public KvNodeOptions toOptions() {
        HostPort listen = HostPort.parse(address);
        RpcOptions defaults = RpcOptions.of(listen.resolve());
        return new KvNodeOptions(
                dataDir,
                listen,
                advertiseAddress.map(HostPort::parse),
                HostPort.parse(raftAddress),
                advertiseRaftAddress.map(HostPort::parse),
                statusAddress,
                labels,
                new PlacementOptions(
                        pdEndpoints, pdConnectTimeout, storeHeartbeatInterval, regionHeartbeatInterval, expelledAfter),
                new RpcOptions(
                        listen.resolve(),
                        rpc.threads() == 0 ? defaults.threads() : rpc.threads(),
                        rpc.timeoutDefault(),
                        rpc.timeoutMax(),
                        rpc.connectionsMax(),
                        rpc.connectionsPerAddressMax(),
                        rpc.handshakeTimeout(),
                        rpc.slowThreshold()),
                apiVersion,
                cacheSize.toBytes(),
                electionTimeout,
                forceReadIndex,
                syncLog,
                pendingWritesMax.toBytes(),
                diskReserve.toBytes(),
                logSize.toBytes(),
                imageRate.toBytes(),
                new SplitOptions(
                        split.size().toBytes(),
                        split.keys(),
                        split.encodedOnly(),
                        split.interval(),
                        split.qps(),
                        split.bytesRate().toBytes(),
                        split.loadWindow()),
                new GcOptions(gcPollInterval, gcRegionInterval, gcShare),
                new ConsistencyOptions(
                        consistency.interval(), consistency.bytesRate().toBytes()),
                new StaleReadOptions(
                        staleRead.interval(), staleRead.lockMemory().toBytes()),
                new CdcOptions(cdc.interval(), cdc.memory().toBytes(), cdc.patience()));
    }
}
