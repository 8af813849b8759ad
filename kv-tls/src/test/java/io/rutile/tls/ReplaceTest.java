package io.rutile.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.grpc.ChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.netty.pkitesting.X509Bundle;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import org.assertj.core.api.Assertions;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Keys are replaced while connections go on. */
class ReplaceTest {

    private static final TestCa CA = new TestCa("authority");
    private static final TestCa NEXT = new TestCa("next authority");

    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();

    @TempDir
    Path directory;

    private Tls tls(String name, TlsKeys keys) {
        return new Tls(name, keys, Tls.PROTOCOLS, Clock.systemUTC(), metrics);
    }

    private double reloads(String bundle, String outcome) {
        return metrics.get("kv.tls.reloads")
                .tags("bundle", bundle, "outcome", outcome)
                .counter()
                .count();
    }

    private static X509Certificate shownBy(int port, SSLContext client) throws Exception {
        try (SSLSocket socket = (SSLSocket) client.getSocketFactory().createSocket("127.0.0.1", port)) {
            socket.startHandshake();
            return (X509Certificate) socket.getSession().getPeerCertificates()[0];
        }
    }

    private static void assertServed(EchoServer server, ChannelCredentials credentials) {
        ManagedChannel channel = server.channel(credentials);
        try {
            assertThat(EchoServer.say(channel, "hello")).isEqualTo("hello");
        } finally {
            channel.shutdownNow();
        }
    }

    private static void assertRefused(EchoServer server, ChannelCredentials credentials) {
        ManagedChannel channel = server.channel(credentials);
        try {
            Assertions.assertThatThrownBy(() -> EchoServer.say(channel, "hello"))
                    .isInstanceOf(StatusRuntimeException.class)
                    .matches(failure -> TlsFailures.reason(failure) != null);
        } finally {
            channel.shutdownNow();
        }
    }

    @Test
    void newConnectionsUseNewKeysAndOldConnectionsGoOn() throws Exception {
        X509Bundle first = CA.issue("node");
        X509Bundle second = CA.issue("node");
        Tls tls = tls("rotated", CA.keys(first));
        ServerTls server = tls.server("test", ClientAuth.NONE, PeerNames.ANY);
        ClientTls client = tls("client", CA.trust()).client();
        try (EchoServer echo = new EchoServer(server.credentials())) {
            ManagedChannel open = echo.channel(client.credentials());
            assertThat(EchoServer.say(open, "before")).isEqualTo("before");
            assertThat(shownBy(echo.port(), client.context())).isEqualTo(first.getCertificate());

            assertThat(tls.replace(now -> CA.keys(second))).isTrue();

            assertThat(shownBy(echo.port(), client.context())).isEqualTo(second.getCertificate());
            assertThat(EchoServer.say(open, "after")).isEqualTo("after");
            assertServed(echo, client.credentials());
            assertThat(reloads("rotated", "replaced")).isEqualTo(1);
            open.shutdownNow();
        }
    }

    @Test
    void whomToTrustIsReplacedToo() {
        Tls servers = tls("servers", CA.keys(CA.issue("node")));
        ServerTls server = servers.server("test", ClientAuth.NEED, PeerNames.ANY);
        Tls clients = tls("clients", CA.keys(CA.issue("client")));
        ClientTls client = clients.client();
        try (EchoServer echo = new EchoServer(server.credentials())) {
            assertServed(echo, client.credentials());

            assertThat(servers.replace(now -> NEXT.keys(NEXT.issue("node")))).isTrue();
            assertRefused(echo, client.credentials());

            assertThat(clients.replace(now -> NEXT.keys(NEXT.issue("client")))).isTrue();
            assertServed(echo, client.credentials());
        }
    }

    /** A session that was begun with an old certificate is not resumed: its certificate would not be looked at again. */
    @Test
    void noSessionOutlivesTheKeysThatItWasBegunWith() throws Exception {
        Tls servers = tls("servers", CA.keys(CA.issue("node")));
        ServerTls server = servers.server("test", ClientAuth.NEED, PeerNames.ANY);
        SSLContext client = tls("clients", CA.keys(CA.issue("client"))).client().context();
        try (EchoServer echo = new EchoServer(server.credentials())) {
            assertThat(shownBy(echo.port(), client)).isNotNull();
            X509Bundle second = CA.issue("node");

            assertThat(servers.replace(now -> CA.keys(second))).isTrue();

            assertThat(shownBy(echo.port(), client)).isEqualTo(second.getCertificate());
        }
    }

    @Test
    void whatCannotBeUsedIsRefusedAsAWhole() throws Exception {
        X509Bundle first = CA.issue("node");
        Tls tls = tls("kept", CA.keys(first));
        ServerTls server = tls.server("test", ClientAuth.NEED, PeerNames.ANY);
        ClientTls client = tls.client();
        try (EchoServer echo = new EchoServer(server.credentials())) {
            // Good for a client, but not for the listener.
            assertThat(tls.replace(now -> NEXT.trust())).isFalse();
            assertThat(tls.replace(now -> {
                        throw new TlsException("a file is half written");
                    }))
                    .isFalse();
            assertThat(tls.replace(now -> CA.keys(CA.expired("node")))).isFalse();

            assertThat(shownBy(echo.port(), client.context())).isEqualTo(first.getCertificate());
            assertServed(echo, client.credentials());
            assertThat(reloads("kept", "refused")).isEqualTo(3);
            assertThat(reloads("kept", "replaced")).isZero();
        }
    }

    @Test
    void theTimeThatIsLeftIsOfTheFirstToEnd() {
        Instant end = Instant.now().plusSeconds(90);
        Tls tls = tls("short", CA.keys(CA.issue("node", builder -> builder.notAfter(end))));

        assertThat(metrics.get("kv.tls.certificate.remaining")
                        .tag("bundle", "short")
                        .gauge()
                        .value())
                .isCloseTo(90, within(5.0));

        assertThat(tls.replace(now -> CA.keys(CA.issue("node")))).isTrue();

        assertThat(metrics.get("kv.tls.certificate.remaining")
                        .tag("bundle", "short")
                        .gauge()
                        .value())
                .isCloseTo(3600, within(60.0));
    }

    @Test
    void filesOfAClientAreReadAgainWhenItConnects() {
        TlsFiles files = CA.write(directory, CA.issue("client"));
        ClientTls client = Tls.client(files, Clock.systemUTC(), metrics);
        try (EchoServer echo = new EchoServer(tls("servers", NEXT.keys(NEXT.issue("node")))
                .server("test", ClientAuth.NEED, PeerNames.ANY)
                .credentials())) {
            assertRefused(echo, client.credentials());

            TestCa.put(directory.resolve("tls.key"), "half written");
            Awaitility.await().atMost(Duration.ofSeconds(10)).until(() -> {
                assertRefused(echo, client.credentials());
                return reloads("client", "refused") > 0;
            });
            NEXT.write(directory, NEXT.issue("client"));

            Awaitility.await()
                    .atMost(Duration.ofSeconds(10))
                    .pollInterval(100, TimeUnit.MILLISECONDS)
                    .ignoreExceptions()
                    .untilAsserted(() -> assertServed(echo, client.credentials()));
            assertThat(List.of(files.read(Instant.now()).chain().get(0)))
                    .isEqualTo(client.keys().chain());
        }
    }
}
