package io.rutile.cli.deploy;

import static io.rutile.cli.deploy.Chart.arguments;
import static io.rutile.cli.deploy.Chart.at;
import static io.rutile.cli.deploy.Chart.container;
import static io.rutile.cli.deploy.Chart.items;
import static io.rutile.cli.deploy.Chart.podSpec;
import static io.rutile.cli.deploy.Chart.text;

import com.github.dockerjava.api.DockerClient;
import com.github.dockerjava.api.command.InspectContainerResponse;
import com.github.dockerjava.api.model.Bind;
import com.github.dockerjava.api.model.Capability;
import com.github.dockerjava.api.model.ExposedPort;
import com.github.dockerjava.api.model.HostConfig;
import com.github.dockerjava.api.model.Ports;
import com.github.dockerjava.api.model.Volume;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.Network;
import org.testcontainers.containers.output.OutputFrame.OutputType;
import org.testcontainers.containers.startupcheck.StartupCheckStrategy;
import org.testcontainers.containers.wait.strategy.AbstractWaitStrategy;
import org.testcontainers.utility.DockerImageName;

/**
 * What a kubelet would make of the pods of a rendered chart, as far as containers of one machine can: arguments and variables with what the
 * downward API says, user, capabilities, root file system, memory limit, volumes, names. Probes, policies and budgets are not carried out.
 */
final class PodContainers implements AutoCloseable {

    private static final Duration API_MAX = Duration.ofSeconds(20);
    private static final Duration ONE_SHOT_MAX = Duration.ofMinutes(5);

    /** docs/operations/kubernetes.md has the same. */
    private static final String WITHOUT_SYSTEMD = """
            [containers]
            default_ulimits = ["nofile=16384:16384", "nproc=16384:16384"]
            [network]
            network_backend = "netavark"
            [engine]
            runtime = "runc"
            cgroup_manager = "cgroupfs"
            events_logger = "file"
            """;

    private static Process api;

    private final List<JsonObject> objects;
    private final Network network = Network.newNetwork();
    private final Map<String, GenericContainer<?>> containers = new LinkedHashMap<>();
    private final Map<String, Integer> managementPorts = new LinkedHashMap<>();

    PodContainers(List<JsonObject> objects) {
        this.objects = objects;
    }

    // ---- the engine

    /** Empty if podman is here and the environment leads to it. */
    static String whatIsMissing() {
        try {
            if (outcome("podman", "--version").exit() != 0) {
                return "podman does not run";
            }
            if (Stream.of("/usr/sbin/iptables", "/sbin/iptables", "/usr/bin/iptables")
                    .noneMatch(path -> Files.isExecutable(Path.of(path)))) {
                return "iptables is not installed";
            }
        } catch (IOException e) {
            return "podman is not installed";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "interrupted";
        }
        return System.getenv("DOCKER_HOST") == null ? "DOCKER_HOST is not set, as -Pimages does" : "";
    }

    /**
     * Empty if a container of this image runs on a network of its own: podman may be installed where kernel or rights don't let it.
     *
     * @param image has a Java
     */
    static String whyNoneRuns(String image) throws IOException, InterruptedException {
        String probe = "rutile-it-probe";
        outcome("podman", "network", "rm", "-f", probe);
        Outcome made = outcome("podman", "network", "create", probe);
        if (made.exit() != 0) {
            return "podman makes no network: " + made.said();
        }
        try {
            Outcome ran = outcome("podman", "run", "--rm", "--network", probe, image, "java", "-version");
            return ran.exit() == 0 ? "" : "podman runs no container: " + ran.said();
        } finally {
            outcome("podman", "network", "rm", "-f", probe);
        }
    }

    private record Outcome(int exit, String said) {}

    private static Outcome outcome(String... command) throws IOException, InterruptedException {
        Path said = Files.createTempFile("rutile-podman-", ".log");
        try {
            Process process = command(command).redirectOutput(said.toFile()).start();
            if (!process.waitFor(60, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                return new Outcome(-1, "no answer in a minute");
            }
            return new Outcome(process.exitValue(), Files.readString(said).strip());
        } finally {
            Files.delete(said);
        }
    }

    /** To be started with what podman wants to know of this machine. */
    static ProcessBuilder command(String... command) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        if (!builder.environment().containsKey("CONTAINERS_CONF") && !Files.exists(Path.of("/run/systemd/system"))) {
            Path settings = Files.createDirectories(Path.of("target", "podman")).resolve("containers.conf");
            Files.writeString(settings, WITHOUT_SYSTEMD);
            builder.environment()
                    .put("CONTAINERS_CONF", settings.toAbsolutePath().toString());
        }
        return builder;
    }

    /** Serves podman's API at the socket that {@code DOCKER_HOST} names, unless somebody does. */
    static void serveApi() throws IOException, InterruptedException {
        Path socket = Path.of(System.getenv("DOCKER_HOST").substring("unix://".length()));
        if (Files.exists(socket)) {
            return;
        }
        Files.createDirectories(socket.getParent());
        api = command("podman", "system", "service", "--time=0", "unix://" + socket)
                .redirectOutput(socket.resolveSibling("podman.log").toFile())
                .start();
        Awaitility.await().atMost(API_MAX).until(() -> Files.exists(socket));
    }

    static void stopApi() {
        if (api != null) {
            api.destroy();
        }
    }

    private static DockerClient engine() {
        return DockerClientFactory.instance().client();
    }

    // ---- pods

    /** Every pod of every StatefulSet and Deployment, all at once. */
    void startAll() {
        for (JsonObject workload : Chart.workloads(objects)) {
            if (text(workload, "kind").equals("Pod")) {
                continue;
            }
            String name = text(workload, "metadata", "name");
            IntStream.range(0, at(workload, "spec", "replicas").getAsInt())
                    .forEach(i -> containers.put(name + "-" + i, create(workload, name + "-" + i, i)));
        }
        containers.values().parallelStream().forEach(GenericContainer::start);
    }

    List<String> names() {
        return List.copyOf(containers.keySet());
    }

    private GenericContainer<?> create(JsonObject workload, String pod, int ordinal) {
        JsonObject spec = container(workload);
        Map<String, String> env = environment(spec, pod, ordinal);
        List<Integer> ports = spec.has("ports")
                ? items(spec, "ports")
                        .map(port -> at(port, "containerPort").getAsInt())
                        .toList()
                : List.of();
        GenericContainer<?> container = new GenericContainer<>(DockerImageName.parse(text(spec, "image")))
                .withImagePullPolicy(image -> false)
                .withNetwork(network)
                .withNetworkAliases(dnsNames(workload, pod).toArray(String[]::new))
                .withEnv(env)
                .withCommand(arguments(workload).stream()
                        .map(argument -> expand(argument, env))
                        .toArray(String[]::new))
                .withExposedPorts(ports.toArray(Integer[]::new))
                .waitingFor(new AbstractWaitStrategy() {
                    @Override
                    protected void waitUntilReady() {
                        // They wait for each other: the test looks at all of them.
                    }
                })
                .withCreateContainerCmdModifier(command -> {
                    command.withUser(text(podSpec(workload), "securityContext", "runAsUser") + ":"
                            + text(podSpec(workload), "securityContext", "runAsGroup"));
                    confine(command.getHostConfig(), spec, pod);
                });
        if (spec.has("ports")) {
            items(spec, "ports")
                    .filter(port -> text(port, "name").equals("management"))
                    .forEach(port ->
                            managementPorts.put(pod, at(port, "containerPort").getAsInt()));
        }
        return container;
    }

    private static void confine(HostConfig host, JsonObject spec, String pod) {
        host.withReadonlyRootfs(
                        at(spec, "securityContext", "readOnlyRootFilesystem").getAsBoolean())
                .withCapDrop(Capability.ALL)
                .withSecurityOpts(List.of("no-new-privileges"))
                .withMemory(mebibytes(text(spec, "resources", "limits", "memory")) << 20)
                // podman mounts it noexec otherwise, and RocksDB's library is loaded from there; an emptyDir is not.
                .withTmpFs(Map.of("/tmp", "rw,exec,size=256m"));
        if (items(spec, "volumeMounts").anyMatch(mount -> text(mount, "name").equals("data"))) {
            host.withBinds(new Bind("rutile-it-" + pod, new Volume("/var/lib/rutile")));
        }
    }

    private static long mebibytes(String quantity) {
        long number = Long.parseLong(quantity.substring(0, quantity.length() - 2));
        return quantity.endsWith("Gi") ? number * 1024 : number;
    }

    private static Map<String, String> environment(JsonObject spec, String pod, int ordinal) {
        Map<String, String> env = new LinkedHashMap<>();
        if (spec.has("env")) {
            items(spec, "env")
                    .forEach(variable ->
                            env.put(text(variable, "name"), value(variable.getAsJsonObject(), pod, ordinal)));
        }
        return env;
    }

    private static String value(JsonObject variable, String pod, int ordinal) {
        if (variable.has("value")) {
            return text(variable, "value");
        }
        return switch (text(variable, "valueFrom", "fieldRef", "fieldPath")) {
            case "metadata.name" -> pod;
            case "spec.nodeName" -> "machine-" + ordinal;
            // A pod without the label, as before Kubernetes 1.35.
            case "metadata.labels['topology.kubernetes.io/zone']" -> "";
            default -> throw new AssertionError("unknown to this test: " + variable);
        };
    }

    /** As Kubernetes does: {@code $(NAME)} of a variable that is there, and nothing else. */
    private static String expand(String argument, Map<String, String> env) {
        String expanded = argument;
        for (Map.Entry<String, String> variable : env.entrySet()) {
            expanded = expanded.replace("$(" + variable.getKey() + ")", variable.getValue());
        }
        return expanded;
    }

    /** Of the pod itself, and, as long as one pod stands behind each, of the Services that select it. */
    private List<String> dnsNames(JsonObject workload, String pod) {
        List<String> names = new ArrayList<>();
        String domain = Chart.NAMESPACE + ".svc.cluster.local";
        if (text(workload, "kind").equals("StatefulSet")) {
            names.add(pod + "." + text(workload, "spec", "serviceName") + "." + domain);
        }
        for (JsonObject service : Chart.ofKind(objects, "Service")) {
            boolean selects = Chart.podLabels(workload)
                    .entrySet()
                    .containsAll(
                            at(service, "spec", "selector").getAsJsonObject().entrySet());
            if (selects && !at(service, "spec").getAsJsonObject().has("clusterIP")) {
                names.add(text(service, "metadata", "name") + "." + domain);
                names.add(text(service, "metadata", "name") + "." + Chart.NAMESPACE);
            }
        }
        return names;
    }

    // ---- what is done to them, and what they say

    /** Runs a pod of the chart to its end. @return its output. Fails if it ends otherwise than with 0 */
    String runToEnd(String pod) {
        return oneShot(create(Chart.named(objects, "Pod", pod), pod, 0));
    }

    /** Runs the rutile command in the pod of the release's test. @return its output */
    String runCli(String... command) {
        return oneShot(create(Chart.named(objects, "Pod", "demo-rutile-test"), "cli", 0)
                .withCommand(command));
    }

    /** Has the JVM of a pod without volumes write a log there. @return what it says against that; empty if it was done */
    String writeAsTheJvm(String path) {
        GenericContainer<?> container = create(Chart.named(objects, "Pod", "demo-rutile-test"), "probe", 0)
                .withEnv("JDK_JAVA_OPTIONS", "-Xlog:safepoint:file=" + path)
                .withCommand("--version");
        try {
            oneShot(container);
            return "";
        } catch (AssertionError e) {
            return String.valueOf(e.getMessage());
        }
    }

    private static String oneShot(GenericContainer<?> container) {
        container.withStartupCheckStrategy(new UntilItEnds());
        try (container) {
            container.start();
            Long exit = container.getCurrentContainerInfo().getState().getExitCodeLong();
            if (exit == null || exit != 0) {
                throw new AssertionError("it ended with " + exit + ": " + container.getLogs());
            }
            return container.getLogs(OutputType.STDOUT);
        }
    }

    /** However it ends: what it says of its failure is lost with a container that Testcontainers takes for one that did not start. */
    private static final class UntilItEnds extends StartupCheckStrategy {

        UntilItEnds() {
            withTimeout(ONE_SHOT_MAX);
        }

        @Override
        public StartupStatus checkStartupState(DockerClient client, String id) {
            return "exited".equalsIgnoreCase(getCurrentState(client, id).getStatus())
                    ? StartupStatus.SUCCESSFUL
                    : StartupStatus.NOT_YET_KNOWN;
        }
    }

    String managementUrl(String pod) {
        Ports.Binding[] bindings = inspect(pod)
                .getNetworkSettings()
                .getPorts()
                .getBindings()
                .get(new ExposedPort(managementPorts.get(pod)));
        return "http://localhost:" + bindings[0].getHostPortSpec();
    }

    /** SIGKILL. */
    void kill(String pod) {
        engine().killContainerCmd(id(pod)).withSignal("KILL").exec();
    }

    /** The same container again: its volumes, another address. */
    void start(String pod) {
        engine().startContainerCmd(id(pod)).exec();
    }

    /** Nothing reaches it and nothing leaves it, though it runs; inside of its own network namespace. */
    void cutOff(String pod) {
        iptables(pod, "-A", "INPUT", "-j", "DROP");
        iptables(pod, "-A", "OUTPUT", "-j", "DROP");
    }

    void rejoin(String pod) {
        iptables(pod, "-F");
    }

    private void iptables(String pod, String... rule) {
        List<String> command = new ArrayList<>(
                List.of("nsenter", "-t", String.valueOf(inspect(pod).getState().getPid()), "-n", "iptables"));
        command.addAll(List.of(rule));
        try {
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.INHERIT)
                    .start();
            if (!process.waitFor(20, TimeUnit.SECONDS) || process.exitValue() != 0) {
                throw new AssertionError(command + " failed");
            }
        } catch (IOException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    /** SIGTERM. @return the exit code; 137 if it took longer */
    int stop(String pod, int seconds) {
        engine().stopContainerCmd(id(pod)).withTimeout(seconds).exec();
        Long exit = inspect(pod).getState().getExitCodeLong();
        return exit == null ? -1 : exit.intValue();
    }

    String logOf(String pod) {
        return containers.get(pod).getLogs();
    }

    String lastWords(String pod) {
        List<String> lines = logOf(pod).lines().toList();
        return lines.stream().skip(Math.max(0, lines.size() - 15)).collect(Collectors.joining("\n"));
    }

    /** Of the first process in the container, as the machine outside sees it. */
    String userOf(String pod) {
        Integer pid = inspect(pod).getState().getPid();
        try {
            return Files.readAllLines(Path.of("/proc/" + pid + "/status")).stream()
                    .filter(line -> line.startsWith("Uid:"))
                    .map(line -> line.split("\\s+")[1])
                    .findFirst()
                    .orElseThrow();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    boolean hasReadOnlyRoot(String pod) {
        return Boolean.TRUE.equals(inspect(pod).getHostConfig().getReadonlyRootfs());
    }

    private InspectContainerResponse inspect(String pod) {
        return engine().inspectContainerCmd(id(pod)).exec();
    }

    private String id(String pod) {
        return containers.get(pod).getContainerId();
    }

    @Override
    public void close() {
        containers.values().forEach(GenericContainer::stop);
        containers.keySet().forEach(pod -> {
            try {
                engine().removeVolumeCmd("rutile-it-" + pod).exec();
            } catch (RuntimeException e) {
                // It had none.
            }
        });
        network.close();
    }
}
