package io.rutile.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.grpc.ChannelCredentials;
import io.grpc.InsecureChannelCredentials;
import io.grpc.InsecureServerCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.netty.pkitesting.X509Bundle;
import java.net.URI;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** E2: who is let in, who is not, and how the one who is not reads why. */
class HandshakeTest {

    private static final TestCa CA = new TestCa("authority");
    private static final TestCa STRANGERS = new TestCa("other authority");
    private static final PeerNames MEMBERS =
            new PeerNames(Set.of("node", "pd"), Set.of("spiffe://rutile/gateway", "gateway.example"));

    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();

    private Tls tls(TlsKeys keys) {
        return new Tls("test", keys, Tls.PROTOCOLS, Clock.systemUTC(), metrics);
    }

    private EchoServer server(ClientAuth clientAuth, PeerNames names) {
        return new EchoServer(
                tls(CA.keys(CA.issue("node"))).server("test", clientAuth, names).credentials());
    }

    private ChannelCredentials client(TlsKeys keys) {
        return new Tls("client", keys, Tls.PROTOCOLS, Clock.systemUTC(), new SimpleMeterRegistry())
                .client()
                .credentials();
    }

    private static String call(EchoServer server, String host, ChannelCredentials credentials) {
        ManagedChannel channel = server.channel(host, credentials);
        try {
            return EchoServer.say(channel, "hello");
        } finally {
            channel.shutdownNow();
        }
    }

    private static String served(EchoServer server, ChannelCredentials credentials) {
        return call(server, "127.0.0.1", credentials);
    }

    private static String refused(EchoServer server, ChannelCredentials credentials) {
        return refused(server, "127.0.0.1", credentials);
    }

    private static String refused(EchoServer server, String host, ChannelCredentials credentials) {
        StatusRuntimeException failure =
                catchThrowableOfType(StatusRuntimeException.class, () -> call(server, host, credentials));
        assertThat(failure).isNotNull();
        assertThat(failure.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
        return Objects.requireNonNull(
                TlsFailures.firstReason(failure), () -> "no reason in " + failure + " caused by " + failure.getCause());
    }

    private double refusals(String reason) {
        var counter = metrics.find("kv.tls.peers.refused")
                .tags("at", "test", "reason", reason)
                .counter();
        return counter == null ? 0 : counter.count();
    }

    private void assertRefusedOnce(String reason) {
        Awaitility.await().atMost(10, TimeUnit.SECONDS).until(() -> refusals(reason) == 1);
    }

    @Test
    void whoeverIsTrustedAndNamedIsServed() {
        try (EchoServer server = server(ClientAuth.NEED, MEMBERS)) {
            assertThat(served(server, client(CA.keys(CA.issue("pd"))))).isEqualTo("hello");
            assertThat(served(
                            server,
                            client(CA.keys(CA.issue(
                                    "somebody",
                                    builder -> builder.addSanUriName(URI.create("spiffe://rutile/gateway")))))))
                    .isEqualTo("hello");
            assertThat(served(
                            server,
                            client(CA.keys(CA.issue("somebody", builder -> builder.addSanDnsName("gateway.example"))))))
                    .isEqualTo("hello");
        }
    }

    @Test
    void anotherNameIsRefused() {
        try (EchoServer server = server(ClientAuth.NEED, MEMBERS)) {
            assertThat(refused(server, client(CA.keys(CA.issue("gateway")))))
                    .contains("refuses the certificate that it was shown");
            assertRefusedOnce("name");
        }
    }

    @Test
    void anUnknownAuthorityIsRefused() {
        X509Bundle stranger = STRANGERS.issue("node");
        TlsKeys keys = TlsKeys.of(
                stranger.getKeyPair().getPrivate(),
                stranger.getCertificatePathList(),
                List.of(CA.root()),
                Instant.now());
        try (EchoServer server = server(ClientAuth.NEED, PeerNames.ANY)) {
            assertThat(refused(server, client(keys))).isNotEmpty();
        }
    }

    @Test
    void anExpiredCertificateIsRefused() {
        try (EchoServer server = server(ClientAuth.NEED, PeerNames.ANY)) {
            assertThat(refused(server, client(CA.unchecked(CA.expired("node")))))
                    .contains("refuses the certificate that it was shown");
            assertRefusedOnce("expired");
        }
    }

    @Test
    void noCertificateIsRefusedWhereOneIsNeeded() {
        try (EchoServer server = server(ClientAuth.NEED, PeerNames.ANY)) {
            assertThat(refused(server, client(CA.trust()))).contains("asks for a certificate that it trusts");
        }
    }

    @Test
    void noCertificateIsServedWhereNoneIsNeeded() {
        for (ClientAuth clientAuth : new ClientAuth[] {ClientAuth.NONE, ClientAuth.WANT}) {
            try (EchoServer server = server(clientAuth, PeerNames.ANY)) {
                assertThat(served(server, client(CA.trust()))).isEqualTo("hello");
            }
        }
    }

    @Test
    void aBadCertificateIsRefusedWhereOneIsWanted() {
        try (EchoServer server = server(ClientAuth.WANT, PeerNames.ANY)) {
            assertThat(refused(server, client(CA.unchecked(CA.expired("node")))))
                    .contains("refuses the certificate that it was shown");
        }
    }

    @Test
    void aServerOfAnUnknownAuthorityIsRefused() {
        try (EchoServer server = server(ClientAuth.NONE, PeerNames.ANY)) {
            assertThat(refused(server, client(STRANGERS.trust())))
                    .isEqualTo("shows a certificate of a CA that is not trusted");
        }
    }

    @Test
    void aServerWithAnExpiredCertificateIsRefused() {
        Tls expired = tls(CA.unchecked(CA.expired("node")));
        try (EchoServer server = new EchoServer(
                expired.server("test", ClientAuth.NONE, PeerNames.ANY).credentials())) {
            assertThat(refused(server, client(CA.trust()))).isEqualTo("shows a certificate that has expired");
        }
    }

    @Test
    void aServerWithACertificateForAnotherHostIsRefused() {
        Tls elsewhere = tls(CA.keys(CA.issueBare("node", builder -> builder.addSanDnsName("elsewhere.example"))));
        try (EchoServer server = new EchoServer(
                elsewhere.server("test", ClientAuth.NONE, PeerNames.ANY).credentials())) {
            assertThat(refused(server, client(CA.trust()))).startsWith("shows a certificate for another name: ");
        }
    }

    @Test
    void plaintextToTlsIsAClearError() {
        try (EchoServer server = server(ClientAuth.NONE, PeerNames.ANY)) {
            assertThat(refused(server, InsecureChannelCredentials.create()))
                    .isEqualTo("closes the connection without a word, as a port does that speaks TLS");
        }
    }

    @Test
    void tlsToPlaintextIsAClearError() {
        try (EchoServer server = new EchoServer(InsecureServerCredentials.create())) {
            assertThat(refused(server, client(CA.trust()))).isEqualTo("does not speak TLS");
        }
    }
}
