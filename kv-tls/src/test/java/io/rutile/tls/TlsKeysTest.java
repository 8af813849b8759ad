package io.rutile.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.netty.pkitesting.X509Bundle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What can't be used is refused in one sentence that says why. */
class TlsKeysTest {

    private static final TestCa CA = new TestCa("authority");

    @TempDir
    Path directory;

    private static void assertRefused(ThrowingCallable made, String... words) {
        assertThatThrownBy(made).isInstanceOf(TlsException.class).hasMessageContainingAll(words);
    }

    private static TlsKeys keys(PrivateKey key, X509Bundle certificate, Instant now) {
        return TlsKeys.of(key, certificate.getCertificatePathList(), List.of(CA.root()), now);
    }

    @Test
    void keyAndCertificateBelongTogether() {
        X509Bundle one = CA.issue("one");
        X509Bundle other = CA.issue("other");
        X509Bundle rsa = CA.issue("rsa", builder -> builder.rsa2048());

        assertRefused(() -> keys(one.getKeyPair().getPrivate(), other, Instant.now()), "does not fit", "CN=other");
        assertRefused(() -> keys(rsa.getKeyPair().getPrivate(), other, Instant.now()), "does not fit", "CN=other");
        assertThat(keys(rsa.getKeyPair().getPrivate(), rsa, Instant.now()).chain())
                .first()
                .isEqualTo(rsa.getCertificate());
    }

    @Test
    void certificatesAreValidNow() {
        X509Bundle own = CA.issue("own");
        PrivateKey key = own.getKeyPair().getPrivate();
        Instant until = own.getCertificate().getNotAfter().toInstant();
        Instant from = own.getCertificate().getNotBefore().toInstant();

        assertRefused(() -> keys(key, own, until.plusMillis(1)), "CN=own", "expired at " + until);
        assertRefused(() -> keys(key, own, from.minusMillis(1)), "CN=own", "not valid before " + from);
        assertThat(keys(key, own, until.minusMillis(1)).expires()).contains(until);
    }

    @Test
    void anAliasSaysWhichKeyOfSeveral() throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        X509Bundle one = CA.issue("one");
        X509Bundle two = CA.issue("two");
        store.setKeyEntry("1", one.getKeyPair().getPrivate(), new char[0], one.getCertificatePath());
        store.setKeyEntry("2", two.getKeyPair().getPrivate(), new char[0], two.getCertificatePath());
        KeyStore none = KeyStore.getInstance("PKCS12");
        none.load(null, null);
        none.setCertificateEntry("ca", CA.root());
        Instant now = Instant.now();

        assertThat(TlsKeys.ofStores(store, new char[0], "2", none, now).chain())
                .first()
                .isEqualTo(two.getCertificate());
        assertRefused(() -> TlsKeys.ofStores(store, new char[0], null, none, now), "several private keys");
        assertRefused(() -> TlsKeys.ofStores(store, new char[0], "3", none, now), "no private key", "'3'");
        assertRefused(() -> TlsKeys.ofStores(none, null, null, none, now), "no private key");
    }

    @Test
    void filesAreNamedThatCannotBeUsed() throws Exception {
        TlsFiles files = CA.write(directory, CA.issue("own"));
        assertThat(files.read(Instant.now()).chain()).hasSize(1);

        Path key = directory.resolve("tls.key");
        TestCa.put(key, "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n");
        assertRefused(() -> files.read(Instant.now()), key.toString(), "openssl pkcs8 -topk8 -nocrypt");
        TestCa.put(key, "something else");
        assertRefused(() -> files.read(Instant.now()), key.toString(), "no private key");
        TestCa.put(key, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
        assertRefused(() -> files.read(Instant.now()), key.toString(), "cannot be read");
        Files.delete(key);
        assertRefused(() -> files.read(Instant.now()), key.toString(), "is not there");
        TestCa.put(directory.resolve("ca.pem"), "nothing");
        assertRefused(
                () -> TlsFiles.trusting(directory.resolve("ca.pem")).read(Instant.now()),
                directory.resolve("ca.pem").toString());
        assertRefused(() -> new TlsFiles(null, key, null), "belong together");
        assertRefused(() -> new TlsFiles(null, null, null), "neither");
    }

    @Test
    void aListenerNeedsMoreThanAClient() {
        Clock clock = Clock.systemUTC();
        SimpleMeterRegistry metrics = new SimpleMeterRegistry();
        Tls bare = new Tls("bare", CA.trust(), Tls.PROTOCOLS, clock, metrics);
        assertRefused(() -> bare.server("test", ClientAuth.NONE, PeerNames.ANY), "private key");

        X509Bundle own = CA.issue("own");
        Tls trustless = new Tls(
                "trustless",
                TlsKeys.of(own.getKeyPair().getPrivate(), own.getCertificatePathList(), null, clock.instant()),
                Tls.PROTOCOLS,
                clock,
                metrics);
        assertRefused(() -> trustless.server("test", ClientAuth.NEED, PeerNames.ANY), "no CA");
        assertThat(trustless.server("test", ClientAuth.NONE, PeerNames.ANY)).isNotNull();
        assertRefused(
                () -> trustless.server("test", ClientAuth.NONE, new PeerNames(Set.of("a"), Set.of())),
                "nobody has to show a certificate");

        X509Bundle client = CA.issue("own", builder -> builder.addExtendedKeyUsageClientAuth());
        Tls forClients = new Tls("clients", CA.keys(client), Tls.PROTOCOLS, clock, metrics);
        assertRefused(() -> forClients.server("test", ClientAuth.NONE, PeerNames.ANY), "not for servers");
        assertThat(forClients.client()).isNotNull();
    }
}
