package io.rutile.cli.deploy;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.marcnuri.helm.Helm;
import com.marcnuri.helm.LintResult;
import io.rutile.cli.cluster.RutileHome;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Assumptions;
import org.springframework.util.FileSystemUtils;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/** The chart, linted and rendered by Helm itself. */
final class Chart {

    static final String RELEASE = "demo";
    static final String NAMESPACE = "stores";

    /** The only value that has no default: who may call the gateway. */
    static final Map<String, Object> DEFAULTS = Map.of("gateway", Map.of("security", Map.of("insecure", true)));

    /** The oldest that the chart is for. */
    private static final String KUBERNETES = "1.30.0";

    private static final Gson GSON = new Gson();

    private Chart() {}

    static Path home() {
        return Path.of(System.getProperty(RutileHome.PROPERTY, ".."))
                .toAbsolutePath()
                .normalize();
    }

    static Path directory() {
        return home().resolve("helm/rutile");
    }

    /** Skips the test, and says so, where the library has no Helm for this machine. */
    static void requireHelm() {
        try {
            Assumptions.assumeTrue(helm().lint() != null); // loads it
        } catch (LinkageError | IllegalStateException e) {
            Assumptions.abort("the chart was not tested: no Helm for this machine (" + e.getMessage() + ")");
        }
    }

    static LintResult lint() {
        return helm().lint().strict().call();
    }

    /**
     * Every object that an installation with these values would create, test hooks included.
     *
     * @param values as a values file would have them
     * @throws IllegalStateException with Helm's words if it refuses them
     */
    static List<JsonObject> render(Map<String, ?> values) {
        Path file = null;
        try {
            file = Files.createTempFile("values", ".json");
            Files.writeString(file, GSON.toJson(values)); // JSON is YAML
            return parse(new Helm(withoutHooks())
                    .template()
                    .withName(RELEASE)
                    .withNamespace(NAMESPACE)
                    .withKubeVersion(KUBERNETES)
                    .withValuesFile(file)
                    .call());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            delete(file);
        }
    }

    /**
     * A copy of the chart whose hooks are objects like others: rendering with the library leaves hooks out.
     *
     * @throws IOException if it can't be written below {@code target}
     */
    private static Path withoutHooks() throws IOException {
        Path copy = home().resolve("kv-cli/target/chart/rutile");
        FileSystemUtils.deleteRecursively(copy);
        try (Stream<Path> files = Files.walk(directory())) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Path target = copy.resolve(directory().relativize(file).toString());
                Files.createDirectories(target.getParent());
                Files.writeString(target, Files.readString(file).replace("helm.sh/hook", "unhooked"));
            }
        }
        return copy;
    }

    static List<JsonObject> parse(String yaml) {
        List<JsonObject> objects = new ArrayList<>();
        for (Object document : new Yaml(new SafeConstructor(new LoaderOptions())).loadAll(yaml)) {
            if (document != null) {
                objects.add(GSON.toJsonTree(document).getAsJsonObject());
            }
        }
        return objects;
    }

    static List<JsonObject> ofKind(List<JsonObject> objects, String kind) {
        return objects.stream()
                .filter(object -> text(object, "kind").equals(kind))
                .toList();
    }

    static JsonObject named(List<JsonObject> objects, String kind, String name) {
        return ofKind(objects, kind).stream()
                .filter(object -> text(object, "metadata", "name").equals(name))
                .findFirst()
                .orElseThrow(() -> new AssertionError("there is no " + kind + " " + name));
    }

    /** Whatever makes pods, and pods. */
    static List<JsonObject> workloads(List<JsonObject> objects) {
        return Stream.of("StatefulSet", "Deployment", "Pod")
                .flatMap(kind -> ofKind(objects, kind).stream())
                .toList();
    }

    /** What is below these names; fails if something is missing. */
    static JsonElement at(JsonElement object, String... path) {
        JsonElement here = object;
        for (String name : path) {
            here = here.getAsJsonObject().get(name);
            if (here == null) {
                throw new AssertionError(String.join(".", path) + ": there is no " + name);
            }
        }
        return here;
    }

    static String text(JsonElement object, String... path) {
        return at(object, path).getAsString();
    }

    static Stream<JsonElement> items(JsonElement object, String... path) {
        JsonArray array = at(object, path).getAsJsonArray();
        return StreamSupport.stream(array.spliterator(), false);
    }

    static JsonObject podSpec(JsonObject workload) {
        return (text(workload, "kind").equals("Pod") ? at(workload, "spec") : at(workload, "spec", "template", "spec"))
                .getAsJsonObject();
    }

    static JsonObject podLabels(JsonObject workload) {
        return (text(workload, "kind").equals("Pod")
                        ? at(workload, "metadata", "labels")
                        : at(workload, "spec", "template", "metadata", "labels"))
                .getAsJsonObject();
    }

    /** Every pod here has one container. */
    static JsonObject container(JsonObject workload) {
        return at(podSpec(workload), "containers").getAsJsonArray().get(0).getAsJsonObject();
    }

    static List<String> arguments(JsonObject workload) {
        return items(container(workload), "args").map(JsonElement::getAsString).toList();
    }

    private static Helm helm() {
        return new Helm(directory());
    }

    private static void delete(Path file) {
        if (file != null) {
            try {
                Files.deleteIfExists(file);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
