package io.rutile.raft;

import io.grpc.ChannelCredentials;
import io.grpc.ServerCredentials;
import io.rutile.raft.image.ImageLimits;
import io.rutile.tls.TransportSecurity;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;

/**
 * What one process needs to take part.
 *
 * @param clusterId exchanged when stores connect; a store of another cluster is refused
 * @param storeId this process among the cluster's stores, from 1
 * @param dataDir for log, vote and received images; created if missing
 * @param listen where the Raft port listens; port 0 picks a free one
 * @param electionTimeout how long a follower waits for its leader before it stands for election; the lease is 90 % of it
 * @param sync fsync before anything is acknowledged; false only for measurements
 * @param forceReadIndex never answer from the lease
 * @param logEntriesMax entries applied since the last log compaction after which the log is cut again
 * @param logBytesMax the same in bytes
 * @param storeLogBytesMax what the logs of all groups may hold together, about; beyond it the longest are cut first
 * @param entryBytesMax largest entry that a group takes
 * @param imageBytesPerSecondMax pace of all images that this store sends together; 0 for no limit
 * @param memoryBytes what the process has, normally its heap; bounds of entries and messages in memory are parts of it
 * @param port how the Raft port is secured
 * @param channels how connections to other stores' Raft ports are
 */
public record RaftOptions(
        long clusterId,
        long storeId,
        Path dataDir,
        InetSocketAddress listen,
        Duration electionTimeout,
        boolean sync,
        boolean forceReadIndex,
        long logEntriesMax,
        long logBytesMax,
        long storeLogBytesMax,
        int entryBytesMax,
        long imageBytesPerSecondMax,
        long memoryBytes,
        ServerCredentials port,
        ChannelCredentials channels) {

    /** Sensible settings for a store with few to thousands of groups. */
    public static RaftOptions of(long clusterId, long storeId, Path dataDir, InetSocketAddress listen) {
        return new RaftOptions(
                clusterId,
                storeId,
                dataDir,
                listen,
                Duration.ofSeconds(2),
                true,
                false,
                100_000,
                128L << 20,
                2L << 30,
                (8 << 20) + (64 << 10),
                ImageLimits.DEFAULT.bytesPerSecondMax(),
                Runtime.getRuntime().maxMemory(),
                TransportSecurity.PLAINTEXT.peerPort(),
                TransportSecurity.PLAINTEXT.channels());
    }

    public RaftOptions withElectionTimeout(Duration timeout) {
        return new RaftOptions(
                clusterId,
                storeId,
                dataDir,
                listen,
                timeout,
                sync,
                forceReadIndex,
                logEntriesMax,
                logBytesMax,
                storeLogBytesMax,
                entryBytesMax,
                imageBytesPerSecondMax,
                memoryBytes,
                port,
                channels);
    }

    public RaftOptions withSync(boolean on) {
        return new RaftOptions(
                clusterId,
                storeId,
                dataDir,
                listen,
                electionTimeout,
                on,
                forceReadIndex,
                logEntriesMax,
                logBytesMax,
                storeLogBytesMax,
                entryBytesMax,
                imageBytesPerSecondMax,
                memoryBytes,
                port,
                channels);
    }

    public RaftOptions withForceReadIndex(boolean on) {
        return new RaftOptions(
                clusterId,
                storeId,
                dataDir,
                listen,
                electionTimeout,
                sync,
                on,
                logEntriesMax,
                logBytesMax,
                storeLogBytesMax,
                entryBytesMax,
                imageBytesPerSecondMax,
                memoryBytes,
                port,
                channels);
    }

    public RaftOptions withLogMax(long entries, long bytes) {
        return new RaftOptions(
                clusterId,
                storeId,
                dataDir,
                listen,
                electionTimeout,
                sync,
                forceReadIndex,
                entries,
                bytes,
                storeLogBytesMax,
                entryBytesMax,
                imageBytesPerSecondMax,
                memoryBytes,
                port,
                channels);
    }

    public RaftOptions withStoreLogBytesMax(long bytes) {
        return new RaftOptions(
                clusterId,
                storeId,
                dataDir,
                listen,
                electionTimeout,
                sync,
                forceReadIndex,
                logEntriesMax,
                logBytesMax,
                bytes,
                entryBytesMax,
                imageBytesPerSecondMax,
                memoryBytes,
                port,
                channels);
    }

    public RaftOptions withImageBytesPerSecondMax(long bytes) {
        return new RaftOptions(
                clusterId,
                storeId,
                dataDir,
                listen,
                electionTimeout,
                sync,
                forceReadIndex,
                logEntriesMax,
                logBytesMax,
                storeLogBytesMax,
                entryBytesMax,
                bytes,
                memoryBytes,
                port,
                channels);
    }

    public RaftOptions withMemoryBytes(long bytes) {
        return new RaftOptions(
                clusterId,
                storeId,
                dataDir,
                listen,
                electionTimeout,
                sync,
                forceReadIndex,
                logEntriesMax,
                logBytesMax,
                storeLogBytesMax,
                entryBytesMax,
                imageBytesPerSecondMax,
                bytes,
                port,
                channels);
    }

    /** Both directions alike: a store that asks for TLS has to speak it. */
    public RaftOptions withCredentials(ServerCredentials securedPort, ChannelCredentials securedChannels) {
        return new RaftOptions(
                clusterId,
                storeId,
                dataDir,
                listen,
                electionTimeout,
                sync,
                forceReadIndex,
                logEntriesMax,
                logBytesMax,
                storeLogBytesMax,
                entryBytesMax,
                imageBytesPerSecondMax,
                memoryBytes,
                securedPort,
                securedChannels);
    }
}
