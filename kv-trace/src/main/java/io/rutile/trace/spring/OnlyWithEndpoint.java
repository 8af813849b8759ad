package io.rutile.trace.spring;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.autoconfigure.AutoConfigurationImportFilter;
import org.springframework.boot.autoconfigure.AutoConfigurationMetadata;
import org.springframework.context.EnvironmentAware;
import org.springframework.core.env.Environment;
import org.springframework.util.StringUtils;

/**
 * Keeps Spring Boot from making anything of OpenTelemetry while there is nobody to send to: no SDK, no thread, no class loaded. Where there
 * is, all of it is Boot's, but for one thing: Boot's own spans of HTTP requests, which are made before it is known whether anybody traces, and
 * have the whole path in them (E3).
 */
final class OnlyWithEndpoint implements AutoConfigurationImportFilter, EnvironmentAware {

    /** Where spans go, over HTTP. {@code OTEL_EXPORTER_OTLP_ENDPOINT} is the same to Boot. */
    static final String ENDPOINT = "management.opentelemetry.tracing.export.otlp.endpoint";

    private static final String TRACING = "org.springframework.boot.micrometer.tracing.";
    private static final String SPANS_OF_OBSERVATIONS = TRACING + "autoconfigure.MicrometerTracingAutoConfiguration";
    private static final String SDK = "org.springframework.boot.opentelemetry.";
    /** Nobody writes the log to OpenTelemetry, so that nobody need send it. */
    private static final String LOG = SDK + "autoconfigure.logging.";

    private @Nullable Environment environment;

    static boolean isOn(Environment environment) {
        return StringUtils.hasText(environment.getProperty(ENDPOINT));
    }

    @Override
    public void setEnvironment(Environment environment) {
        this.environment = environment;
    }

    @Override
    public boolean[] match(@Nullable String[] names, AutoConfigurationMetadata metadata) {
        boolean on = environment != null && isOn(environment);
        boolean[] taken = new boolean[names.length];
        for (int i = 0; i < names.length; i++) {
            taken[i] = names[i] != null && isTaken(names[i], on);
        }
        return taken;
    }

    private static boolean isTaken(String name, boolean on) {
        if (!name.startsWith(TRACING) && !name.startsWith(SDK)) {
            return true;
        }
        return on && !name.equals(SPANS_OF_OBSERVATIONS) && !name.startsWith(LOG);
    }
}
