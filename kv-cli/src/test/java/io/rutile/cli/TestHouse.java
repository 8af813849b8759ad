package io.rutile.cli;

import io.grpc.ManagedChannel;
import io.rutile.cli.cluster.ApiVersion;
import io.rutile.cli.cluster.ClusterLayout;
import io.rutile.cli.cluster.JavaRuntime;
import io.rutile.cli.cluster.LocalCluster;
import io.rutile.cli.cluster.RutileHome;
import io.rutile.client.RutileClient;
import io.rutile.client.RutileClientOptions;
import io.rutile.client.rpc.Channels;
import io.rutile.client.rpc.Endpoint;
import io.rutile.protocol.pdpb.GetMembersRequest;
import io.rutile.protocol.pdpb.PDGrpc;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;

/** A cluster of real processes: started ready, stopped by whoever started it. Classes that need nothing special share {@link SharedHouse}'s. */
final class TestHouse implements AutoCloseable {

    /** On two cores that also run the tests; an idle machine needs a third of it. */
    static final Duration READY_TIMEOUT = Duration.ofMinutes(2);

    /** Below the ports that the kernel hands out to clients, so that nobody takes one between the look and the start. */
    private static final int BASE_PORT_MIN = 10_000;

    private static final int BASE_PORT_MAX = 31_000;

    private final LocalCluster cluster;

    private TestHouse(LocalCluster cluster) {
        this.cluster = cluster;
    }

    static TestHouse start(Path dataDir, int pds, int nodes, ApiVersion apiVersion) {
        return start(new ClusterLayout(dataDir, pds, nodes, freeBasePort(), apiVersion));
    }

    static TestHouse start(ClusterLayout layout) {
        return start(layout, List.of());
    }

    /** @param flags JVM flags for every process */
    static TestHouse start(ClusterLayout layout, List<String> flags) {
        LocalCluster cluster = new LocalCluster(layout, JavaRuntime.current(), home(), flags);
        TestHouse house = new TestHouse(cluster);
        try {
            cluster.start();
            cluster.awaitReady(READY_TIMEOUT, System.err::println);
        } catch (RuntimeException e) {
            house.close();
            throw e;
        }
        return house;
    }

    /** The same, where PD repairs and does nothing else: leaders stay where they are while everybody is well. */
    static TestHouse atRest(Path dataDir, int pds, int nodes) {
        return start(
                new ClusterLayout(dataDir, pds, nodes, freeBasePort(), ApiVersion.V1),
                List.of("-Drutile.pd.schedule.schedulers-off=balance-leader,balance-region,hot-region"));
    }

    static RutileHome home() {
        return new RutileHome(Path.of(System.getProperty(RutileHome.PROPERTY, "..")));
    }

    /** A base port from which every port of a cluster of three and three is free now. */
    static int freeBasePort() {
        SplittableRandom random = new SplittableRandom();
        for (int attempt = 0; attempt < 100; attempt++) {
            int base = random.nextInt(BASE_PORT_MIN, BASE_PORT_MAX) / 10 * 10;
            ClusterLayout layout = new ClusterLayout(Path.of("unused"), 3, 3, base, ApiVersion.V1);
            if (layout.services().stream()
                    .flatMap(service -> service.ports().values().stream())
                    .allMatch(TestHouse::isFree)) {
                return base;
            }
        }
        throw new IllegalStateException("no free ports");
    }

    private static boolean isFree(int port) {
        try (ServerSocket socket = new ServerSocket()) {
            socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    LocalCluster cluster() {
        return cluster;
    }

    void awaitReady() {
        cluster.awaitReady(READY_TIMEOUT, System.err::println);
    }

    RutileClient client() {
        return RutileClient.connect(new RutileClientOptions(
                cluster.layout().pdEndpoints(), Duration.ofSeconds(10), Duration.ofSeconds(30), 2));
    }

    /** The name of the process that leads PD. */
    String pdLeader() {
        ManagedChannel channel =
                Channels.open(Endpoint.parse(cluster.layout().pdEndpoints().get(0)));
        try {
            return PDGrpc.newBlockingStub(channel)
                    .withDeadlineAfter(10, TimeUnit.SECONDS)
                    .getMembers(GetMembersRequest.getDefaultInstance())
                    .getLeader()
                    .getName();
        } finally {
            channel.shutdownNow();
        }
    }

    String gatewayUrl() {
        return cluster.layout().gatewayUrl();
    }

    @Override
    public void close() {
        cluster.stop(line -> {});
    }
}
