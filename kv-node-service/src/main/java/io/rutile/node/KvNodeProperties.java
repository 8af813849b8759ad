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
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;
import org.springframework.validation.annotation.Validated;

/**
 * {@code rutile.node.*}: configuration of a KV node. Read once, at the start. docs/configuration.md is made of these comments, and
 * {@code ConfigurationDocTest} tries the ends of every {@code Range:}, which are part of it.
 *
 * @param dataDir directory of this node's data, log and images; made if missing, one node's alone. Default: {@code ./.rutile/node-1}
 * @param address {@code host:port} that gRPC listens on; port 0 picks a free one
 * @param advertiseAddress {@code host:port} that clients are told. Default: {@code rutile.node.address}
 * @param raftAddress {@code host:port} that Raft listens on; port 0 picks a free one
 * @param advertiseRaftAddress {@code host:port} that other nodes are told. Default: {@code rutile.node.raft-address}
 * @param statusAddress {@code host:port} of this node's metrics, as PD lists it; empty for none. Default: address and port of the
 *     management port
 * @param labels location labels by their names, such as {@code rutile.node.labels.zone=a}. Default: none
 * @param pdEndpoints {@code host:port} of PD members; any one is enough to begin with
 * @param pdConnectTimeout how long a starting node waits for PD. Range: from 1s
 * @param apiVersion {@code V1}, {@code V1TTL} for raw pairs that may expire, or {@code V2} for keyspaces; fixed for the life of the data
 * @param cacheSize memory of the data engine: block cache and memtables together. Default: half of what the heap and 512 MB leave of the memory
 *     of the container or machine, 64 MB at least. Range: from 16MB
 * @param pendingWritesMax bytes of writes on their way, over all Regions; more are answered {@code ServerIsBusy}. Range: from 1B
 * @param diskReserve bytes of disk kept free, or 5 % of the disk if that is less; below it writes are answered {@code DiskFull}. Range: from 0B
 * @param logSize bytes that the Raft logs of all Regions may hold together, about; a replica that is away while they hold more needs an
 *     image of its Region when it comes back. Range: from 64MB
 * @param imageRate bytes a second of all images of Regions that this node sends to others together; 0 for no limit. Range: from 0B
 * @param electionTimeout how long a follower waits for its leader before another is elected; a dead leader's Regions are written to again after
 *     this and a little. Must be the same on every node: the leader's lease is 90 % of it (R7). Range: from 200ms
 * @param forceReadIndex ask a majority for every read instead of trusting the leader's lease
 * @param syncLog fsync before a write is acknowledged; false loses acknowledged writes in a power cut
 * @param storeHeartbeatInterval pause between two reports about the store to PD. Range: from 100ms
 * @param regionHeartbeatInterval pause between two reports about a Region without news. Range: from 100ms
 * @param expelledAfter how long a replica hears of no leader before it asks PD whether it still belongs to its Region. Range: from 1s
 * @param gcPollInterval pause between two questions to PD whether the GC safe point has moved, and between two rounds. Range: from 100ms
 * @param gcRegionInterval how far the safe point moves before a Region is looked through for old versions again; 0 for every move. Range: from
 *     0s
 * @param gcShare part of one thread's time that looking for old versions and removing them may take. Range: 0.01 to 1
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
        @Nullable DataSize cacheSize,
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
    private static final long CACHE_BYTES_MIN = 16L << 20;

    /**
     * {@code rutile.node.split.*}.
     *
     * @param size bytes that a Region should hold; it is split once it holds half as much again. Range: from 1MB
     * @param keys the same in records. Range: from 1000
     * @param encodedOnly never split between raw keys that begin with the same 8 bytes: for clusters of API V1 in which transactional
     *     clients scan across raw data. A Region of such keys then grows without bound
     * @param interval pause between two looks. Range: from 100ms
     * @param qps requests a second, reads and writes together, above which a Region is split so that each half serves about half of
     *     them; 0 for never. Range: from 0
     * @param bytesRate the same in bytes read and written a second; 0 for never. Range: from 0B
     * @param loadWindow how long a Region has to be above one of the two. Range: from 1s
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

        private static final long SIZE_BYTES_MIN = 1L << 20;

        @AssertTrue(message = "rutile.node.split.size must be 1MB or more") boolean isSizeEnough() {
            return size.toBytes() >= SIZE_BYTES_MIN;
        }

        @AssertTrue(message = "rutile.node.split.bytes-rate must not be negative") boolean isBytesRateNotNegative() {
            return bytesRate.toBytes() >= 0;
        }
    }

    /**
     * {@code rutile.node.consistency.*}.
     *
     * @param interval pause between two checks of all Regions that are led here; 0 for none but those that somebody asks for. Range: from 0s
     * @param bytesRate bytes that may be read for it in a second, over all Regions of the node. Range: from 1B
     */
    public record Consistency(
            @NotNull @DurationMin @DefaultValue("0s") Duration interval,
            @NotNull @DefaultValue("64MB") DataSize bytesRate) {

        @AssertTrue(message = "rutile.node.consistency.bytes-rate must be above 0") boolean isBytesRatePositive() {
            return bytesRate.toBytes() > 0;
        }
    }

    /**
     * {@code rutile.node.stale-read.*}.
     *
     * @param interval pause between two advances of the timestamp that Regions led here can be read at without asking this node; 0 for
     *     none: every stale read is then answered {@code DataIsNotReady}. Range: from 0s
     * @param lockMemory bytes for the locks of these Regions, together; a Region whose locks don't fit doesn't advance. Range: from 1B
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
     * @param interval pause between two looks at how far watched Regions are settled: about how late a watcher sees a change. Range: from 10ms
     * @param memory bytes for changes on their way to clients and for locks of watched Regions, together. Range: from 1B
     * @param patience after which a client that takes no changes is let go. Range: from 1s
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
     * @param threads that run requests; 0 for twice the processors, at least 4. Range: 0 to 1024
     * @param timeoutDefault deadline of a request that brings none. Range: from 1ms
     * @param timeoutMax longest wait that a request may ask for. Range: from 1ms
     * @param connectionsMax open connections; more are closed as they come. Range: from 1
     * @param connectionsPerAddressMax the same for one remote address. Range: from 1
     * @param handshakeTimeout after which a connection that has not said what it wants is closed. Range: from 100ms
     * @param slowThreshold from which on a request is logged, with where its time went; 0 for never. Range: from 0s
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

    @AssertTrue(message = "rutile.node.cache-size must be 16MB or more") boolean isCacheSizeEnough() {
        return cacheSize == null || cacheSize.toBytes() >= CACHE_BYTES_MIN;
    }

    @AssertTrue(message = "rutile.node.pending-writes-max must be above 0") boolean isPendingWritesMaxPositive() {
        return pendingWritesMax.toBytes() > 0;
    }

    @AssertTrue(message = "rutile.node.disk-reserve must not be negative") boolean isDiskReserveNotNegative() {
        return diskReserve.toBytes() >= 0;
    }

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
                cacheSize == null ? EngineMemory.ofThisProcess() : cacheSize.toBytes(),
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
