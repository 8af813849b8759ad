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
 * <p>Read once, at the start; what the files of a bundle hold is read again while the service runs, where the bundle says so ({@code
 * reload-on-update}). How these comments are written: docs/configuration.md is made of them, see {@code ConfigurationDocTest}.
 *
 * @param bundle name of the bundle of all ports. Default: none, which is plaintext
 * @param managementBundle name of the bundle of the management port. Default: {@code rutile.tls.bundle}
 * @param clientBundle name of the bundle of connections that are opened to others. Default: {@code rutile.tls.bundle}
 * @param clientAuth whether those who connect to a port for clients have to show a certificate: {@code need}, {@code want} (looked at if one is
 *     shown) or {@code none}. The gateway's own default is {@code none}, for its callers show tokens
 * @param managementClientAuth the same for the management port; probes of an orchestrator have none
 * @param allowedCommonNames common names of certificates that may connect to ports that need one, letter by letter. Default: all that
 *     are trusted, if {@code allowed-alternative-names} is empty, too
 * @param allowedAlternativeNames the same by DNS names and URIs of certificates; one of either list is enough. Default: none
 * @param peerCommonNames common names of certificates that may connect to the Raft port, which always asks for one. Default: as for ports of
 *     clients
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
