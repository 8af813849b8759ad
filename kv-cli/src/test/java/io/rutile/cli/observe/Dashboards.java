package io.rutile.cli.observe;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The dashboards that the chart brings, by the names of their files. */
public final class Dashboards {

    private static final Path DIRECTORY = Path.of("..", "helm", "rutile", "dashboards");

    /**
     * One query of a panel.
     *
     * @param expression as Grafana has it, with its variables
     */
    public record Query(String dashboard, String panel, String expression) {

        /** As Prometheus is asked, every instance of one cluster. */
        public String resolved(String job, String range) {
            return expression.replace("$job", job).replace("$instance", ".*").replace("$__rate_interval", range);
        }
    }

    private Dashboards() {}

    static List<Path> files() {
        try (Stream<Path> files = Files.list(DIRECTORY)) {
            return files.sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static JsonObject read(Path file) {
        try {
            return JsonParser.parseString(Files.readString(file)).getAsJsonObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Every query of every panel. */
    public static List<Query> queries() {
        List<Query> all = new ArrayList<>();
        for (Path file : files()) {
            for (JsonObject panel : panels(read(file))) {
                for (JsonElement target : panel.getAsJsonArray("targets")) {
                    all.add(new Query(
                            file.getFileName().toString(),
                            panel.get("title").getAsString(),
                            target.getAsJsonObject().get("expr").getAsString()));
                }
            }
        }
        return all;
    }

    /** Those that show something. */
    static List<JsonObject> panels(JsonObject dashboard) {
        return objects(dashboard, "panels").stream()
                .filter(panel -> !panel.get("type").getAsString().equals("row"))
                .toList();
    }

    static List<JsonObject> objects(JsonObject parent, String name) {
        return parent.getAsJsonArray(name).asList().stream()
                .map(JsonElement::getAsJsonObject)
                .toList();
    }
}
