package io.rutile.cli.observe;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * docs/operations/metrics.md, read: sections with a line {@code Of node and gateway.} and tables whose first columns are metric, type,
 * unit and labels.
 *
 * @param families by the name that Prometheus knows them under
 */
public record MetricCatalogue(Map<String, Family> families) {

    public static final Path PAGE = Path.of("..", "docs", "operations", "metrics.md");

    /** What Prometheus, its configuration and the services add to every series. */
    public static final Set<String> COMMON_LABELS = Set.of("job", "instance", "component", "application");

    private static final int COLUMNS = 6;

    /**
     * One metric.
     *
     * @param type counter, gauge, histogram or summary
     * @param labels its own ones, without {@code le} and {@link #COMMON_LABELS}
     * @param services that have it: pd, node, gateway
     */
    public record Family(String name, String type, String unit, Set<String> labels, Set<String> services) {

        boolean isDistribution() {
            return type.equals("histogram") || type.equals("summary");
        }
    }

    public static MetricCatalogue read() {
        try {
            return parse(Files.readAllLines(PAGE));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static MetricCatalogue parse(List<String> lines) {
        Map<String, Family> families = new LinkedHashMap<>();
        Set<String> services = Set.of();
        for (String line : lines) {
            if (line.startsWith("#")) {
                services = Set.of();
            } else if (line.startsWith("Of ") && line.endsWith(".")) {
                services = Set.of(line.substring(3, line.length() - 1).split(", | and "));
            } else if (line.startsWith("| `")) {
                Family family = family(line, services);
                if (families.put(family.name(), family) != null) {
                    throw new AssertionError(family.name() + " is there twice");
                }
            }
        }
        return new MetricCatalogue(families);
    }

    private static Family family(String line, Set<String> services) {
        List<String> cells = new ArrayList<>(
                Arrays.stream(line.split("\\|", -1)).map(String::strip).toList());
        if (cells.size() != COLUMNS + 2 || cells.subList(1, COLUMNS + 1).contains("") || services.isEmpty()) {
            throw new AssertionError("not a metric of a service in " + COLUMNS + " columns: " + line);
        }
        return new Family(unquoted(cells.get(1)), cells.get(2), cells.get(3), labels(cells.get(4)), services);
    }

    private static Set<String> labels(String cell) {
        return cell.equals("–")
                ? Set.of()
                : Arrays.stream(cell.split(", "))
                        .map(MetricCatalogue::unquoted)
                        .collect(Collectors.toCollection(TreeSet::new));
    }

    private static String unquoted(String code) {
        return code.substring(code.indexOf('`') + 1, code.lastIndexOf('`'));
    }

    /** The metric that a series with this name belongs to. */
    public Optional<Family> ofSeries(String series) {
        Family exact = families.get(series);
        if (exact != null && !exact.isDistribution()) {
            return Optional.of(exact);
        }
        return Stream.of("_count", "_sum", "_bucket", "_max")
                .filter(series::endsWith)
                .map(suffix -> families.get(series.substring(0, series.length() - suffix.length())))
                .filter(family -> family != null && family.isDistribution())
                .filter(family -> !series.endsWith("_bucket") || family.type().equals("histogram"))
                .findFirst();
    }
}
