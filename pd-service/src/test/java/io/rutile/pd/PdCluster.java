package io.rutile.pd;

import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.pd.meta.HostPort;
import io.rutile.pd.meta.InitialCluster;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.keyspacepb.GetAllKeyspacesRequest;
import io.rutile.protocol.keyspacepb.KeyspaceGrpc;
import io.rutile.protocol.keyspacepb.KeyspaceMeta;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.RegionEpoch;
import io.rutile.protocol.metapb.Store;
import io.rutile.protocol.pdpb.AllocIDRequest;
import io.rutile.protocol.pdpb.BootstrapRequest;
import io.rutile.protocol.pdpb.ErrorType;
import io.rutile.protocol.pdpb.GCState;
import io.rutile.protocol.pdpb.GetGCStateRequest;
import io.rutile.protocol.pdpb.GetMembersRequest;
import io.rutile.protocol.pdpb.GetMembersResponse;
import io.rutile.protocol.pdpb.GetStoreRequest;
import io.rutile.protocol.pdpb.IsBootstrappedRequest;
import io.rutile.protocol.pdpb.PDGrpc;
import io.rutile.protocol.pdpb.RequestHeader;
import io.rutile.protocol.pdpb.TsoRequest;
import io.rutile.protocol.pdpb.TsoResponse;
import io.rutile.protocol.pdpb.UpdateGCSafePointRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.awaitility.Awaitility;

/** Members in one JVM, over real Raft on loopback. */
final class PdCluster implements AutoCloseable {

    static final Duration PATIENCE = Duration.ofSeconds(20);

    private static final HttpClient HTTP =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private final Map<Integer, PdOptions> options = new TreeMap<>();
    private final Map<Integer, PdServer> running = new TreeMap<>();
    private final Map<Integer, ManagedChannel> channels = new HashMap<>();

    static PdCluster alone(Path directory) {
        PdCluster cluster = new PdCluster();
        cluster.options.put(1, PdOptions.alone(directory));
        cluster.startMember(1);
        return cluster;
    }

    static PdCluster of(int members, Path directory) {
        PdCluster cluster = new PdCluster();
        int[] ports = freePorts(members);
        StringBuilder initial = new StringBuilder();
        for (int i = 1; i <= members; i++) {
            initial.append(i == 1 ? "" : ",")
                    .append("pd-")
                    .append(i)
                    .append("=127.0.0.1:")
                    .append(ports[i - 1]);
        }
        PdOptions alone = PdOptions.alone(directory);
        for (int i = 1; i <= members; i++) {
            cluster.options.put(
                    i,
                    new PdOptions(
                            "pd-" + i,
                            directory.resolve("pd-" + i),
                            alone.clientListen(),
                            null,
                            new HostPort("127.0.0.1", ports[i - 1]),
                            null,
                            InitialCluster.parse(initial.toString()),
                            List.of(),
                            alone.electionTimeout(),
                            alone.leader(),
                            alone.door(),
                            alone.http()));
            cluster.startMember(i);
        }
        return cluster;
    }

    /** A member that is to join by asking another one; starts and returns when it was taken in. */
    void join(int member, int by) {
        willJoin(member, by);
        startMember(member);
    }

    /** The same, but it is not started yet. */
    PdOptions willJoin(int member, int by) {
        PdOptions some = options.values().iterator().next();
        Path beside = Objects.requireNonNull(some.dataDir().getParent(), "a directory for members side by side");
        int port = freePorts(1)[0];
        PdOptions joining = new PdOptions(
                "pd-" + member,
                beside.resolve("pd-" + member),
                some.clientListen(),
                null,
                new HostPort("127.0.0.1", port),
                null,
                InitialCluster.parse("pd-" + member + "=127.0.0.1:" + port),
                List.of(url(by)),
                some.electionTimeout(),
                some.leader(),
                some.door(),
                some.http());
        options.put(member, joining);
        return joining;
    }

    String url(int member) {
        return "http://127.0.0.1:" + server(member).clientAddress().getPort();
    }

    /** What one member answers over HTTP: the status and the body. */
    String http(int member, String method, String path) {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url(member) + "/pd/api/v1" + path))
                .timeout(PATIENCE)
                .method(method, BodyPublishers.noBody())
                .build();
        try {
            HttpResponse<String> answer = HTTP.send(request, BodyHandlers.ofString());
            return answer.statusCode() + " " + answer.body();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    void startMember(int member) {
        running.put(member, start(Objects.requireNonNull(options.get(member))));
    }

    void stopMember(int member) {
        PdServer server = running.remove(member);
        if (server != null) {
            server.close();
        }
    }

    boolean isRunning(int member) {
        return running.containsKey(member);
    }

    static PdServer start(PdOptions options) {
        PdServer server = new PdServer(options, new SimpleMeterRegistry());
        server.start();
        return server;
    }

    /** For a member that somebody else has started. */
    static ErrorType bootstrap(PdServer server, Store store) {
        return ask(server, client -> client.bootstrap(store));
    }

    /** For a member that somebody else has started. */
    static List<String> keyspaces(PdServer server) {
        return ask(server, Client::keyspaces);
    }

    private static <T> T ask(PdServer server, Function<Client, T> call) {
        ManagedChannel channel = NettyChannelBuilder.forAddress(
                        "127.0.0.1", server.clientAddress().getPort())
                .usePlaintext()
                .build();
        try {
            return call.apply(new Client(channel));
        } finally {
            channel.shutdownNow();
        }
    }

    /** Waits until one of those that run serves as leader. */
    int leaderId() {
        Awaitility.await().atMost(PATIENCE).until(() -> serving().isPresent());
        return serving().orElseThrow();
    }

    private Optional<Integer> serving() {
        return running.entrySet().stream()
                .filter(member -> member.getValue().leaderTerm().isPresent())
                .map(Map.Entry::getKey)
                .findFirst();
    }

    /** Asks whoever leads, again if leadership moves meanwhile: what every client does. */
    <T> T call(Function<Client, T> call) {
        return Awaitility.await()
                .atMost(PATIENCE)
                .ignoreExceptionsMatching(PdCluster::isWorthAnotherTry)
                .until(() -> Optional.of(call.apply(client(leaderId()))), Optional::isPresent)
                .orElseThrow();
    }

    private static boolean isWorthAnotherTry(Throwable failure) {
        Status.Code code = Status.fromThrowable(failure).getCode();
        return code == Status.Code.UNAVAILABLE || code == Status.Code.DEADLINE_EXCEEDED;
    }

    Client client(int member) {
        PdServer server = server(member);
        return new Client(channels.computeIfAbsent(
                server.clientAddress().getPort(),
                port -> NettyChannelBuilder.forAddress("127.0.0.1", port)
                        .usePlaintext()
                        .build()));
    }

    PdServer server(int member) {
        return Objects.requireNonNull(running.get(member), "that member does not run");
    }

    @Override
    public void close() {
        channels.values().forEach(ManagedChannel::shutdownNow);
        running.values().forEach(PdServer::close);
    }

    static PdOptions withClientPort(PdOptions options, int port) {
        return ports(options, port, options.raftListen().port());
    }

    static PdOptions withRaftPort(PdOptions options, int port) {
        return ports(options, options.clientListen().port(), port);
    }

    private static PdOptions ports(PdOptions options, int clientPort, int raftPort) {
        return new PdOptions(
                options.name(),
                options.dataDir(),
                new HostPort("127.0.0.1", clientPort),
                options.advertiseClientUrl(),
                new HostPort("127.0.0.1", raftPort),
                options.advertiseRaft(),
                options.initialCluster(),
                options.join(),
                options.electionTimeout(),
                options.leader(),
                options.door(),
                options.http());
    }

    /** All held at once, so that they differ. */
    private static int[] freePorts(int count) {
        List<ServerSocket> held = new ArrayList<>();
        try {
            for (int i = 0; i < count; i++) {
                held.add(new ServerSocket(0, 1, InetAddress.getLoopbackAddress()));
            }
            int[] ports = held.stream().mapToInt(ServerSocket::getLocalPort).toArray();
            for (ServerSocket socket : held) {
                socket.close();
            }
            return ports;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What a client does, to one member. */
    record Client(ManagedChannel channel) {

        GetMembersResponse members() {
            return stub().getMembers(GetMembersRequest.getDefaultInstance());
        }

        long clusterId() {
            return members().getHeader().getClusterId();
        }

        /** Like a store that starts, which may be told that it did so already. */
        ErrorType bootstrap(Store store) {
            Region region = Region.newBuilder()
                    .setId(1)
                    .setRegionEpoch(RegionEpoch.newBuilder().setConfVer(1).setVersion(1))
                    .addPeers(Peer.newBuilder().setId(1).setStoreId(store.getId()))
                    .build();
            var answer = stub().bootstrap(BootstrapRequest.newBuilder()
                    .setHeader(header())
                    .setStore(store)
                    .setRegion(region)
                    .build());
            return answer.getHeader().getError().getType();
        }

        boolean isBootstrapped() {
            return stub().isBootstrapped(IsBootstrappedRequest.newBuilder()
                            .setHeader(header())
                            .build())
                    .getBootstrapped();
        }

        String storeAddress(long id) {
            return stub().getStore(GetStoreRequest.newBuilder()
                            .setHeader(header())
                            .setStoreId(id)
                            .build())
                    .getStore()
                    .getAddress();
        }

        long allocate() {
            return stub().allocID(
                            AllocIDRequest.newBuilder().setHeader(header()).build())
                    .getId();
        }

        long updateGcSafePoint(long safePoint) {
            return stub().updateGCSafePoint(UpdateGCSafePointRequest.newBuilder()
                            .setHeader(header())
                            .setSafePoint(safePoint)
                            .build())
                    .getNewSafePoint();
        }

        GCState gcState() {
            return stub().getGCState(
                            GetGCStateRequest.newBuilder().setHeader(header()).build())
                    .getGcState();
        }

        List<String> keyspaces() {
            return KeyspaceGrpc.newBlockingStub(channel)
                    .withDeadlineAfter(10, TimeUnit.SECONDS)
                    .getAllKeyspaces(GetAllKeyspacesRequest.newBuilder()
                            .setHeader(header())
                            .build())
                    .getKeyspacesList()
                    .stream()
                    .map(KeyspaceMeta::getName)
                    .toList();
        }

        /** The last of {@code count} timestamps, as one number. */
        long timestamp(int count) {
            return timestamp(count, clusterId());
        }

        long timestamp(int count, long clusterId) {
            TsoResponse answer = ClientCalls.blockingUnaryCall(
                    channel,
                    PDGrpc.getTsoMethod(),
                    CallOptions.DEFAULT.withDeadlineAfter(2, TimeUnit.SECONDS),
                    TsoRequest.newBuilder()
                            .setHeader(RequestHeader.newBuilder().setClusterId(clusterId))
                            .setCount(count)
                            .build());
            return TimeStamp.of(
                            answer.getTimestamp().getPhysical(),
                            answer.getTimestamp().getLogical())
                    .value();
        }

        RequestHeader header() {
            return RequestHeader.newBuilder().setClusterId(clusterId()).build();
        }

        PDGrpc.PDBlockingStub stub() {
            return PDGrpc.newBlockingStub(channel).withDeadlineAfter(10, TimeUnit.SECONDS);
        }
    }
}
