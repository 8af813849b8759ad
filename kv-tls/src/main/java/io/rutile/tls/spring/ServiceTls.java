package io.rutile.tls.spring;

import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.tls.ClientAuth;
import io.rutile.tls.ClientTls;
import io.rutile.tls.PeerNames;
import io.rutile.tls.ServerTls;
import io.rutile.tls.Tls;
import io.rutile.tls.TlsException;
import io.rutile.tls.TlsKeys;
import io.rutile.tls.TransportSecurity;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Clock;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.ssl.NoSuchSslBundleException;
import org.springframework.boot.ssl.SslBundle;
import org.springframework.boot.ssl.SslBundles;
import org.springframework.boot.ssl.SslStoreBundle;

/** What a service's ports and connections are secured with, by its settings: made at the start, or not at all. */
public final class ServiceTls {

    private static final Logger log = LoggerFactory.getLogger(ServiceTls.class);

    private final TransportSecurity transport;
    private final @Nullable ServerTls http;
    private final @Nullable ServerTls management;

    /**
     * Reads the bundles that the settings name.
     *
     * @throws TlsException in one sentence, if they don't make sense or can't be used
     */
    ServiceTls(TlsProperties settings, SslBundles bundles, Clock clock, MeterRegistry metrics) {
        Map<String, Tls> opened = new HashMap<>();
        Function<String, Tls> open =
                name -> opened.computeIfAbsent(name, missing -> open(missing, bundles, clock, metrics));
        String own = settings.bundle();
        String toOthers = settings.clientBundle() == null ? own : settings.clientBundle();
        ClientTls outgoing = toOthers == null ? null : open.apply(toOthers).client();
        if (own == null) {
            requireNothingElse(settings);
            transport = new TransportSecurity(null, null, outgoing);
            http = null;
            management = null;
            return;
        }
        Tls tls = open.apply(own);
        PeerNames allowed = new PeerNames(settings.allowedCommonNames(), settings.allowedAlternativeNames());
        PeerNames peers =
                settings.peerCommonNames().isEmpty() ? allowed : new PeerNames(settings.peerCommonNames(), Set.of());
        if (!allowed.isAny()
                && settings.clientAuth() != ClientAuth.NEED
                && settings.managementClientAuth() != ClientAuth.NEED) {
            throw new TlsException(
                    "rutile.tls.allowed-common-names and -alternative-names are about certificates, and nobody"
                            + " has to show one: set rutile.tls.client-auth to need");
        }
        transport = new TransportSecurity(
                server(tls, "clients", settings.clientAuth(), allowed), raft(tls, peers), outgoing);
        http = server(tls, "http", settings.clientAuth(), allowed);
        String managements = settings.managementBundle();
        management = server(
                managements == null ? tls : open.apply(managements),
                "management",
                settings.managementClientAuth(),
                allowed);
    }

    private static void requireNothingElse(TlsProperties settings) {
        if (settings.managementBundle() != null) {
            throw new TlsException(
                    "rutile.tls.management-bundle is given and rutile.tls.bundle is not: every port is secured or none");
        }
        if (!settings.allowedCommonNames().isEmpty()
                || !settings.allowedAlternativeNames().isEmpty()
                || !settings.peerCommonNames().isEmpty()) {
            throw new TlsException(
                    "rutile.tls names certificates that may connect, and no rutile.tls.bundle: without one every"
                            + " port is plaintext, and whoever reaches it may connect");
        }
    }

    private static ServerTls server(Tls tls, String at, ClientAuth clientAuth, PeerNames allowed) {
        return tls.server(at, clientAuth, clientAuth == ClientAuth.NEED ? allowed : PeerNames.ANY);
    }

    /** Null if it is not said who could be trusted there. */
    private static @Nullable ServerTls raft(Tls tls, PeerNames peers) {
        return tls.saysWhomToTrust() ? tls.server("raft", ClientAuth.NEED, peers) : null;
    }

    private static Tls open(String name, SslBundles bundles, Clock clock, MeterRegistry metrics) {
        SslBundle first;
        try {
            first = bundles.getBundle(name);
        } catch (NoSuchSslBundleException e) {
            throw new TlsException(
                    "there is no SSL bundle '" + name + "': rutile.tls names it, and spring.ssl.bundle.pem." + name
                            + " or spring.ssl.bundle.jks." + name + " has to say what is in it",
                    e);
        }
        if (first.getOptions().getCiphers() != null) {
            throw new TlsException("spring.ssl.bundle.*." + name
                    + ".options.ciphers is not served: options.enabled-protocols decides what is spoken");
        }
        String[] protocols = first.getOptions().getEnabledProtocols();
        Tls tls = new Tls(
                name,
                keys(name, first, clock.instant()),
                protocols == null ? Tls.PROTOCOLS : List.of(protocols),
                clock,
                metrics);
        bundles.addBundleUpdateHandler(name, changed -> {
            boolean unused = tls.replace(now -> keys(name, changed, now));
        });
        return tls;
    }

    private static TlsKeys keys(String name, SslBundle bundle, Instant now) {
        try {
            SslStoreBundle stores = bundle.getStores();
            String password = bundle.getKey().getPassword();
            if (password == null) {
                password = stores.getKeyStorePassword();
            }
            return TlsKeys.ofStores(
                    stores.getKeyStore(),
                    password == null ? null : password.toCharArray(),
                    bundle.getKey().getAlias(),
                    stores.getTrustStore(),
                    now);
        } catch (TlsException e) {
            throw new TlsException("the SSL bundle '" + name + "' cannot be used: " + e.getMessage(), e);
        } catch (RuntimeException e) {
            throw new TlsException("the SSL bundle '" + name + "' cannot be read: " + rootOf(e), e);
        }
    }

    /** Spring wraps a missing file several times; only the innermost names it. */
    static String rootOf(Throwable failure) {
        Throwable root = failure;
        for (int i = 0; i < 16 && root.getCause() != null; i++) {
            root = root.getCause();
        }
        return root instanceof java.io.FileNotFoundException || root instanceof java.nio.file.NoSuchFileException
                ? "a file is missing: " + root.getMessage()
                : root.getMessage() == null ? root.toString() : root.getMessage();
    }

    /** For the plain assembly of a service that has no Raft port. */
    public TransportSecurity transport() {
        return transport;
    }

    /**
     * For the plain assembly of a member of a cluster, which others of its kind connect to.
     *
     * @throws TlsException if it could not speak with them, or would with everybody
     */
    public TransportSecurity memberTransport() {
        if (transport.clients() == null && transport.outgoing() != null) {
            throw new TlsException(
                    "rutile.tls.client-bundle is given and rutile.tls.bundle is not: members of a cluster speak with"
                            + " each other, over TLS in both directions or in none");
        }
        if (transport.clients() != null && transport.peers() == null) {
            throw new TlsException(
                    "the Raft port always asks for certificates, and the bundle's truststore does not say of which CA");
        }
        return transport;
    }

    /** Says in the log that whoever reaches a port for clients may do everything there, if it is so and others than this machine do. */
    public void warnIfOpen(String property, InetSocketAddress listens) {
        InetAddress address = listens.getAddress();
        if (transport.clients() == null && (address == null || !address.isLoopbackAddress())) {
            log.warn(
                    "whoever reaches this port may read and write everything, and nothing is encrypted: rutile.tls.bundle is not set"
                            + " {}={}",
                    property,
                    listens);
        }
    }

    /** For a web server whose callers are the service's clients. */
    public TlsConnector http() {
        return new TlsConnector(http);
    }

    /** For the web server of health and metrics. */
    public TlsConnector management() {
        return new TlsConnector(management);
    }
}
