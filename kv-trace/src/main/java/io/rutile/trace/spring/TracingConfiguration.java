package io.rutile.trace.spring;

import io.micrometer.core.instrument.MeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.sdk.trace.SpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import io.opentelemetry.sdk.trace.samplers.Sampler;
import io.rutile.trace.Tracing;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;

/** For a service's page of configuration to import: traces as soon as there is an endpoint to send them to, none before. */
@Configuration(proxyBeanMethods = false)
public class TracingConfiguration {

    private static final Logger log = LoggerFactory.getLogger(TracingConfiguration.class);

    /** Boot's property and Boot's default. */
    static final String PROBABILITY = "management.tracing.sampling.probability";

    private static final double PROBABILITY_DEFAULT = 0.1;

    /** Which requests are traced here, and with whose spans. */
    @Bean
    public Tracing tracing(ObjectProvider<OpenTelemetry> telemetry, Environment environment) {
        OpenTelemetry sdk = OnlyWithEndpoint.isOn(environment) ? telemetry.getIfAvailable() : null;
        if (sdk == null) {
            return Tracing.OFF;
        }
        double probability = environment.getProperty(PROBABILITY, Double.class, PROBABILITY_DEFAULT);
        log.info(
                "traces are exported endpoint={} probability={}",
                environment.getProperty(OnlyWithEndpoint.ENDPOINT),
                probability);
        return Tracing.with(sdk, probability);
    }

    /** What Boot's SDK is told otherwise than by default. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnProperty(OnlyWithEndpoint.ENDPOINT)
    static class Sdk {

        /** {@link Tracing} has chosen before a span is made: choosing again would take a part of the part. */
        @Bean
        Sampler chosenBefore() {
            return Sampler.alwaysOn();
        }

        @Bean
        SpanProcessor spanCounter(ObjectProvider<MeterRegistry> metrics) {
            return new SpanMetrics.Made(metrics::getObject);
        }

        @Bean
        static BeanPostProcessor exportCounter(ObjectProvider<MeterRegistry> metrics) {
            return new BeanPostProcessor() {
                @Override
                public Object postProcessAfterInitialization(Object bean, String name) {
                    return bean instanceof SpanExporter exporter
                            ? new SpanMetrics.Exported(exporter, metrics::getObject)
                            : bean;
                }
            };
        }
    }
}
