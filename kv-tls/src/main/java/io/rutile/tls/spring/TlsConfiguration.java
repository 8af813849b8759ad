package io.rutile.tls.spring;

import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.tls.TlsException;
import java.time.Clock;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.BeansException;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.ssl.SslBundles;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;

/** For a service's page of configuration to import. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(TlsProperties.class)
public class TlsConfiguration {

    private static final Logger log = LoggerFactory.getLogger(TlsConfiguration.class);

    /** @throws TlsException in one sentence, if the settings don't make sense or what they name can't be used */
    @Bean
    public ServiceTls serviceTls(
            TlsProperties settings,
            ObjectProvider<SslBundles> bundles,
            Environment environment,
            MeterRegistry metrics) {
        Stream.of(settings.bundle(), settings.managementBundle(), settings.clientBundle())
                .filter(Objects::nonNull)
                .distinct()
                .filter(name -> !isReloaded(name, environment))
                .forEach(name -> log.warn(
                        "certificates are read at the start alone, spring.ssl.bundle.pem.{}.reload-on-update=true has them"
                                + " replaced while this runs bundle={}",
                        name,
                        name));
        return new ServiceTls(settings, bundles(bundles), Clock.systemUTC(), metrics);
    }

    private static SslBundles bundles(ObjectProvider<SslBundles> provider) {
        try {
            return provider.getObject();
        } catch (BeansException e) {
            throw new TlsException("the SSL bundles cannot be read: " + ServiceTls.rootOf(e), e);
        }
    }

    private static boolean isReloaded(@Nullable String name, Environment environment) {
        return Stream.of("pem", "jks")
                .anyMatch(kind -> environment.getProperty(
                        "spring.ssl.bundle." + kind + "." + name + ".reload-on-update", Boolean.class, false));
    }
}
