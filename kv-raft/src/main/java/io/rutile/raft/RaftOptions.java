package io.rutile.raft;

import io.grpc.ChannelCredentials;
import io.grpc.ServerCredentials;
import io.rutile.raft.image.ImageLimits;
import io.rutile.tls.TransportSecurity;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Consumer;

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
        return with(copy -> copy.electionTimeout = timeout);
    }

    public RaftOptions withSync(boolean on) {
        return with(copy -> copy.sync = on);
    }

    public RaftOptions withForceReadIndex(boolean on) {
        return with(copy -> copy.forceReadIndex = on);
    }

    public RaftOptions withLogMax(long entries, long bytes) {
        return with(copy -> {
            copy.logEntriesMax = entries;
            copy.logBytesMax = bytes;
        });
    }

    public RaftOptions withStoreLogBytesMax(long bytes) {
        return with(copy -> copy.storeLogBytesMax = bytes);
    }

    public RaftOptions withImageBytesPerSecondMax(long bytes) {
        return with(copy -> copy.imageBytesPerSecondMax = bytes);
    }

    public RaftOptions withMemoryBytes(long bytes) {
        return with(copy -> copy.memoryBytes = bytes);
    }

    /** Both directions alike: a store that asks for TLS has to speak it. */
    public RaftOptions withCredentials(ServerCredentials securedPort, ChannelCredentials securedChannels) {
        return with(copy -> {
            copy.port = securedPort;
            copy.channels = securedChannels;
        });
    }

    private RaftOptions with(Consumer<Copy> change) {
        Copy copy = new Copy(this);
        change.accept(copy);
        return copy.toOptions();
    }

    /** What can be changed, while it is. */
    private static final class Copy {

        private final RaftOptions of;
        private Duration electionTimeout;
        private boolean sync;
        private boolean forceReadIndex;
        private long logEntriesMax;
        private long logBytesMax;
        private long storeLogBytesMax;
        private long imageBytesPerSecondMax;
        private long memoryBytes;
        private ServerCredentials port;
        private ChannelCredentials channels;

        Copy(RaftOptions of) {
            this.of = of;
            this.electionTimeout = of.electionTimeout;
            this.sync = of.sync;
            this.forceReadIndex = of.forceReadIndex;
            this.logEntriesMax = of.logEntriesMax;
            this.logBytesMax = of.logBytesMax;
            this.storeLogBytesMax = of.storeLogBytesMax;
            this.imageBytesPerSecondMax = of.imageBytesPerSecondMax;
            this.memoryBytes = of.memoryBytes;
            this.port = of.port;
            this.channels = of.channels;
        }

        RaftOptions toOptions() {
            return new RaftOptions(
                    of.clusterId,
                    of.storeId,
                    of.dataDir,
                    of.listen,
                    electionTimeout,
                    sync,
                    forceReadIndex,
                    logEntriesMax,
                    logBytesMax,
                    storeLogBytesMax,
                    of.entryBytesMax,
                    imageBytesPerSecondMax,
                    memoryBytes,
                    port,
                    channels);
        }
    }
}
