package io.rutile.cli.tls;

import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.MeterRegistry;
import io.netty.pkitesting.X509Bundle;
import io.rutile.gateway.GatewayApplication;
import io.rutile.gateway.grpc.GrpcServer;
import io.rutile.gateway.kv.ClusterConnection;
import io.rutile.node.KvNode;
import io.rutile.node.KvNodeApplication;
import io.rutile.pd.PdApplication;
import io.rutile.pd.PdServer;
import io.rutile.tls.TlsFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URL;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;

/** Two members of the Placement Driver, of which the second has joined, two nodes and a gateway, each as its process would be but in this JVM, over one set of files of certificates. */
final class TlsCluster implements AutoCloseable {

    private static final Duration START_MAX = Duration.ofMinutes(1);

    /** One port; one that speaks two protocols is there twice. */
    record Listener(String name, int port, Words words, ConfigurableApplicationContext service, String at) {

        double refused(String reason) {
            return service
                    .getBean(MeterRegistry.class)
                    .find("kv.tls.peers.refused")
                    .tags("at", at, "reason", reason)
                    .counters()
                    .stream()
                    .mapToDouble(counter -> counter.count())
                    .sum();
        }

        @Override
        public String toString() {
            return name;
        }
    }

    final Path directory;
    final TlsFiles files;
    final List<Listener> listeners = new ArrayList<>();
    final String pdEndpoint;
    private final Deque<ConfigurableApplicationContext> open = new ArrayDeque<>();

    /**
     * @param own what every process shows
     * @param trusted PEM of CAs
     */
    TlsCluster(Path directory, X509Bundle own, String trusted) {
        this.directory = directory;
        this.files =
                new TlsFiles(directory.resolve("ca.pem"), directory.resolve("tls.crt"), directory.resolve("tls.key"));
        write(own, trusted);
        try {
            int raftPort = freePort();
            PdServer server = startPd(1, "rutile.pd.initial-cluster=pd-1=127.0.0.1:" + raftPort, raftPort);
            pdEndpoint = "127.0.0.1:" + server.clientAddress().getPort();
            await().atMost(START_MAX).until(server::isReady);
            startPd(2, "rutile.pd.join=https://" + pdEndpoint, freePort());
            for (int i = 1; i <= 2; i++) {
                ConfigurableApplicationContext service = start(
                        KvNodeApplication.class,
                        "rutile.node.data-dir=" + directory.resolve("node-" + i),
                        "rutile.node.address=127.0.0.1:0",
                        "rutile.node.raft-address=127.0.0.1:0",
                        "rutile.node.pd-endpoints=" + pdEndpoint,
                        "rutile.node.cache-size=32MB",
                        "rutile.node.store-heartbeat-interval=500ms",
                        "rutile.node.region-heartbeat-interval=300ms");
                KvNode node = service.getBean(KvNode.class);
                String name = "node " + i;
                listeners.add(new Listener(name + " gRPC", node.address().port(), Words.HTTP_2, service, "clients"));
                listeners.add(
                        new Listener(name + " Raft", node.raftAddress().getPort(), Words.HTTP_2, service, "raft"));
                listeners.add(new Listener(
                        name + " management", port(service, "server"), Words.HTTP_1, service, "management"));
            }
            ConfigurableApplicationContext gateway = start(
                    GatewayApplication.class,
                    "rutile.gateway.pd-endpoints=" + pdEndpoint,
                    "rutile.gateway.grpc.port=0",
                    "management.server.port=0");
            listeners.add(new Listener(
                    "gateway gRPC",
                    gateway.getBean(GrpcServer.class).address().getPort(),
                    Words.HTTP_2,
                    gateway,
                    "clients"));
            listeners.add(new Listener("gateway REST", port(gateway, "server"), Words.HTTP_1, gateway, "http"));
            listeners.add(new Listener(
                    "gateway management", port(gateway, "management"), Words.HTTP_1, gateway, "management"));
            await().atMost(START_MAX).until(gateway.getBean(ClusterConnection.class)::isConnected);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private PdServer startPd(int number, String membership, int raftPort) {
        ConfigurableApplicationContext service = start(
                PdApplication.class,
                "rutile.pd.name=pd-" + number,
                "rutile.pd.data-dir=" + directory.resolve("pd-" + number),
                "rutile.pd.client-address=127.0.0.1:0",
                "rutile.pd.raft-address=127.0.0.1:" + raftPort,
                membership);
        PdServer server = service.getBean(PdServer.class);
        String name = "pd " + number;
        int port = server.clientAddress().getPort();
        listeners.add(new Listener(name + " gRPC", port, Words.HTTP_2, service, "clients"));
        listeners.add(new Listener(name + " HTTP", port, Words.HTTP_1, service, "clients"));
        listeners.add(new Listener(name + " Raft", raftPort, Words.HTTP_2, service, "raft"));
        listeners.add(new Listener(name + " management", port(service, "server"), Words.HTTP_1, service, "management"));
        return server;
    }

    private static int freePort() {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private ConfigurableApplicationContext start(Class<?> service, String... properties) {
        String bundle = "spring.ssl.bundle.pem.cluster.";
        String[] common = {
            "spring.config.location=" + settings(service),
            "server.port=0",
            "spring.ssl.bundle.watch.file.quiet-period=100ms",
            bundle + "reload-on-update=true",
            bundle + "keystore.certificate=" + files.certificate(),
            bundle + "keystore.private-key=" + files.key(),
            bundle + "truststore.certificate=" + files.ca(),
            "rutile.tls.bundle=cluster",
            "rutile.tls.client-auth=need",
            "rutile.tls.management-client-auth=need",
            "rutile.tls.allowed-common-names=member,application",
            "rutile.tls.peer-common-names=member"
        };
        String[] arguments = Stream.concat(Stream.of(common), Stream.of(properties))
                .map(property -> "--" + property)
                .toArray(String[]::new);
        ConfigurableApplicationContext started = new SpringApplication(service).run(arguments);
        open.push(started);
        return started;
    }

    /** A service's own, for each of them has one of the same name on this class path. */
    private static String settings(Class<?> service) {
        URL code = service.getProtectionDomain().getCodeSource().getLocation();
        return code.getPath().endsWith(".jar") ? "jar:" + code + "!/application.yml" : code + "application.yml";
    }

    private static int port(ConfigurableApplicationContext service, String which) {
        return service.getEnvironment().getRequiredProperty("local." + which + ".port", Integer.class);
    }

    /** Certificate last: until then there is a key that does not fit it, which nobody uses. */
    void write(X509Bundle own, String trusted) {
        TestCa.put(directory.resolve("ca.pem"), trusted);
        TestCa.put(directory.resolve("tls.key"), own.getPrivateKeyPEM());
        TestCa.put(directory.resolve("tls.crt"), own.getCertificatePathPEM());
    }

    Listener listener(String name) {
        return listeners.stream()
                .filter(it -> it.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    /** By service, in the order of their starts. */
    List<ConfigurableApplicationContext> services() {
        return listeners.stream().map(Listener::service).distinct().collect(Collectors.toList());
    }

    @Override
    public void close() {
        while (!open.isEmpty()) {
            open.pop().close();
        }
    }
}
