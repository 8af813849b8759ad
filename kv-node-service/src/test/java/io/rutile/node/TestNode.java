package io.rutile.node;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.node.cdc.CdcOptions;
import io.rutile.node.gc.GcOptions;
import io.rutile.node.placement.HostPort;
import io.rutile.node.placement.PlacementOptions;
import io.rutile.node.raftstore.ConsistencyOptions;
import io.rutile.node.raftstore.SplitOptions;
import io.rutile.node.raftstore.StaleReadOptions;
import io.rutile.node.raftstore.StoreFaults;
import io.rutile.node.rpc.RpcOptions;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.RawGetRequest;
import io.rutile.protocol.kvrpcpb.RawGetResponse;
import io.rutile.protocol.kvrpcpb.RawPutRequest;
import io.rutile.protocol.kvrpcpb.RawPutResponse;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.tikvpb.TikvGrpc;
import io.rutile.storage.command.ApiVersion;
import io.rutile.tls.TransportSecurity;
import io.rutile.trace.Tracing;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A node in this JVM with a client beside it. */
final class TestNode implements AutoCloseable {

    private static final HostPort ANY = new HostPort("127.0.0.1", 0);

    final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    final KvNodeOptions options;
    final KvNode node;
    private @Nullable Client client;

    TestNode(FakePd pd, Path dataDir) {
        this(options(List.of(pd.endpoint()), dataDir));
    }

    TestNode(KvNodeOptions options) {
        this(options, StoreFaults.NONE);
    }

    TestNode(KvNodeOptions options, StoreFaults faults) {
        this.options = options;
        node = new KvNode(options, metrics, Clock.systemUTC(), faults);
    }

    TestNode(KvNodeOptions options, Tracing tracing) {
        this.options = options;
        node = new KvNode(options, TransportSecurity.PLAINTEXT, tracing, metrics, Clock.systemUTC());
    }

    static KvNodeOptions options(List<String> pdEndpoints, Path dataDir) {
        return options(pdEndpoints, dataDir, ApiVersion.V1);
    }

    static KvNodeOptions options(List<String> pdEndpoints, Path dataDir, ApiVersion apiVersion) {
        return new KvNodeOptions(
                dataDir,
                ANY,
                Optional.empty(),
                ANY,
                Optional.empty(),
                "",
                Map.of("zone", "z1"),
                new PlacementOptions(
                        pdEndpoints,
                        Duration.ofSeconds(30),
                        Duration.ofMillis(500),
                        Duration.ofMillis(300),
                        Duration.ofSeconds(3)),
                RpcOptions.of(ANY.resolve()),
                apiVersion,
                32L << 20,
                Duration.ofMillis(600),
                false,
                true,
                64L << 20,
                1L << 20,
                2L << 30,
                0,
                SplitOptions.DEFAULT,
                new GcOptions(Duration.ofMillis(200), Duration.ZERO, 1),
                ConsistencyOptions.DEFAULT,
                new StaleReadOptions(Duration.ofMillis(50), StaleReadOptions.DEFAULT.lockBytesMax()),
                new CdcOptions(
                        Duration.ofMillis(20), CdcOptions.DEFAULT.memoryBytesMax(), CdcOptions.DEFAULT.patience()));
    }

    /** The same, but Regions are split otherwise. */
    static KvNodeOptions splitBy(KvNodeOptions options, SplitOptions split) {
        return with(
                options, options.raftAdvertise(), split, options.consistency(), options.staleReads(), options.cdc());
    }

    /** The same, but it compares replicas in another way. */
    static KvNodeOptions comparing(KvNodeOptions options, ConsistencyOptions consistency) {
        return with(
                options, options.raftAdvertise(), options.split(), consistency, options.staleReads(), options.cdc());
    }

    /** The same, but other stores reach its Raft port by way of another address. */
    static KvNodeOptions reachedBy(KvNodeOptions options, HostPort raftAdvertise) {
        return with(
                options,
                Optional.of(raftAdvertise),
                options.split(),
                options.consistency(),
                options.staleReads(),
                options.cdc());
    }

    /** The same, but it keeps stale reads possible in another way. */
    static KvNodeOptions resolving(KvNodeOptions options, StaleReadOptions staleReads) {
        return with(
                options, options.raftAdvertise(), options.split(), options.consistency(), staleReads, options.cdc());
    }

    /** The same, but it feeds changes in another way. */
    static KvNodeOptions feeding(KvNodeOptions options, CdcOptions cdc) {
        return with(
                options, options.raftAdvertise(), options.split(), options.consistency(), options.staleReads(), cdc);
    }

    private static KvNodeOptions with(
            KvNodeOptions options,
            Optional<HostPort> raftAdvertise,
            SplitOptions split,
            ConsistencyOptions consistency,
            StaleReadOptions staleReads,
            CdcOptions cdc) {
        return new KvNodeOptions(
                options.dataDir(),
                options.listen(),
                options.advertise(),
                options.raftListen(),
                raftAdvertise,
                options.statusAddress(),
                options.labels(),
                options.placement(),
                options.rpc(),
                options.apiVersion(),
                options.cacheBytes(),
                options.electionTimeout(),
                options.forceReadIndex(),
                options.syncLog(),
                options.pendingBytesMax(),
                options.diskReserveBytesMax(),
                options.logBytesMax(),
                options.imageBytesPerSecondMax(),
                split,
                options.gc(),
                consistency,
                staleReads,
                cdc);
    }

    TestNode start() {
        node.start();
        client = new Client(node.address().toString());
        return this;
    }

    private Client client() {
        return Objects.requireNonNull(client);
    }

    TikvGrpc.TikvBlockingStub stub() {
        return client().stub();
    }

    TikvGrpc.TikvStub async() {
        return TikvGrpc.newStub(channel());
    }

    ManagedChannel channel() {
        return client().channel;
    }

    RawPutResponse put(Context context, String key, String value) {
        return client().put(context, key, value);
    }

    RawGetResponse get(Context context, String key) {
        return client().get(context, key);
    }

    /** A client of one store. */
    static final class Client implements AutoCloseable {

        final ManagedChannel channel;

        Client(String address) {
            channel = NettyChannelBuilder.forTarget(address)
                    .usePlaintext()
                    .maxInboundMessageSize(64 << 20)
                    .build();
        }

        TikvGrpc.TikvBlockingStub stub() {
            return TikvGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
        }

        RawPutResponse put(Context context, String key, String value) {
            return stub().rawPut(RawPutRequest.newBuilder()
                    .setContext(context)
                    .setKey(ByteString.copyFromUtf8(key))
                    .setValue(ByteString.copyFromUtf8(value))
                    .build());
        }

        RawGetResponse get(Context context, String key) {
            return stub().rawGet(RawGetRequest.newBuilder()
                    .setContext(context)
                    .setKey(ByteString.copyFromUtf8(key))
                    .build());
        }

        @Override
        public void close() {
            channel.shutdownNow();
        }
    }

    /** What a client would send that believes this peer to lead. */
    static Context context(Region region, Peer peer) {
        return Context.newBuilder()
                .setRegionId(region.getId())
                .setRegionEpoch(region.getRegionEpoch())
                .setPeer(peer)
                .build();
    }

    @Override
    public void close() {
        if (client != null) {
            client.close();
        }
        node.close();
    }
}
