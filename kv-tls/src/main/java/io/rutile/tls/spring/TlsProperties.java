package io.rutile.tls.spring;

import io.rutile.tls.ClientAuth;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * {@code rutile.tls.*}: how every connection of a service is secured. Bundles are Spring's, {@code spring.ssl.bundle.pem.*} or {@code
 * spring.ssl.bundle.jks.*}.
 *
 * @param bundle of all ports; plaintext if not set
 * @param managementBundle of the management port; {@code bundle} if not set
 * @param clientBundle of connections that are opened to others; {@code bundle} if not set
 * @param clientAuth whether those who connect to a port for clients have to show a certificate
 * @param managementClientAuth the same for the management port; probes of an orchestrator have none
 * @param allowedCommonNames of certificates that may connect to any port that asks for one; all that are trusted if this and the next are
 *     empty
 * @param allowedAlternativeNames the same by DNS names and URIs of certificates; one of either list is enough
 * @param peerCommonNames of certificates that may connect to the Raft port, which always asks for one; as above if empty
 */
@ConfigurationProperties("rutile.tls")
public record TlsProperties(
        @Nullable String bundle,
        @Nullable String managementBundle,
        @Nullable String clientBundle,
        @DefaultValue("need") ClientAuth clientAuth,
        @DefaultValue("none") ClientAuth managementClientAuth,
        @DefaultValue Set<String> allowedCommonNames,
        @DefaultValue Set<String> allowedAlternativeNames,
        @DefaultValue Set<String> peerCommonNames) {}
