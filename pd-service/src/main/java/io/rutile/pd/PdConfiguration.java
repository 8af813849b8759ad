package io.rutile.pd;

import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.pd.leader.Clocks;
import io.rutile.tls.spring.ManagementChanges;
import io.rutile.tls.spring.ServiceTls;
import io.rutile.tls.spring.TlsConfiguration;
import io.rutile.tls.spring.TlsConnector;
import io.rutile.trace.Tracing;
import io.rutile.trace.spring.TracingConfiguration;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Lazy;

/** The Spring shell around {@link PdServer}: settings in, health and metrics out. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(PdProperties.class)
@Import({TlsConfiguration.class, TracingConfiguration.class})
class PdConfiguration {

    /** Not lazy like the rest: this is what the process is for. */
    @Bean(initMethod = "start", destroyMethod = "close")
    @Lazy(false)
    PdServer pdServer(PdProperties properties, ServiceTls tls, Tracing tracing, MeterRegistry metrics) {
        PdOptions options = properties.toOptions();
        tls.warnIfOpen("rutile.pd.client-address", options.clientListen().resolve());
        return new PdServer(options, tls.memberTransport(), tracing, Clocks.system(), metrics);
    }

    /** The only HTTP here is the management port: that of tools is PdServer's. */
    @Bean
    TlsConnector managementConnector(ServiceTls tls) {
        return tls.management();
    }

    @Bean
    FilterRegistrationBean<ManagementChanges> managementChanges() {
        return ManagementChanges.registration();
    }

    /** Ready: a leader whose timestamps flow, or a follower that can name the leader. */
    @Bean
    HealthIndicator pdHealthIndicator(PdServer server) {
        return () -> (server.isReady() ? Health.up() : Health.outOfService())
                .withDetail("leading", server.leaderTerm().isPresent())
                .build();
    }

    /** Alive: nothing has ended this member's part in the log for good. */
    @Bean
    HealthIndicator pdLogHealthIndicator(PdServer server) {
        return () -> server.failure()
                .map(failure -> Health.down(failure).build())
                .orElseGet(() -> Health.up().build());
    }

    @Bean
    SchedulingEndpoint schedulingEndpoint(PdServer server) {
        return new SchedulingEndpoint(server);
    }
}
