package io.rutile.tls.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.netty.pkitesting.X509Bundle;
import io.rutile.tls.ClientAuth;
import io.rutile.tls.ServerTls;
import io.rutile.tls.TestCa;
import io.rutile.tls.TlsException;
import io.rutile.tls.TransportSecurity;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.autoconfigure.ssl.SslAutoConfiguration;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

/** Settings in, listeners out; a mistake is one sentence. */
class ServiceTlsTest {

    private static final TestCa CA = new TestCa("authority");

    @TempDir
    Path directory;

    private ApplicationContextRunner service = new ApplicationContextRunner();

    @BeforeEach
    void givenABundle() {
        CA.write(directory, CA.issue("node"));
        service = new ApplicationContextRunner()
                .withConfiguration(AutoConfigurations.of(SslAutoConfiguration.class))
                .withUserConfiguration(TlsConfiguration.class)
                .withBean(SimpleMeterRegistry.class)
                .withPropertyValues(
                        "spring.ssl.bundle.watch.file.quiet-period=50ms",
                        "spring.ssl.bundle.pem.node.reload-on-update=true",
                        "spring.ssl.bundle.pem.node.keystore.certificate=" + directory.resolve("tls.crt"),
                        "spring.ssl.bundle.pem.node.keystore.private-key=" + directory.resolve("tls.key"),
                        "spring.ssl.bundle.pem.node.truststore.certificate=" + directory.resolve("ca.pem"));
    }

    private void assertRefused(String words, String... properties) {
        service.withPropertyValues(properties).run(context -> {
            Throwable failure = Objects.requireNonNull(context.getStartupFailure(), "it has started");
            FailureAnalysis analysis =
                    Objects.requireNonNull(new TlsFailureAnalyzer().analyze(failure), failure::toString);
            assertThat(analysis.getDescription()).contains(words);
        });
    }

    @Test
    void nothingIsSecuredUntilABundleIsNamed() {
        service.run(context -> {
            TransportSecurity transport = context.getBean(ServiceTls.class).memberTransport();

            assertThat(transport).isEqualTo(TransportSecurity.PLAINTEXT);
            assertThat(transport.clientScheme()).isEqualTo("http");
        });
    }

    @Test
    void oneNameSecuresEverything() {
        service.withPropertyValues("rutile.tls.bundle=node").run(context -> {
            TransportSecurity transport = context.getBean(ServiceTls.class).memberTransport();

            assertThat(Objects.requireNonNull(transport.clients()).clientAuth()).isEqualTo(ClientAuth.NEED);
            assertThat(Objects.requireNonNull(transport.peers()).clientAuth()).isEqualTo(ClientAuth.NEED);
            assertThat(transport.outgoing()).isNotNull();
            assertThat(transport.clientScheme()).isEqualTo("https");
        });
    }

    @Test
    void filesThatChangeAreReadAgainAndBadOnesAreNot() {
        service.withPropertyValues("rutile.tls.bundle=node").run(context -> {
            ServerTls server = Objects.requireNonNull(
                    context.getBean(ServiceTls.class).memberTransport().clients());
            SimpleMeterRegistry metrics = context.getBean(SimpleMeterRegistry.class);

            Files.writeString(directory.resolve("tls.crt"), "half written");
            Awaitility.await()
                    .atMost(Duration.ofSeconds(10))
                    .until(() -> metrics.get("kv.tls.reloads")
                                    .tag("outcome", "refused")
                                    .counter()
                                    .count()
                            > 0);

            X509Bundle next = CA.issue("node");
            CA.write(directory, next);
            Awaitility.await()
                    .atMost(Duration.ofSeconds(10))
                    .until(() -> server.keys().chain().get(0).equals(next.getCertificate()));
        });
    }

    @Test
    void mistakesAreTold() {
        assertRefused("there is no SSL bundle 'other'", "rutile.tls.bundle=other");
        assertRefused("no rutile.tls.bundle", "rutile.tls.allowed-common-names=node");
        assertRefused(
                "nobody has to show one",
                "rutile.tls.bundle=node",
                "rutile.tls.client-auth=want",
                "rutile.tls.allowed-common-names=node");
        assertRefused(
                "options.ciphers is not served",
                "rutile.tls.bundle=node",
                "spring.ssl.bundle.pem.node.options.ciphers=TLS_AES_128_GCM_SHA256");
        assertRefused(
                "a file is missing",
                "rutile.tls.bundle=node",
                "spring.ssl.bundle.pem.node.reload-on-update=false",
                "spring.ssl.bundle.pem.node.keystore.certificate=" + directory.resolve("nowhere.pem"));

        CA.write(directory, CA.issue("node"));
        TestCa.put(directory.resolve("tls.key"), CA.issue("other").getPrivateKeyPEM());
        assertRefused("the private key does not fit the certificate", "rutile.tls.bundle=node");

        CA.write(directory, CA.expired("node"));
        assertRefused("expired at", "rutile.tls.bundle=node");
    }

    @Test
    void aMissingFileIsNamedAlsoWhereItIsWatched() {
        assertRefused(
                "nowhere.pem",
                "rutile.tls.bundle=node",
                "spring.ssl.bundle.pem.node.keystore.certificate=" + directory.resolve("nowhere.pem"));
    }

    @Test
    void membersTrustSomebodyInBothDirections() {
        service.withPropertyValues("rutile.tls.client-bundle=node")
                .run(context -> assertThat(
                                context.getBean(ServiceTls.class).transport().outgoing())
                        .isNotNull());
        service.withPropertyValues("rutile.tls.client-bundle=node")
                .run(context -> assertThatThrownBy(
                                () -> context.getBean(ServiceTls.class).memberTransport())
                        .isInstanceOf(TlsException.class)
                        .hasMessageContaining("in both directions or in none"));
        new ApplicationContextRunner()
                .withConfiguration(AutoConfigurations.of(SslAutoConfiguration.class))
                .withUserConfiguration(TlsConfiguration.class)
                .withBean(SimpleMeterRegistry.class)
                .withPropertyValues(
                        "rutile.tls.bundle=node",
                        "rutile.tls.client-auth=none",
                        "spring.ssl.bundle.pem.node.keystore.certificate=" + directory.resolve("tls.crt"),
                        "spring.ssl.bundle.pem.node.keystore.private-key=" + directory.resolve("tls.key"))
                .run(context -> assertThatThrownBy(
                                () -> context.getBean(ServiceTls.class).memberTransport())
                        .isInstanceOf(TlsException.class)
                        .hasMessageContaining("the Raft port always asks for certificates"));
    }
}
