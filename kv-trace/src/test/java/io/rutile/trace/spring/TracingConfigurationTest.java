package io.rutile.trace.spring;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import io.rutile.trace.Tracing;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;

/** A service's shell with and without somebody to send spans to. */
class TracingConfigurationTest {

    private static HttpServer refusing;
    private static String endpoint;

    /** A collector that takes nothing. */
    @BeforeAll
    static void listen() throws IOException {
        refusing = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        refusing.createContext("/", exchange -> {
            exchange.sendResponseHeaders(400, -1);
            exchange.close();
        });
        refusing.start();
        endpoint = OnlyWithEndpoint.ENDPOINT + "=http://127.0.0.1:"
                + refusing.getAddress().getPort() + "/v1/traces";
    }

    @AfterAll
    static void close() {
        refusing.stop(0);
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    @Import(TracingConfiguration.class)
    static class Shell {

        @Bean
        MeterRegistry metrics() {
            return new SimpleMeterRegistry();
        }
    }

    /** Beside the one that Boot makes. */
    @Configuration(proxyBeanMethods = false)
    static class Kept {

        private final InMemorySpanExporter exporter = InMemorySpanExporter.create();

        @Bean
        SpanExporter kept() {
            return exporter;
        }
    }

    private static ConfigurableApplicationContext start(Class<?> more, String... properties) {
        return new SpringApplicationBuilder(Shell.class, more)
                .web(WebApplicationType.NONE)
                .run(Arrays.stream(properties).map(property -> "--" + property).toArray(String[]::new));
    }

    private static Set<Thread> senders() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().contains("SpanProcessor"))
                .collect(Collectors.toSet());
    }

    private static double counted(ConfigurableApplicationContext service, String outcome) {
        return service.getBean(MeterRegistry.class)
                .get("kv.trace.spans")
                .tag("outcome", outcome)
                .counter()
                .count();
    }

    @Test
    void withoutAnEndpointNothingIsMade() {
        Set<Thread> before = senders();
        try (ConfigurableApplicationContext service = start(Shell.class, TracingConfiguration.PROBABILITY + "=1")) {
            assertThat(service.getBean(Tracing.class)).isSameAs(Tracing.OFF);
            assertThat(service.getBeanProvider(OpenTelemetry.class).stream()).isEmpty();
            assertThat(service.getBeansOfType(io.micrometer.tracing.Tracer.class))
                    .isEmpty();
            assertThat(senders()).as("threads that send").isSubsetOf(before);
        }
    }

    @Test
    void withAnEndpointWhatIsChosenIsMadeAndCounted() {
        try (ConfigurableApplicationContext service =
                start(Kept.class, endpoint, TracingConfiguration.PROBABILITY + "=1")) {
            Tracing tracing = service.getBean(Tracing.class);
            Context chosen = tracing.enter(null, null);
            assertThat(chosen).isEqualTo(Context.root());
            Span span = tracing.span("request", SpanKind.SERVER, Context.root()).startSpan();
            span.end();
            service.getBean(SdkTracerProvider.class).forceFlush().join(10, TimeUnit.SECONDS);

            assertThat(service.getBean(Kept.class).exporter.getFinishedSpanItems())
                    .hasSize(1);
            assertThat(counted(service, "made")).isEqualTo(1);
            assertThat(counted(service, "exported")).as("kept").isEqualTo(1);
            assertThat(counted(service, "failed")).as("refused").isEqualTo(1);
        }
    }

    /** Boot's sampler would take a tenth of what was chosen. */
    @Test
    void whatIsChosenIsNotChosenAgain() {
        try (ConfigurableApplicationContext service =
                start(Kept.class, endpoint, TracingConfiguration.PROBABILITY + "=0.1")) {
            Tracing tracing = service.getBean(Tracing.class);
            for (int i = 0; i < 100; i++) {
                assertThat(tracing.span("request", SpanKind.SERVER, Context.root())
                                .startSpan()
                                .getSpanContext()
                                .isSampled())
                        .isTrue();
            }
        }
    }

    /** Spring's own spans have whole paths in them, and are made for every request. */
    @Test
    void observationsMakeNoSpans() {
        try (ConfigurableApplicationContext service = start(Kept.class, endpoint)) {
            assertThat(service.getBeansOfType(io.micrometer.tracing.handler.TracingObservationHandler.class))
                    .isEmpty();
        }
    }
}
