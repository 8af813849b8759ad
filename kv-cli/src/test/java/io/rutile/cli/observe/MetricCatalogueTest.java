package io.rutile.cli.observe;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.cli.observe.MetricCatalogue.Family;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * docs/operations/metrics.md names every meter that the sources make and no other. {@code ObservabilityIT} compares it with what
 * processes expose.
 */
class MetricCatalogueTest {

    /** A name in a source; one that ends with a dot is completed where it is used. */
    private static final Pattern NAME = Pattern.compile("\"(kv(?:\\.[a-z0-9]+)+\\.?)\"");

    /** What a declaration makes of a name: {@code Counter.builder("…")}, {@code metrics.gauge("…", …)}. */
    private static final Pattern DECLARED = Pattern.compile(
            "\\b(Counter|Gauge|Timer|DistributionSummary)\\s*\\.builder\\(\\s*\"(kv[a-z0-9.]+)\"|\\.(counter|gauge|gaugeMapSize)\\(\\s*\"(kv[a-z0-9.]+)\"");

    /** What Prometheus' name has behind the meter's: unit, then kind. */
    private static final String SUFFIX = "(_(seconds|bytes|entries|files))?(_total)?";

    private final MetricCatalogue catalogue = MetricCatalogue.read();
    private final String sources = sources();

    @Test
    void everyMeterOfTheSourcesIsInTheCatalogue() {
        assertThat(names())
                .hasSizeGreaterThan(100)
                .allSatisfy(name -> assertThat(ours())
                        .anySatisfy(family -> assertThat(family.name()).matches(pattern(name))));
    }

    @Test
    void everyMetricOfTheCatalogueIsMadeSomewhere() {
        assertThat(ours())
                .allSatisfy(family -> assertThat(names())
                        .anySatisfy(name -> assertThat(family.name()).matches(pattern(name))));
    }

    @Test
    void typesAreThoseOfTheDeclarations() {
        Map<String, String> declared = new TreeMap<>();
        Matcher matcher = DECLARED.matcher(sources);
        while (matcher.find()) {
            boolean built = matcher.group(1) != null;
            declared.put(
                    built ? matcher.group(2) : matcher.group(4),
                    switch (built ? matcher.group(1) : matcher.group(3)) {
                        case "Counter", "counter" -> "counter";
                        case "Timer", "DistributionSummary" -> "histogram|summary";
                        default -> "gauge";
                    });
        }

        assertThat(declared).hasSizeGreaterThan(80);
        declared.forEach((name, type) -> {
            if (!name.endsWith(".")) {
                assertThat(ours().stream().filter(family -> family.name().matches(pattern(name))))
                        .as(name)
                        .anySatisfy(family -> assertThat(family.type()).matches(type));
            }
        });
    }

    @Test
    void namesFollowTheHouse() {
        assertThat(ours()).allSatisfy(family -> {
            assertThat(family.name().endsWith("_total")).isEqualTo(family.type().equals("counter"));
            assertThat(family.services()).isNotEmpty().isSubsetOf("pd", "node", "gateway");
        });
    }

    private List<Family> ours() {
        return catalogue.families().values().stream()
                .filter(family -> family.name().startsWith("kv_"))
                .toList();
    }

    private Set<String> names() {
        return NAME.matcher(sources)
                .results()
                .map((MatchResult match) -> match.group(1))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static String pattern(String name) {
        String base = name.replace('.', '_');
        return base.endsWith("_") ? base + "[a-z0-9_]+" : base + SUFFIX;
    }

    private static String sources() {
        return Stream.of(
                        "kv-tls",
                        "kv-trace",
                        "kv-raft",
                        "kv-storage",
                        "kv-client",
                        "kv-node-service",
                        "pd-service",
                        "kv-gateway")
                .map(module -> Path.of("..", module, "src", "main", "java"))
                .flatMap(MetricCatalogueTest::javaFiles)
                .map(MetricCatalogueTest::text)
                .collect(Collectors.joining("\n"));
    }

    private static Stream<Path> javaFiles(Path root) {
        try (Stream<Path> files = Files.walk(root)) {
            return files.filter(file -> file.toString().endsWith(".java")).toList().stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
