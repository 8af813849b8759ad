package io.rutile.cli.deploy;

import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Every setting that the services and Spring Boot declare. Spring ignores a name that nobody declares; a chart must not. */
final class Settings {

    /** What the annotation processor of Spring Boot wrote down of it, and of ours. */
    private static final String METADATA = "META-INF/spring-configuration-metadata.json";

    private static final String MAP = "java.util.Map<";

    private final Set<String> names = new HashSet<>();
    private final Set<String> maps = new HashSet<>();

    private Settings() {}

    static Settings declared() {
        Settings settings = new Settings();
        try {
            for (URL url : Collections.list(Settings.class.getClassLoader().getResources(METADATA))) {
                try (Reader in = new InputStreamReader(url.openStream(), StandardCharsets.UTF_8)) {
                    Chart.items(JsonParser.parseReader(in), "properties").forEach(settings::addDescription);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return settings;
    }

    private void addDescription(JsonElement property) {
        String name = Chart.text(property, "name");
        JsonElement type = property.getAsJsonObject().get("type");
        if (type != null && type.getAsString().startsWith(MAP)) {
            maps.add(name + ".");
        } else {
            names.add(name);
        }
    }

    /** Of arguments such as {@code --server.port=1}, those that set nothing. */
    List<String> unknown(List<String> arguments) {
        return arguments.stream()
                .filter(argument -> {
                    if (!argument.startsWith("--") || argument.indexOf('=') < 0) {
                        return true;
                    }
                    String name = argument.substring(2, argument.indexOf('='));
                    return !names.contains(name) && maps.stream().noneMatch(name::startsWith);
                })
                .toList();
    }
}
