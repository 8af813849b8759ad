package io.rutile.node;

import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.tls.spring.ManagementChanges;
import io.rutile.tls.spring.ServiceTls;
import io.rutile.tls.spring.TlsConfiguration;
import io.rutile.tls.spring.TlsConnector;
import io.rutile.trace.Tracing;
import io.rutile.trace.spring.TracingConfiguration;
import java.time.Clock;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;

/** Wires the node into the Spring shell: configuration in, lifecycle and health out. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(KvNodeProperties.class)
@Import({TlsConfiguration.class, TracingConfiguration.class})
class KvNodeConfiguration {

    @Bean(destroyMethod = "")
    KvNode kvNode(KvNodeProperties properties, ServiceTls tls, Tracing tracing, MeterRegistry metrics) {
        KvNodeOptions options = properties.toOptions();
        tls.warnIfOpen("rutile.node.address", options.rpc().listen());
        return new KvNode(options, tls.memberTransport(), tracing, metrics, Clock.systemUTC());
    }

    /** The only HTTP here is the management port. */
    @Bean
    TlsConnector managementConnector(ServiceTls tls) {
        return tls.management();
    }

    /** Replicas may be compared by whoever asks: {@code rutile check} does, from anywhere. */
    @Bean
    FilterRegistrationBean<ManagementChanges> managementChanges() {
        return ManagementChanges.registration("/actuator/consistency");
    }

    @Bean
    KvNodeLifecycle kvNodeLifecycle(KvNode node) {
        return new KvNodeLifecycle(node);
    }

    @Bean
    ConsistencyEndpoint consistencyEndpoint(KvNode node) {
        return new ConsistencyEndpoint(node);
    }

    /**
     * Part of readiness, not of liveness: a node that waits for PD or for a quorum must not be killed for it. Nor for a replica that differs
     * from its leader, which is a detail here: it may be the good one; nor for one that is dead: the others serve.
     */
    @Bean
    HealthIndicator kvNodeHealthIndicator(KvNode node) {
        return () -> node.isReady()
                ? Health.up()
                        .withDetail("storeId", node.storeId())
                        .withDetail("regions", node.regionCount())
                        .withDetail("leaders", node.leaderCount())
                        .withDetail("mismatchedRegions", node.mismatchedRegions())
                        .withDetail("deadRegions", node.deadRegions())
                        .build()
                : Health.outOfService().build();
    }
}
