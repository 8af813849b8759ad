package io.rutile.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.rutile.gateway.GatewayProperties;
import io.rutile.node.KvNodeProperties;
import io.rutile.pd.PdProperties;
import io.rutile.pd.PdStartException;
import jakarta.validation.Validation;
import jakarta.validation.Validator;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.boot.convert.DurationStyle;
import org.springframework.boot.env.YamlPropertySourceLoader;
import org.springframework.core.env.EnumerablePropertySource;
import org.springframework.core.env.PropertySource;
import org.springframework.core.io.FileSystemResource;
import org.springframework.util.unit.DataSize;

/**
 * docs/configuration.md says of each property what it is. The page is made here, of what the annotation processor writes down about the
 * properties' records: their comments, types and defaults. After a change run this test with {@code -Dconfiguration.write=true}. What
 * the comments say about ranges is tried.
 */
class ConfigurationDocTest {

    private static final Path PAGE = Path.of("..", "docs", "configuration.md");
    private static final String METADATA = "META-INF/spring-configuration-metadata.json";

    /** Sections of the page, in its order. */
    private static final Map<String, String> SECTIONS = new TreeMap<>(Map.of(
            "1 rutile.pd", "The Placement Driver: `rutile.pd.*`",
            "2 rutile.node", "KV nodes: `rutile.node.*`",
            "3 rutile.gateway", "The gateway: `rutile.gateway.*`",
            "4 rutile.tls", "Keys and certificates of all three: `rutile.tls.*`"));

    private static final Map<String, String> SERVICES = new TreeMap<>(
            Map.of("1 pd-service", "Placement Driver", "2 kv-node-service", "KV node", "3 kv-gateway", "Gateway"));

    private static final Map<String, String> TYPES = Map.of(
            "java.lang.Integer", "number",
            "java.lang.Long", "number",
            "java.lang.Double", "share",
            "java.lang.Boolean", "`true`, `false`",
            "java.time.Duration", "duration",
            "org.springframework.util.unit.DataSize", "size",
            "java.nio.file.Path", "path");

    /** Whose values have ends. */
    private static final Set<String> MEASURED = Set.of("number", "share", "duration", "size");

    private static final Pattern RANGE = Pattern.compile("from (\\S+)|(\\S+) to (\\S+)");

    private static final Validator VALIDATOR =
            Validation.buildDefaultValidatorFactory().getValidator();

    /** @param text the comment, without what is said about range, default and reload */
    private record Property(
            String name,
            String type,
            String text,
            Optional<String> range,
            Optional<String> defaultValue,
            Optional<String> reload) {

        static Property of(JsonObject metadata) {
            String comment = metadata.has("description")
                    ? metadata.get("description").getAsString().replaceAll("\\{@code\\s+([^}]*)}", "`$1`")
                    : "";
            // What may be left out is of the type that it has when it is given.
            String type = metadata.get("type").getAsString().replaceAll("^java\\.util\\.Optional<(.*)>$", "$1");
            return new Property(
                    metadata.get("name").getAsString(),
                    type.startsWith("java.util.Map")
                            ? "names and values"
                            : type.startsWith("java.util.") ? "list" : TYPES.getOrDefault(type, "text"),
                    comment.split(" ?(Range|Default|Reload): ", 2)[0].replaceAll("\\.$", ""),
                    said("Range", comment),
                    said("Default", comment)
                            .or(() -> Optional.ofNullable(metadata.get("defaultValue"))
                                    .map(Property::text)),
                    said("Reload", comment));
        }

        private static Optional<String> said(String what, String comment) {
            Matcher matcher = Pattern.compile(what + ": (.*?)(?=\\.? (?:Range|Default|Reload): |\\.?$)")
                    .matcher(comment);
            return matcher.find() ? Optional.of(matcher.group(1)) : Optional.empty();
        }

        private static String text(JsonElement value) {
            String text = value.getAsString().replaceAll("^\\[(.*)]$", "$1");
            return text.isEmpty() ? "" : "`" + text + "`";
        }

        Property named(String other) {
            return new Property(other, type, text, range, defaultValue, reload);
        }
    }

    @Test
    void pageSaysWhatCanBeConfigured() throws IOException {
        String page = render();

        if (Boolean.getBoolean("configuration.write")) {
            Files.writeString(PAGE, page);
        }

        assertThat(PAGE)
                .as("run this test with -Dconfiguration.write=true and commit the page")
                .hasContent(page);
    }

    @Test
    void everyPropertySaysWhatItIsItsRangeAndItsDefault() throws IOException {
        assertThat(properties()).hasSizeGreaterThan(90).allSatisfy(property -> {
            assertThat(property.text()).as(property.name()).isNotEmpty();
            assertThat(property.defaultValue())
                    .as("default of %s", property.name())
                    .isPresent();
            assertThat(property.range().isPresent())
                    .as("%s has a range", property.name())
                    .isEqualTo(MEASURED.contains(property.type()));
        });
    }

    @Test
    void endsOfRangesAreWhatTheySay() throws IOException {
        List<String> wrong = new ArrayList<>();
        for (Property property : properties()) {
            String range = property.range().map(words -> words.replace("`", "")).orElse("");
            Matcher ends = RANGE.matcher(range);
            if (!ends.matches()) {
                assertThat(range).as(property.name()).isEmpty();
                continue;
            }
            String min = ends.group(1) != null ? ends.group(1) : ends.group(2);
            tryEnd(property, min, -1, wrong);
            if (ends.group(3) != null) {
                tryEnd(property, ends.group(3), 1, wrong);
            }
        }

        assertThat(wrong).isEmpty();
    }

    /** An end that names another property is a matter of both, and of their own tests. */
    private static void tryEnd(Property property, String end, int outwards, List<String> wrong) {
        if (!Character.isDigit(end.charAt(0))) {
            return;
        }
        String beyond = switch (property.type()) {
            case "duration" ->
                DurationStyle.SIMPLE.parse(end).plusMillis(outwards).toMillis() + "ms";
            case "size" -> DataSize.parse(end).toBytes() + outwards + "B";
            case "share" -> String.valueOf(Double.parseDouble(end) + outwards * 0.001);
            default -> String.valueOf(Long.parseLong(end) + outwards);
        };
        if (!isAccepted(property.name(), end)) {
            wrong.add(property.name() + "=" + end + " is refused");
        }
        if (isAccepted(property.name(), beyond)) {
            wrong.add(property.name() + "=" + beyond + " is accepted");
        }
    }

    private static boolean isAccepted(String name, String value) {
        Binder binder =
                new Binder(new MapConfigurationPropertySource(Map.of(name, value, "rutile.node.data-dir", "data")));
        if (name.startsWith("rutile.pd.")) {
            return isAccepted(binder, "rutile.pd", PdProperties.class, PdProperties::toOptions);
        }
        if (name.startsWith("rutile.node.")) {
            return isAccepted(binder, "rutile.node", KvNodeProperties.class, KvNodeProperties::toOptions);
        }
        return isAccepted(binder, "rutile.gateway", GatewayProperties.class, properties -> properties);
    }

    private static <T> boolean isAccepted(Binder binder, String prefix, Class<T> type, Function<T, Object> use) {
        T properties = binder.bindOrCreate(prefix, Bindable.of(type));
        if (!VALIDATOR.validate(properties).isEmpty()) {
            return false;
        }
        try {
            return use.apply(properties) != null;
        } catch (PdStartException e) {
            return false;
        }
    }

    private static String render() throws IOException {
        StringBuilder page = new StringBuilder("""
                # Configuration
                Every property of the three services, with its default. This page is generated by `ConfigurationDocTest` from the comments of the properties'
                classes; the ends of ranges are tried.

                A property is set as an argument (`--rutile.node.cache-size=1GB`), in a file that is named by one
                (`--spring.config.additional-location=rutile.yml`), or in the environment, in capitals and without hyphens (`RUTILE_NODE_CACHESIZE=1GB`). An
                argument counts more than the environment, and that more than a file. `./rutile up --node-property NAME=VALUE` passes it to the nodes of a [local cluster](operations/local-cluster.md),
                `node.properties` and its like of the chart to [pods](operations/kubernetes.md).

                - **Durations** are whole numbers with a unit: `500ms`, `10s`, `5m`, `1h`, `30d`. **Sizes** are bytes, or with a unit in powers of 1,024: `64MB`, `2GB`. **Lists** are
                  separated by commas.
                - A value outside of its range, or that makes no sense, ends the start with a sentence that names the property. Ends belong to the range. A *name* that does not
                  exist is not noticed by anybody.
                - **A change takes effect when the process is started again**, where the last column doesn't say otherwise. What a cluster has to have alike everywhere says so.

                """);
        List<Property> properties = properties();
        SECTIONS.forEach((key, title) -> {
            String prefix = key.substring(2) + ".";
            page.append("## ").append(title).append("\n\n");
            page.append("| property | default | range | what | changed while it runs |\n|---|---|---|---|---|\n");
            properties.stream()
                    .filter(property -> property.name().startsWith(prefix))
                    .map(property -> property.named(property.name().substring(prefix.length())))
                    .forEach(property -> page.append("| `")
                            .append(property.name())
                            .append("` | ")
                            .append(property.defaultValue().orElse(""))
                            .append(" | ")
                            .append(property.range().orElse(property.type()))
                            .append(" | ")
                            .append(property.text())
                            .append(" | ")
                            .append(property.reload().orElse("–"))
                            .append(" |\n"));
            page.append('\n');
        });
        page.append("""
                ## Spring Boot's own properties, as the services set them
                Everything else of Spring Boot can be set, too; these are the ones that the services' jars set themselves. `server.*` is the management port of the Placement
                Driver and of nodes, and the REST API of the gateway. Certificates are [bundles](operations/security.md#tls), traces have [a page](operations/tracing.md).

                """);
        for (Map.Entry<String, String> service : SERVICES.entrySet()) {
            page.append("### ").append(service.getValue()).append("\n\n| property | value |\n|---|---|\n");
            settings(service.getKey().substring(2))
                    .forEach((name, value) -> page.append("| `")
                            .append(name)
                            .append("` | ")
                            .append(value.isEmpty() ? "" : "`" + value + "`")
                            .append(" |\n"));
            page.append('\n');
        }
        return page.toString();
    }

    private static Map<String, String> settings(String module) throws IOException {
        Path file = Path.of("..", module, "src", "main", "resources", "application.yml");
        Map<String, String> settings = new TreeMap<>();
        for (PropertySource<?> source : new YamlPropertySourceLoader().load(module, new FileSystemResource(file))) {
            for (String name : ((EnumerablePropertySource<?>) source).getPropertyNames()) {
                settings.put(name, String.valueOf(source.getProperty(name)));
            }
        }
        settings.keySet().removeIf(name -> name.startsWith("rutile."));
        return settings;
    }

    private static List<Property> properties() throws IOException {
        Map<String, Property> properties = new TreeMap<>();
        for (var url :
                Collections.list(ConfigurationDocTest.class.getClassLoader().getResources(METADATA))) {
            try (Reader in = new InputStreamReader(url.openStream(), StandardCharsets.UTF_8)) {
                for (JsonElement property :
                        JsonParser.parseReader(in).getAsJsonObject().getAsJsonArray("properties")) {
                    String name = property.getAsJsonObject().get("name").getAsString();
                    if (name.startsWith("rutile.")) {
                        properties.put(name, Property.of(property.getAsJsonObject()));
                    }
                }
            }
        }
        return List.copyOf(properties.values());
    }
}
