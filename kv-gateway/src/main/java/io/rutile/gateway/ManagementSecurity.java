package io.rutile.gateway;

import io.rutile.gateway.access.Authenticator;
import io.rutile.gateway.rest.CallerFilter;
import io.rutile.gateway.rest.ManagementPaths;
import io.rutile.tls.spring.ServiceTls;
import io.rutile.tls.spring.TlsConnector;
import java.util.stream.Collectors;
import org.springframework.boot.actuate.autoconfigure.endpoint.web.WebEndpointProperties;
import org.springframework.boot.actuate.autoconfigure.web.ManagementContextConfiguration;
import org.springframework.boot.actuate.autoconfigure.web.ManagementContextType;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;

/**
 * How the management port is secured, and who may call it: everybody its open endpoints, an admin everything else. Named in {@code META-INF/spring}, because
 * that port has a context of its own.
 */
@ManagementContextConfiguration(value = ManagementContextType.CHILD, proxyBeanMethods = false)
class ManagementSecurity {

    @Bean
    FilterRegistrationBean<CallerFilter> managementCallerFilter(
            Authenticator authenticator, GatewayProperties properties, WebEndpointProperties endpoints) {
        return CallerFilter.registration(new CallerFilter(authenticator, paths(properties, endpoints), true));
    }

    /** The port of the API has its own. */
    @Bean
    TlsConnector managementConnector(ServiceTls tls) {
        return tls.management();
    }

    static ManagementPaths paths(GatewayProperties properties, WebEndpointProperties endpoints) {
        String base = endpoints.getBasePath();
        return new ManagementPaths(
                base,
                properties.security().openEndpoints().stream()
                        .map(id -> base + "/" + endpoints.getPathMapping().getOrDefault(id, id))
                        .collect(Collectors.toSet()));
    }
}
