package io.rutile.cli.deploy;

import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import io.rutile.gateway.GatewayProperties;
import io.rutile.node.KvNodeProperties;
import io.rutile.pd.PdProperties;
import io.rutile.tls.spring.TlsProperties;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.lang.reflect.RecordComponent;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Every setting that the services and Spring Boot declare. Spring ignores a name that nobody declares; a chart must not. */
final class Settings {

    /** What Spring Boot declares of itself. */
    private static final String METADATA = "META-INF/spring-configuration-metadata.json";

    private static final String MAP = "java.util.Map<";

    private final Set<String> names = new HashSet<>();
    private final Set<String> maps = new HashSet<>();

    private Settings() {}

    static Settings declared() {
        Settings settings = new Settings();
        settings.addRecord("rutile.pd", PdProperties.class);
        settings.addRecord("rutile.node", KvNodeProperties.class);
        settings.addRecord("rutile.gateway", GatewayProperties.class);
        settings.addRecord("rutile.tls", TlsProperties.class);
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

    private void addRecord(String prefix, Class<?> properties) {
        for (RecordComponent component : properties.getRecordComponents()) {
            String name = prefix + "." + kebab(component.getName());
            if (component.getType().isRecord()) {
                addRecord(name, component.getType());
            } else if (Map.class.isAssignableFrom(component.getType())) {
                maps.add(name + ".");
            } else {
                names.add(name);
            }
        }
    }

    private static String kebab(String camel) {
        return camel.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
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
