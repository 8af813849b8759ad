package io.rutile.cli.deploy;

import static io.rutile.cli.deploy.Chart.arguments;
import static io.rutile.cli.deploy.Chart.at;
import static io.rutile.cli.deploy.Chart.container;
import static io.rutile.cli.deploy.Chart.items;
import static io.rutile.cli.deploy.Chart.named;
import static io.rutile.cli.deploy.Chart.ofKind;
import static io.rutile.cli.deploy.Chart.podLabels;
import static io.rutile.cli.deploy.Chart.podSpec;
import static io.rutile.cli.deploy.Chart.text;
import static io.rutile.cli.deploy.Chart.workloads;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.reflect.TypeToken;
import com.marcnuri.helm.LintResult;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The chart as Helm renders it: what Kubernetes' own model says about it, and what must hold of every pod. */
class HelmChartTest {

    private static final Map<String, Object> EVERYTHING = Map.of(
            "image", Map.of("tag", "1.2", "pullPolicy", "Always", "pullSecrets", List.of(Map.of("name", "registry"))),
            "pd", withSchedule(Map.of("properties", Map.of("rutile.pd.gc.life", "30m", "logging.level.root", "WARN"))),
            "node",
                    withSchedule(Map.of(
                            "storage",
                            Map.of("size", "1Ti", "storageClass", "fast"),
                            "properties",
                            Map.of("rutile.node.split.size", "64MB"))),
            "gateway",
                    withSchedule(Map.of(
                            "service",
                            Map.of("type", "LoadBalancer", "annotations", Map.of("internal", "true")),
                            "security",
                            Map.of(
                                    "accessSecret",
                                    "callers",
                                    "testTokenSecret",
                                    "tester",
                                    "jwt",
                                    Map.of(
                                            "issuer",
                                            "https://id.example/",
                                            "audience",
                                            List.of("rutile", "stores"),
                                            "rolesClaim",
                                            "scope")),
                            "jvmOptions",
                            "-XX:+HeapDumpOnOutOfMemoryError")),
            "tls",
                    Map.of(
                            "certManager",
                            Map.of("issuer", Map.of("name", "authority", "kind", "ClusterIssuer")),
                            "gatewaySecret",
                            "front",
                            "allowedCommonNames",
                            List.of("report")),
            "networkPolicy",
                    Map.of(
                            "clusterClients", List.of(Map.of("podSelector", Map.of("matchLabels", Map.of("a", "b")))),
                            "monitoring", List.of(Map.of("namespaceSelector", Map.of()))),
            "metrics",
                    Map.of(
                            "serviceMonitor", Map.of("enabled", true, "labels", Map.of("release", "prometheus")),
                            "prometheusRule", Map.of("enabled", true),
                            "dashboard", Map.of("enabled", true)));

    private static final Settings SETTINGS = Settings.declared();

    @BeforeAll
    static void requireHelm() {
        Chart.requireHelm();
    }

    private static Map<String, Object> withSchedule(Map<String, Object> others) {
        Map<String, Object> values = new HashMap<>(others);
        values.put("nodeSelector", Map.of("disk", "nvme"));
        values.put("tolerations", List.of(Map.of("key", "stores", "operator", "Exists", "effect", "NoSchedule")));
        values.put("priorityClassName", "high");
        values.put("podAnnotations", Map.of("note", "yes"));
        return values;
    }

    @Test
    void lintFindsNothing() {
        LintResult result = Chart.lint();

        assertThat(result.isFailed())
                .as(() -> String.join("\n", result.getMessages()))
                .isFalse();
        assertThat(result.getMessages()).noneMatch(line -> line.contains("[WARNING]") || line.contains("[ERROR]"));
    }

    @Test
    void commandOfThePageOnTracesTellsAllThree() throws IOException {
        Map<String, Object> values = new HashMap<>();
        Matcher set = Pattern.compile("--set-json '(\\w+)\\.properties=(\\{[^']*})'")
                .matcher(Files.readString(Chart.home().resolve("docs/operations/tracing.md")));
        while (set.find()) {
            Map<String, Object> ofOne = new HashMap<>();
            ofOne.put("properties", new Gson().fromJson(set.group(2), new TypeToken<Map<String, String>>() {}));
            if (set.group(1).equals("gateway")) {
                ofOne.put("security", Map.of("insecure", true));
            }
            values.put(set.group(1), ofOne);
        }

        List<JsonObject> services = workloads(Chart.render(values)).stream()
                .filter(workload -> !text(workload, "kind").equals("Pod"))
                .toList();

        assertThat(services)
                .hasSize(3)
                .allSatisfy(workload -> assertThat(arguments(workload))
                        .contains("--management.opentelemetry.tracing.export.otlp.endpoint="
                                + "http://collector.observability:4318/v1/traces"));
    }

    static Stream<Arguments> combinations() {
        List<Arguments> all = new ArrayList<>();
        for (int pds : List.of(1, 3)) {
            for (int nodes : List.of(3, 5)) {
                for (String apiVersion : List.of("V1", "V1TTL", "V2")) {
                    for (boolean plain : List.of(true, false)) {
                        all.add(Arguments.of(pds, nodes, apiVersion, plain));
                    }
                }
            }
        }
        return all.stream();
    }

    /** @param plain defaults, and soft; else every value that may be given, and hard */
    @ParameterizedTest(name = "{0} PD, {1} nodes, {2}, plain {3}")
    @MethodSource("combinations")
    void everyCombinationIsWhatKubernetesKnows(int pds, int nodes, String apiVersion, boolean plain) {
        List<JsonObject> objects = Chart.render(values(pds, nodes, apiVersion, plain));

        assertThat(objects.stream()
                        .filter(KubernetesModel::knows)
                        .flatMap(object -> KubernetesModel.faults(object).stream()))
                .isEmpty();
        assertThat(objects.stream()
                        .filter(object -> !KubernetesModel.knows(object))
                        .map(object -> text(object, "kind")))
                .containsExactlyInAnyOrderElementsOf(
                        plain ? List.of() : List.of("ServiceMonitor", "PrometheusRule", "Certificate"));
        assertThat(at(named(objects, "StatefulSet", "demo-rutile-pd"), "spec", "replicas")
                        .getAsInt())
                .isEqualTo(pds);
        assertThat(at(named(objects, "StatefulSet", "demo-rutile-node"), "spec", "replicas")
                        .getAsInt())
                .isEqualTo(nodes);
        assertThat(named(objects, "StatefulSet", "demo-rutile-node"))
                .extracting(Chart::arguments)
                .asList()
                .contains("--rutile.node.api-version=" + apiVersion);
        requirePeersToBePods(objects);
        requireSelectorsToFindPods(objects);
        requireUnprivilegedPods(objects);
        assertThat(workloads(objects).stream()
                        .filter(workload -> !text(workload, "kind").equals("Pod"))
                        .flatMap(workload -> SETTINGS.unknown(arguments(workload)).stream()))
                .isEmpty();
    }

    private static Map<String, Object> values(int pds, int nodes, String apiVersion, boolean plain) {
        Map<String, Object> values = new HashMap<>(plain ? Chart.DEFAULTS : EVERYTHING);
        values.put("apiVersion", apiVersion);
        values.put("spread", plain ? "soft" : "hard");
        values.put("pd", with(values.get("pd"), "replicas", pds));
        values.put("node", with(values.get("node"), "replicas", nodes));
        return values;
    }

    private static Map<Object, Object> with(Object map, String name, Object value) {
        Map<Object, Object> changed = new HashMap<>(map == null ? Map.of() : (Map<?, ?>) map);
        changed.put(name, value);
        return changed;
    }

    /** Names that members tell each other are names that Kubernetes gives to pods. */
    private static void requirePeersToBePods(List<JsonObject> objects) {
        Set<String> pods = new TreeSet<>();
        for (JsonObject set : ofKind(objects, "StatefulSet")) {
            String name = text(set, "metadata", "name");
            String service = text(set, "spec", "serviceName");
            assertThat(text(named(objects, "Service", service), "spec", "clusterIP"))
                    .isEqualTo("None");
            assertThat(at(named(objects, "Service", service), "spec", "publishNotReadyAddresses")
                            .getAsBoolean())
                    .isTrue();
            for (int i = 0; i < at(set, "spec", "replicas").getAsInt(); i++) {
                pods.add(name + "-" + i + "." + service + "." + Chart.NAMESPACE + ".svc.cluster.local");
            }
        }
        JsonObject pd = named(objects, "StatefulSet", "demo-rutile-pd");
        Set<String> named = Stream.of(
                        argument(pd, "rutile.pd.initial-cluster"),
                        argument(named(objects, "StatefulSet", "demo-rutile-node"), "rutile.node.pd-endpoints"),
                        argument(named(objects, "Deployment", "demo-rutile-gateway"), "rutile.gateway.pd-endpoints"))
                .flatMap(list -> Arrays.stream(list.split(",")))
                .map(member -> member.substring(member.indexOf('=') + 1, member.lastIndexOf(':')))
                .collect(Collectors.toCollection(TreeSet::new));
        assertThat(named)
                .isEqualTo(pods.stream()
                        .filter(pod -> pod.startsWith("demo-rutile-pd-"))
                        .collect(Collectors.toCollection(TreeSet::new)));
        assertThat(argument(pd, "rutile.pd.initial-cluster"))
                .startsWith("demo-rutile-pd-0=demo-rutile-pd-0.demo-rutile-pd-peers.");
    }

    private static String argument(JsonObject workload, String name) {
        return arguments(workload).stream()
                .filter(argument -> argument.startsWith("--" + name + "="))
                .map(argument -> argument.substring(argument.indexOf('=') + 1))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no argument " + name));
    }

    /** Services, budgets and policies are about pods that exist, and about ports that these have. */
    private static void requireSelectorsToFindPods(List<JsonObject> objects) {
        List<JsonObject> pods = workloads(objects);
        for (JsonObject service : ofKind(objects, "Service")) {
            List<JsonObject> found = selected(pods, at(service, "spec", "selector"));
            assertThat(found).as(text(service, "metadata", "name")).hasSize(1);
            items(service, "spec", "ports")
                    .forEach(port -> assertThat(
                                    items(container(found.get(0)), "ports").map(p -> text(p, "name")))
                            .contains(text(port, "targetPort")));
        }
        for (String kind : List.of("StatefulSet", "Deployment", "PodDisruptionBudget")) {
            for (JsonObject object : ofKind(objects, kind)) {
                assertThat(selected(pods, at(object, "spec", "selector", "matchLabels")))
                        .hasSize(1);
            }
        }
        for (JsonObject policy : ofKind(objects, "NetworkPolicy")) {
            List<JsonObject> found = selected(pods, at(policy, "spec", "podSelector", "matchLabels"));
            assertThat(found).hasSize(1);
            items(policy, "spec", "ingress").forEach(rule -> {
                assertThat(at(rule, "from").getAsJsonArray()).isNotEmpty();
                items(rule, "ports")
                        .forEach(port -> assertThat(
                                        items(container(found.get(0)), "ports").map(p -> text(p, "name")))
                                .contains(text(port, "port")));
            });
        }
    }

    private static List<JsonObject> selected(List<JsonObject> pods, JsonElement selector) {
        return pods.stream()
                .filter(pod -> podLabels(pod)
                        .entrySet()
                        .containsAll(selector.getAsJsonObject().entrySet()))
                .toList();
    }

    private static void requireUnprivilegedPods(List<JsonObject> objects) {
        for (JsonObject workload : workloads(objects)) {
            JsonObject pod = podSpec(workload);
            JsonObject container = container(workload);
            assertThat(at(pod, "securityContext", "runAsNonRoot").getAsBoolean())
                    .isTrue();
            assertThat(at(pod, "securityContext", "runAsUser").getAsLong()).isPositive();
            assertThat(text(pod, "securityContext", "seccompProfile", "type")).isEqualTo("RuntimeDefault");
            assertThat(at(pod, "automountServiceAccountToken").getAsBoolean()).isFalse();
            assertThat(at(pod, "enableServiceLinks").getAsBoolean()).isFalse();
            JsonElement context = at(container, "securityContext");
            assertThat(at(context, "readOnlyRootFilesystem").getAsBoolean()).isTrue();
            assertThat(at(context, "allowPrivilegeEscalation").getAsBoolean()).isFalse();
            assertThat(at(context, "capabilities", "drop")).isEqualTo(JsonParser.parseString("[\"ALL\"]"));
            assertThat(items(container, "volumeMounts")
                            .filter(mount -> !mount.getAsJsonObject().has("readOnly"))
                            .map(mount -> text(mount, "mountPath")))
                    .isSubsetOf("/var/lib/rutile", "/tmp")
                    .contains("/tmp");
            assertThat(text(container, "resources", "limits", "memory")).isNotEmpty();
            if (!text(workload, "kind").equals("Pod")) {
                assertThat(text(container, "livenessProbe", "httpGet", "path")).isEqualTo("/actuator/health/liveness");
                assertThat(text(container, "readinessProbe", "httpGet", "path"))
                        .isEqualTo("/actuator/health/readiness");
                assertThat(container.has("startupProbe")).isTrue();
            }
        }
    }

    static Stream<Arguments> mistakes() {
        return Stream.of(
                mistake("unknown field", spec -> spec.addProperty("replica", 3), "replica"),
                mistake("unknown field in depth", spec -> firstContainer(spec).add("probe", new JsonObject()), "probe"),
                mistake("missing field", spec -> spec.remove("selector"), "selector"),
                mistake("missing field in depth", spec -> firstContainer(spec).remove("name"), "name"),
                mistake("text for a number", spec -> spec.addProperty("replicas", "three"), "three"),
                mistake("text that looks like a number", spec -> spec.addProperty("replicas", "3"), "replicas"),
                mistake(
                        "text for a truth value",
                        spec -> at(firstContainer(spec), "securityContext")
                                .getAsJsonObject()
                                .addProperty("readOnlyRootFilesystem", "yes"),
                        "readOnlyRootFilesystem"),
                mistake(
                        "number for a text",
                        spec -> at(firstContainer(spec), "env")
                                .getAsJsonArray()
                                .get(0)
                                .getAsJsonObject()
                                .addProperty("value", 5),
                        "value"),
                mistake("list for an object", spec -> spec.add("template", new JsonArray()), "[]"),
                mistake(
                        "quantity that is none",
                        spec -> at(firstContainer(spec), "resources", "limits")
                                .getAsJsonObject()
                                .addProperty("memory", "much"),
                        "quantity"));
    }

    private static Arguments mistake(String what, Consumer<JsonObject> planted, String named) {
        return Arguments.of(what, planted, named);
    }

    private static JsonObject firstContainer(JsonObject spec) {
        return at(spec, "template", "spec", "containers")
                .getAsJsonArray()
                .get(0)
                .getAsJsonObject();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("mistakes")
    void plantedMistakeIsFound(String what, Consumer<JsonObject> planted, String named) {
        JsonObject set = named(Chart.render(Chart.DEFAULTS), "StatefulSet", "demo-rutile-node");
        assertThat(KubernetesModel.faults(set)).isEmpty();

        planted.accept(at(set, "spec").getAsJsonObject());

        assertThat(KubernetesModel.faults(set))
                .isNotEmpty()
                .anySatisfy(fault -> assertThat(fault).contains(named));
    }

    @Test
    void versionOfTheApiThatIsGoneIsFound() {
        JsonObject budget =
                ofKind(Chart.render(Chart.DEFAULTS), "PodDisruptionBudget").get(0);

        budget.addProperty("apiVersion", "policy/v1beta1");

        assertThat(KubernetesModel.faults(budget)).singleElement().asString().contains("policy/v1beta1");
    }

    @Test
    void argumentThatNobodyKnowsIsFound() {
        assertThat(SETTINGS.unknown(List.of(
                        "--rutile.node.cache-size=1MB",
                        "--rutile.node.cashe-size=1MB",
                        "--rutile.node.labels.zone=a",
                        "--server.port",
                        "verify")))
                .containsExactly("--rutile.node.cashe-size=1MB", "--server.port", "verify");
    }

    static Stream<Arguments> refusals() {
        return Stream.of(
                Arguments.of(Map.of("nodes", Map.of("replicas", 3)), "nodes"),
                Arguments.of(Map.of("node", Map.of("replica", 3)), "replica"),
                Arguments.of(Map.of("node", Map.of("replicas", "3")), "replicas"),
                Arguments.of(Map.of("pd", Map.of("replicas", 2)), "replicas"),
                Arguments.of(Map.of("apiVersion", "V3"), "apiVersion"),
                Arguments.of(Map.of("node", Map.of("cacheSize", "384MB")), "cacheSize"),
                Arguments.of(Map.of("node", Map.of("storage", Map.of("size", ""))), "size"),
                Arguments.of(Map.of("node", Map.of("replicas", 2)), "placement.maxReplicas = 3"),
                Arguments.of(Map.of("node", Map.of("cacheSize", "1Gi")), "node: the memory limit of 2048 MiB is less"),
                Arguments.of(Map.of("gateway", Map.of("heapPercent", 70)), "gateway: the memory limit"),
                Arguments.of(Map.of("placement", Map.of("isolationLevel", "rack")), "rack is none of"),
                Arguments.of(Map.of("placement", Map.of("podLabels", Map.of("rack", "a/b"))), "rack is none of"),
                Arguments.of(Map.of("tls", Map.of("gatewaySecret", "front")), "only where members do"),
                Arguments.of(Map.of("tls", Map.of("peerCommonNames", List.of("a"))), "everything would be plaintext"),
                Arguments.of(
                        Map.of(
                                "tls",
                                Map.of(
                                        "secret", "members",
                                        "clientAuth", "want",
                                        "allowedCommonNames", List.of("a"))),
                        "nobody has to show a certificate"),
                Arguments.of(
                        Map.of("node", Map.of("properties", Map.of("rutile.tls.bundle", "other"))),
                        "rutile.tls.bundle follows from other values"),
                Arguments.of(
                        Map.of("pd", Map.of("properties", Map.of("rutile.pd.name", "other"))),
                        "rutile.pd.name follows from other values"),
                Arguments.of(
                        Map.of("pd", Map.of("properties", Map.of("rutile.pd.name x", "other"))), "rutile.pd.name x"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("refusals")
    void valuesThatMakeNoSenseAreRefusedInWords(Map<String, Object> values, String named) {
        Map<String, Object> chosen = new HashMap<>(values);
        chosen.put("gateway", with(values.get("gateway"), "security", Map.of("insecure", true)));

        assertThatThrownBy(() -> Chart.render(chosen)).hasMessageContaining(named);
    }

    @Test
    void whoMayCallTheGatewayHasToBeSaid() {
        assertThatThrownBy(() -> Chart.render(Map.of())).hasMessageContaining("say who may call");
        for (Map<String, Object> security : List.<Map<String, Object>>of(
                Map.of("insecure", true, "accessSecret", "callers"),
                Map.of("jwt", Map.of("issuer", "https://id.example/")),
                Map.of("jwt", Map.of("issuer", "id.example")),
                Map.of("acessSecret", "callers"))) {
            assertThatThrownBy(() -> Chart.render(Map.of("gateway", Map.of("security", security))))
                    .as(security.toString())
                    .isInstanceOf(IllegalStateException.class);
        }
        assertThat(arguments(named(Chart.render(Chart.DEFAULTS), "Deployment", "demo-rutile-gateway")))
                .contains("--rutile.gateway.security.insecure=true")
                .noneMatch(argument -> argument.contains("access-file") || argument.contains("jwt"));
    }

    @Test
    void callersOfTheGatewayComeFromASecretAndAnIssuer() {
        List<JsonObject> objects = Chart.render(EVERYTHING);
        JsonObject gateway = named(objects, "Deployment", "demo-rutile-gateway");

        assertThat(arguments(gateway))
                .contains(
                        "--rutile.gateway.security.access-file=/etc/rutile/access/access.json",
                        "--rutile.gateway.security.jwt.issuer=https://id.example/",
                        "--rutile.gateway.security.jwt.audience=rutile,stores",
                        "--rutile.gateway.security.jwt.roles-claim=scope")
                .noneMatch(argument -> argument.contains("insecure"));
        assertThat(items(container(gateway), "volumeMounts").map(mount -> text(mount, "mountPath")))
                .contains("/etc/rutile/access");
        assertThat(items(podSpec(gateway), "volumes")
                        .filter(volume -> text(volume, "name").equals("access"))
                        .map(volume -> text(volume, "secret", "secretName")))
                .containsExactly("callers");
        assertThat(items(container(named(objects, "Pod", "demo-rutile-test")), "env")
                        .map(variable -> text(variable, "valueFrom", "secretKeyRef", "name")))
                .containsExactly("tester");
    }

    @Test
    void raftPortsAreForMembersAlone() {
        List<JsonObject> objects = Chart.render(EVERYTHING);

        assertThat(from(objects, "pd", "raft")).containsExactly("pd");
        assertThat(from(objects, "node", "raft")).containsExactly("node");
    }

    @Test
    void byDefaultTheClusterIsForTheGatewayAlone() {
        List<JsonObject> objects = Chart.render(Chart.DEFAULTS);

        assertThat(from(objects, "pd", "client")).containsExactlyInAnyOrder("pd", "node", "gateway", "test");
        assertThat(from(objects, "node", "grpc")).containsExactlyInAnyOrder("pd", "node", "gateway", "test");
        assertThat(from(objects, "pd", "management")).isEmpty();
        assertThat(from(objects, "gateway", "management")).isEmpty();
    }

    /** Components, or "others" for who is not of this release, that a policy lets in. */
    private static List<String> from(List<JsonObject> objects, String component, String port) {
        return items(named(objects, "NetworkPolicy", "demo-rutile-" + component), "spec", "ingress")
                .filter(rule ->
                        items(rule, "ports").anyMatch(p -> text(p, "port").equals(port)))
                .flatMap(rule -> items(rule, "from"))
                .map(HelmChartTest::component)
                .toList();
    }

    private static String component(JsonElement peer) {
        JsonElement labels = peer.getAsJsonObject().has("podSelector")
                ? at(peer, "podSelector").getAsJsonObject().get("matchLabels")
                : null;
        JsonElement component = labels == null ? null : labels.getAsJsonObject().get("app.kubernetes.io/component");
        return component == null ? "others" : component.getAsString();
    }

    @Test
    void locationLabelsComeFromTheMachineAndItsPod() {
        JsonObject node = named(Chart.render(Chart.DEFAULTS), "StatefulSet", "demo-rutile-node");

        assertThat(arguments(node))
                .contains("--rutile.node.labels.host=$(NODE_NAME)", "--rutile.node.labels.zone=$(LABEL_ZONE)");
        assertThat(items(container(node), "env")
                        .filter(variable -> text(variable, "name").equals("LABEL_ZONE"))
                        .map(variable -> text(variable, "valueFrom", "fieldRef", "fieldPath")))
                .containsExactly("metadata.labels['topology.kubernetes.io/zone']");
        assertThat(arguments(named(Chart.render(Chart.DEFAULTS), "StatefulSet", "demo-rutile-pd")))
                .contains("--rutile.pd.schedule.location-labels=zone,host");
    }

    @Test
    void transactionOverRestStaysWithItsGateway() {
        assertThat(text(
                        named(Chart.render(Chart.DEFAULTS), "Service", "demo-rutile-gateway"),
                        "spec",
                        "sessionAffinity"))
                .isEqualTo("ClientIP");
    }

    @Test
    void testOfAReleaseIsAHookThatRunsTheRutileCommand() throws IOException {
        assertThat(Files.readString(Chart.directory().resolve("templates/tests/gateway.yaml")))
                .contains("helm.sh/hook: test");

        JsonObject test = named(Chart.render(Chart.DEFAULTS), "Pod", "demo-rutile-test");

        assertThat(text(container(test), "image")).isEqualTo("rutile/cli:0.1.0");
        assertThat(arguments(test))
                .startsWith("verify", "gateway", "http://demo-rutile-gateway.stores.svc.cluster.local:8080");
    }

    @Test
    void oneSecretBringsTlsToEveryPort() {
        Map<String, Object> values = new HashMap<>(Chart.DEFAULTS);
        values.put("tls", Map.of("secret", "members", "peerCommonNames", List.of("member")));

        List<JsonObject> objects = Chart.render(values);

        for (JsonObject workload : workloads(objects)) {
            assertThat(items(podSpec(workload), "volumes")
                            .filter(volume -> text(volume, "name").equals("tls"))
                            .map(volume -> text(volume, "secret", "secretName")))
                    .as(text(workload, "metadata", "name"))
                    .containsExactly("members");
            assertThat(items(container(workload), "volumeMounts").map(mount -> text(mount, "mountPath")))
                    .contains("/etc/rutile/tls");
            if (text(workload, "kind").equals("Pod")) {
                continue;
            }
            assertThat(arguments(workload))
                    .contains(
                            "--rutile.tls.bundle=cluster",
                            "--spring.ssl.bundle.pem.cluster.reload-on-update=true",
                            "--spring.ssl.bundle.pem.cluster.keystore.certificate=/etc/rutile/tls/tls.crt",
                            "--spring.ssl.bundle.pem.cluster.keystore.private-key=/etc/rutile/tls/tls.key",
                            "--spring.ssl.bundle.pem.cluster.truststore.certificate=/etc/rutile/tls/ca.crt");
            for (String probe : List.of("startupProbe", "livenessProbe", "readinessProbe")) {
                assertThat(text(container(workload), probe, "httpGet", "scheme"))
                        .isEqualTo("HTTPS");
            }
        }
        JsonObject pd = named(objects, "StatefulSet", "demo-rutile-pd");
        assertThat(argument(pd, "rutile.pd.advertise-client-url")).startsWith("https://");
        assertThat(arguments(pd)).contains("--rutile.tls.client-auth=need", "--rutile.tls.peer-common-names=member");
        JsonObject test = named(objects, "Pod", "demo-rutile-test");
        assertThat(arguments(test))
                .contains("https://demo-rutile-gateway.stores.svc.cluster.local:8080", "/etc/rutile/tls/ca.crt");
        // It trusts, and has no key.
        assertThat(podSpec(test).toString()).doesNotContain("tls.key");
        assertThat(ofKind(objects, "Certificate")).isEmpty();
    }

    @Test
    void certManagerMakesACertificateForEveryNameThatIsDialled() {
        List<JsonObject> objects = Chart.render(EVERYTHING);

        JsonObject certificate = ofKind(objects, "Certificate").get(0);
        assertThat(text(certificate, "spec", "secretName")).isEqualTo("demo-rutile-tls");
        List<String> names = items(certificate, "spec", "dnsNames")
                .map(JsonElement::getAsString)
                .toList();
        assertThat(names)
                .contains(
                        "*.demo-rutile-pd-peers.stores.svc.cluster.local",
                        "*.demo-rutile-node-peers.stores.svc.cluster.local",
                        "demo-rutile-pd.stores",
                        text(
                                items(ofKind(objects, "ServiceMonitor").get(0), "spec", "endpoints")
                                        .toList()
                                        .get(0),
                                "tlsConfig",
                                "serverName"));
        JsonObject node = named(objects, "StatefulSet", "demo-rutile-node");
        assertThat(argument(node, "rutile.tls.allowed-common-names")).isEqualTo("report,demo-rutile");
        assertThat(argument(node, "rutile.tls.peer-common-names")).isEqualTo("demo-rutile");
        assertThat(arguments(named(objects, "Deployment", "demo-rutile-gateway")))
                .contains(
                        "--rutile.tls.bundle=gateway",
                        "--rutile.tls.management-bundle=cluster",
                        "--rutile.tls.client-bundle=cluster");
    }

    @Test
    void graceIsLongerThanWhatAStopTakes() {
        List<JsonObject> objects = Chart.render(Chart.DEFAULTS);

        JsonObject gateway = named(objects, "Deployment", "demo-rutile-gateway");
        int preStop = at(container(gateway), "lifecycle", "preStop", "sleep", "seconds")
                .getAsInt();
        assertThat(at(podSpec(gateway), "terminationGracePeriodSeconds").getAsInt())
                .isGreaterThan(preStop + 20);
        // 8 s for leaders, 2 s for running calls, 20 s for the rest of the shell.
        assertThat(at(podSpec(named(objects, "StatefulSet", "demo-rutile-node")), "terminationGracePeriodSeconds")
                        .getAsInt())
                .isGreaterThan(30);
    }

    @Test
    void monitoringIsAboutThisRelease() {
        List<JsonObject> objects = Chart.render(EVERYTHING);

        JsonObject monitor = ofKind(objects, "ServiceMonitor").get(0);
        JsonObject wanted = at(monitor, "spec", "selector", "matchLabels").getAsJsonObject();
        List<JsonObject> scraped = ofKind(objects, "Service").stream()
                .filter(service -> at(service, "metadata", "labels")
                        .getAsJsonObject()
                        .entrySet()
                        .containsAll(wanted.entrySet()))
                .toList();
        assertThat(scraped.stream().map(service -> text(service, "metadata", "name")))
                .containsExactlyInAnyOrder(
                        "demo-rutile-pd-peers", "demo-rutile-node-peers", "demo-rutile-gateway-management");
        assertThat(scraped)
                .allSatisfy(service -> assertThat(
                                items(service, "spec", "ports").map(port -> text(port, "name")))
                        .contains(text(
                                items(monitor, "spec", "endpoints").toList().get(0), "port")));

        List<JsonElement> rules = items(ofKind(objects, "PrometheusRule").get(0), "spec", "groups")
                .flatMap(group -> items(group, "rules"))
                .toList();
        assertThat(rules).isNotEmpty().allSatisfy(rule -> {
            assertThat(text(rule, "expr")).contains("job=\"demo\"").doesNotContain("job=\"rutile\"");
        });

        // What is asked for in them: QueriesTest.
        assertThat(at(named(objects, "ConfigMap", "demo-rutile-dashboards"), "data")
                        .getAsJsonObject()
                        .asMap())
                .hasSizeGreaterThan(3)
                .allSatisfy((file, json) -> assertThat(at(JsonParser.parseString(json.getAsString()), "uid")
                                .getAsString())
                        .isEqualTo(file.replace(".json", "")));
    }
}
