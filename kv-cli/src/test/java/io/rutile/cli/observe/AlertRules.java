package io.rutile.cli.observe;

import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/** helm/rutile/alerts.yaml, read. */
public final class AlertRules {

    public static final Path FILE = Path.of("..", "helm", "rutile", "alerts.yaml");

    /**
     * One rule.
     *
     * @param name of the alert, or of the series that is recorded
     */
    record Rule(
            String name,
            boolean isAlert,
            String expression,
            Map<String, String> labels,
            Map<String, String> annotations) {}

    private AlertRules() {}

    static List<Rule> read() {
        return list(load(FILE).get("groups")).stream()
                .flatMap(group -> list(group.get("rules")).stream())
                .map(AlertRules::rule)
                .toList();
    }

    @SuppressWarnings("unchecked")
    static Map<String, Object> load(Path file) {
        try (Reader text = Files.newBufferedReader(file)) {
            return (Map<String, Object>) new Yaml(new SafeConstructor(new LoaderOptions())).load(text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @SuppressWarnings("unchecked")
    static List<Map<String, Object>> list(Object value) {
        return (List<Map<String, Object>>) value;
    }

    @SuppressWarnings("unchecked")
    private static Rule rule(Map<String, Object> rule) {
        boolean isAlert = rule.containsKey("alert");
        return new Rule(
                String.valueOf(rule.get(isAlert ? "alert" : "record")),
                isAlert,
                String.valueOf(rule.get("expr")),
                (Map<String, String>) rule.getOrDefault("labels", Map.of()),
                (Map<String, String>) rule.getOrDefault("annotations", Map.of()));
    }
}
