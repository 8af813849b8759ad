package io.rutile.cli.cluster;

import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;
import static java.util.Map.entry;

import io.micrometer.core.instrument.Metrics;
import io.rutile.tls.Tls;
import io.rutile.tls.TlsException;
import io.rutile.tls.TransportSecurity;
import java.io.IOException;
import java.io.Reader;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Which processes a local cluster has, where they listen and where they keep their data. Remembered in its data directory, so that
 * the next {@code up} finds the same cluster.
 *
 * @param dataDir absolute directory of the cluster; each process has its own below it
 * @param pds members of the Placement Driver, 1, 3, 5 or 7
 * @param nodes KV nodes, 1 to {@link #NODES_MAX}
 * @param basePort the port that every other one follows from; null for TiKV's well-known ones
 * @param apiVersion what its data looks like
 * @param nodeProperties configuration of every KV node, besides what follows from the layout: {@code rutile.node.split.size} and
 *     its value
 * @param tls whether all its ports speak TLS, with certificates of a {@link LocalAuthority}
 */
public record ClusterLayout(
        Path dataDir,
        int pds,
        int nodes,
        @Nullable Integer basePort,
        ApiVersion apiVersion,
        Map<String, String> nodeProperties,
        boolean tls) {

    public static final String HOST = "127.0.0.1";

    /** Port ranges of different purposes are a hundred apart. */
    public static final int NODES_MAX = 64;

    /** All processes start at once, and on a busy machine the Placement Driver may be the last of them; up bounds the whole wait. */
    private static final String PD_WAIT = "120s";

    private static final int PDS_MAX = 7;
    private static final int PORTS_PER_CLUSTER = 403;
    private static final String FILE = "cluster.properties";

    private static final String CACHE_SIZE = "rutile.node.cache-size";

    /** Three nodes share one machine: what the chart gives each, instead of half of all there is. */
    private static final String CACHE_SIZE_DEFAULT = "384MB";

    private static final String NODE_PROPERTY = "node-property.";

    /** Letters, digits, dots and dashes, as Spring writes names of properties; brackets for entries of lists. */
    private static final Pattern PROPERTY_NAME = Pattern.compile("[a-z][a-z0-9.\\[\\]-]*");

    public ClusterLayout {
        dataDir = dataDir.toAbsolutePath().normalize();
        nodeProperties = Collections.unmodifiableMap(new TreeMap<>(nodeProperties));
        if (pds < 1 || pds > PDS_MAX || pds % 2 == 0) {
            throw new ClusterException("--pd is " + pds
                    + ", but a Placement Driver has 1, 3, 5 or 7 members (an even one adds no fault that it survives)");
        }
        if (nodes < 1 || nodes > NODES_MAX) {
            throw new ClusterException(
                    "--nodes is " + nodes + ", but a local cluster has 1 to " + NODES_MAX + " KV nodes");
        }
        if (basePort != null && (basePort < 1 || basePort + PORTS_PER_CLUSTER > 65_536)) {
            throw new ClusterException("--base-port is " + basePort + ", but a cluster takes " + PORTS_PER_CLUSTER
                    + " ports from it on, so it must be between 1 and " + (65_536 - PORTS_PER_CLUSTER));
        }
        nodeProperties.keySet().forEach(ClusterLayout::requirePropertyName);
    }

    /** Over plaintext, nodes with nothing but their defaults. */
    public ClusterLayout(Path dataDir, int pds, int nodes, @Nullable Integer basePort, ApiVersion apiVersion) {
        this(dataDir, pds, nodes, basePort, apiVersion, Map.of(), false);
    }

    /** One Placement Driver, three nodes and a gateway on the well-known ports. */
    public static ClusterLayout standard(Path dataDir) {
        return new ClusterLayout(dataDir, 1, 3, null, ApiVersion.V1);
    }

    /** The layout that this directory was last started with; empty if it holds no cluster. */
    public static Optional<ClusterLayout> read(Path dataDir) {
        Path file = dataDir.resolve(FILE);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        Properties properties = new Properties();
        try (Reader in = Files.newBufferedReader(file)) {
            properties.load(in);
            String basePort = properties.getProperty("base-port", "");
            return Optional.of(new ClusterLayout(
                    dataDir,
                    Integer.parseInt(properties.getProperty("pd", "")),
                    Integer.parseInt(properties.getProperty("nodes", "")),
                    basePort.isEmpty() ? null : Integer.valueOf(basePort),
                    ApiVersion.valueOf(properties.getProperty("api-version", "")),
                    properties.stringPropertyNames().stream()
                            .filter(name -> name.startsWith(NODE_PROPERTY))
                            .collect(Collectors.toMap(
                                    name -> name.substring(NODE_PROPERTY.length()), properties::getProperty)),
                    Boolean.parseBoolean(properties.getProperty("tls", "false"))));
        } catch (IOException | IllegalArgumentException e) {
            throw new ClusterException(file + " does not describe a cluster: " + e.getMessage(), e);
        }
    }

    private static void requirePropertyName(String name) {
        if (!PROPERTY_NAME.matcher(name).matches()) {
            throw new ClusterException(
                    "--node-property " + name + " is no name of a property, such as rutile.node.split.size");
        }
    }

    void write() throws IOException {
        Properties properties = new Properties();
        properties.setProperty("pd", Integer.toString(pds));
        properties.setProperty("nodes", Integer.toString(nodes));
        properties.setProperty("base-port", basePort == null ? "" : basePort.toString());
        properties.setProperty("api-version", apiVersion.name());
        properties.setProperty("tls", Boolean.toString(tls));
        nodeProperties.forEach((name, value) -> properties.setProperty(NODE_PROPERTY + name, value));
        Path draft = dataDir.resolve(FILE + ".new");
        try (Writer out = Files.newBufferedWriter(draft)) {
            properties.store(out, "written by rutile up");
        }
        Files.move(draft, dataDir.resolve(FILE), REPLACE_EXISTING, ATOMIC_MOVE);
    }

    /**
     * The same cluster with other properties of its nodes.
     *
     * @param changes by name; an empty value stands for the node's default
     */
    public ClusterLayout withNodeProperties(Map<String, String> changes) {
        Map<String, String> all = new TreeMap<>(nodeProperties);
        all.putAll(changes);
        all.values().removeIf(String::isEmpty);
        return new ClusterLayout(dataDir, pds, nodes, basePort, apiVersion, all, tls);
    }

    /** All processes in the order they are started; they are stopped in the reverse order. */
    public List<ServiceSpec> services() {
        List<ServiceSpec> plain = plainServices();
        return tls ? plain.stream().map(this::secured).toList() : plain;
    }

    private ServiceSpec secured(ServiceSpec plain) {
        List<String> settings = new ArrayList<>(plain.settings());
        settings.addAll(authority().settings());
        return new ServiceSpec(plain.name(), plain.role(), plain.ports(), settings, true);
    }

    private List<ServiceSpec> plainServices() {
        List<ServiceSpec> services = new ArrayList<>();
        IntStream.rangeClosed(1, pds).mapToObj(this::pd).forEach(services::add);
        IntStream.rangeClosed(1, nodes).mapToObj(this::node).forEach(services::add);
        services.add(gateway());
        return services;
    }

    /** {@code host:port} of every Placement Driver member's client port. */
    public List<String> pdEndpoints() {
        return IntStream.rangeClosed(1, pds)
                .mapToObj(i -> address(pdClientPort(i)))
                .toList();
    }

    public String gatewayUrl() {
        return scheme() + address(gateway().port("http"));
    }

    /** {@code host:port} of the gateway's gRPC. */
    public String gatewayGrpc() {
        return address(gateway().port("grpc"));
    }

    private String scheme() {
        return tls ? "https://" : "http://";
    }

    /** Whose certificates its processes show, if they do. */
    public LocalAuthority authority() {
        return new LocalAuthority(dataDir);
    }

    /**
     * How its processes are reached.
     *
     * @throws ClusterException in words, if the cluster speaks TLS and its certificates can't be used
     */
    public TransportSecurity security() {
        if (!tls) {
            return TransportSecurity.PLAINTEXT;
        }
        try {
            return new TransportSecurity(
                    null, null, Tls.client(authority().applicationFiles(), Clock.systemUTC(), Metrics.globalRegistry));
        } catch (TlsException e) {
            throw new ClusterException(
                    "the certificates of the cluster in " + dataDir + " can't be used: " + e.getMessage(), e);
        }
    }

    public Path runDir() {
        return dataDir.resolve("run");
    }

    public Path logDir() {
        return dataDir.resolve("log");
    }

    private ServiceSpec pd(int i) {
        String name = "pd-" + i;
        int client = pdClientPort(i);
        int raft = pdRaftPort(i);
        int management = client + 2;
        String initialCluster = IntStream.rangeClosed(1, pds)
                .mapToObj(member -> "pd-" + member + "=" + address(pdRaftPort(member)))
                .collect(Collectors.joining(","));
        return new ServiceSpec(
                name,
                Role.PD,
                ports(entry("client", client), entry("raft", raft), entry(ServiceSpec.MANAGEMENT, management)),
                List.of(
                        "--rutile.pd.name=" + name,
                        "--rutile.pd.data-dir=" + dataDir.resolve(name),
                        "--rutile.pd.client-address=" + address(client),
                        "--rutile.pd.raft-address=" + address(raft),
                        "--rutile.pd.initial-cluster=" + initialCluster,
                        "--server.address=" + HOST,
                        "--server.port=" + management));
    }

    private ServiceSpec node(int j) {
        String name = "node-" + j;
        int grpc = (basePort == null ? 20_160 : basePort + 100) + j - 1;
        int raft = grpc + 100;
        int management = grpc + 200;
        return new ServiceSpec(
                name,
                Role.NODE,
                ports(entry("grpc", grpc), entry("raft", raft), entry(ServiceSpec.MANAGEMENT, management)),
                withNodeProperties(
                        "--rutile.node.data-dir=" + dataDir.resolve(name),
                        "--rutile.node.address=" + address(grpc),
                        "--rutile.node.raft-address=" + address(raft),
                        "--rutile.node.pd-endpoints=" + String.join(",", pdEndpoints()),
                        "--rutile.node.pd-connect-timeout=" + PD_WAIT,
                        "--rutile.node.status-address=" + address(management),
                        "--rutile.node.api-version=" + apiVersion,
                        "--server.address=" + HOST,
                        "--server.port=" + management));
    }

    /** A property that the layout decides itself can't be said twice: Spring would read both as a list. */
    private List<String> withNodeProperties(String... ofTheLayout) {
        List<String> settings = new ArrayList<>(List.of(ofTheLayout));
        Map<String, String> chosen = new TreeMap<>(nodeProperties);
        chosen.putIfAbsent(CACHE_SIZE, CACHE_SIZE_DEFAULT);
        chosen.forEach((name, value) -> {
            String setting = "--" + name + "=";
            if (settings.stream().anyMatch(other -> other.startsWith(setting))) {
                throw new ClusterException("--node-property " + name + " follows from the layout of the cluster");
            }
            settings.add(setting + value);
        });
        return settings;
    }

    private ServiceSpec gateway() {
        int http = basePort == null ? 8080 : basePort + 400;
        int management = http + 1;
        int grpc = http + 2;
        return new ServiceSpec(
                "gateway",
                Role.GATEWAY,
                ports(entry("http", http), entry(ServiceSpec.MANAGEMENT, management), entry("grpc", grpc)),
                List.of(
                        "--rutile.gateway.pd-endpoints=" + String.join(",", pdEndpoints()),
                        "--rutile.gateway.grpc.address=" + HOST,
                        "--rutile.gateway.grpc.port=" + grpc,
                        "--rutile.gateway.api-version=" + (apiVersion == ApiVersion.V2 ? "V2" : "V1"),
                        "--server.address=" + HOST,
                        "--server.port=" + http,
                        "--management.server.address=" + HOST,
                        "--management.server.port=" + management));
    }

    private int pdClientPort(int i) {
        return (basePort == null ? 2379 : basePort) + 10 * (i - 1);
    }

    private int pdRaftPort(int i) {
        return pdClientPort(i) + 1;
    }

    @SafeVarargs
    private static Map<String, Integer> ports(Map.Entry<String, Integer>... ports) {
        Map<String, Integer> inOrder = new LinkedHashMap<>();
        for (Map.Entry<String, Integer> port : ports) {
            inOrder.put(port.getKey(), port.getValue());
        }
        return Collections.unmodifiableMap(inOrder);
    }

    private static String address(int port) {
        return HOST + ":" + port;
    }
}
