package io.rutile.cli.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.tls.ClientTls;
import io.rutile.tls.Tls;
import io.rutile.tls.TlsFiles;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Certificates of a local cluster: that they connect is shown by {@code UpDownIT}. */
class LocalAuthorityTest {

    @TempDir
    Path dir;

    private X509Certificate read(String file) throws Exception {
        try (InputStream in = Files.newInputStream(dir.resolve("tls").resolve(file))) {
            return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
        }
    }

    @Test
    void makesThemOnceForThisMachineAndKeepsNoKeyThatSigns() throws Exception {
        LocalAuthority authority = new LocalAuthority(dir);
        authority.prepare(JavaRuntime.current());

        X509Certificate root = read("ca.crt");
        for (String name : List.of("member", "application")) {
            X509Certificate issued = read(name + ".crt");
            issued.verify(root.getPublicKey());
            assertThat(issued.getSubjectX500Principal().getName()).startsWith("CN=" + name + ",");
            assertThat(issued.getBasicConstraints()).isEqualTo(-1);
            assertThat(issued.getSubjectAlternativeNames().toString()).contains("127.0.0.1", "localhost");
        }
        assertThat(root.getBasicConstraints()).isNotNegative();
        assertThat(contents())
                .containsExactly("application.crt", "application.key", "ca.crt", "member.crt", "member.key");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(dir.resolve("tls"))))
                .isEqualTo("rwx------");
        assertThat(PosixFilePermissions.toString(
                        Files.getPosixFilePermissions(dir.resolve("tls").resolve("member.key"))))
                .isEqualTo("rw-------");
        TlsFiles files = authority.applicationFiles();
        ClientTls client = Tls.client(files, Clock.systemUTC(), new SimpleMeterRegistry());
        assertThat(client.context()).isNotNull();

        authority.prepare(JavaRuntime.current());
        assertThat(read("ca.crt")).isEqualTo(root);

        Files.delete(dir.resolve("tls").resolve("application.key"));
        authority.prepare(JavaRuntime.current());
        assertThat(read("ca.crt")).isNotEqualTo(root);
        read("member.crt").verify(read("ca.crt").getPublicKey());
    }

    private List<String> contents() throws IOException {
        try (Stream<Path> files = Files.list(dir.resolve("tls"))) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void aJavaWithoutItsToolIsOneSentence() {
        JavaRuntime nowhere = new JavaRuntime(dir.resolve("bin").resolve("java"), 17);

        assertThatThrownBy(() -> new LocalAuthority(dir).prepare(nowhere))
                .isInstanceOf(ClusterException.class)
                .hasMessageContaining("keytool");
        assertThat(dir.resolve("tls")).isEmptyDirectory();
    }

    @Test
    void aLayoutWithTlsSaysSoToItsProcessesAndRemembersIt() throws Exception {
        ClusterLayout layout = new ClusterLayout(dir, 1, 1, 30_000, ApiVersion.V1, java.util.Map.of(), true);
        layout.write();

        assertThat(ClusterLayout.read(dir)).contains(layout);
        assertThat(layout.gatewayUrl()).startsWith("https://");
        assertThat(layout.services()).allSatisfy(service -> {
            assertThat(service.settings())
                    .contains("--rutile.tls.bundle=cluster", "--rutile.tls.peer-common-names=member");
            assertThat(service.managementUrl()).startsWith("https://");
        });
        assertThat(new ClusterLayout(dir, 1, 1, 30_000, ApiVersion.V1).services())
                .allSatisfy(service -> assertThat(service.settings()).noneMatch(setting -> setting.contains("tls")));
    }
}
