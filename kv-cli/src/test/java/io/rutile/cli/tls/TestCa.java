package io.rutile.cli.tls;

import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;

/** A certificate authority of a test. */
final class TestCa {

    private final X509Bundle root;

    TestCa(String name) {
        try {
            root = new CertificateBuilder()
                    .subject("CN=" + name)
                    .setIsCertificateAuthority(true)
                    .buildSelfSigned();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    /** For this machine, for an hour. */
    X509Bundle issue(String commonName) {
        return issue(commonName, Instant.now().plus(Duration.ofHours(1)));
    }

    X509Bundle issue(String commonName, Instant until) {
        try {
            return new CertificateBuilder()
                    .subject("CN=" + commonName)
                    .notBefore(Instant.now().minusSeconds(60))
                    .notAfter(until)
                    .addSanIpAddress("127.0.0.1")
                    .addSanDnsName("localhost")
                    .buildIssuedBy(root);
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    X509Certificate root() {
        return root.getRootCertificate();
    }

    String pem() {
        return root.getRootCertificatePEM();
    }

    /** Writes a file in one step, as whoever renews certificates should. */
    static void put(Path file, String text) {
        try {
            Path beside = file.resolveSibling(file.getFileName() + ".tmp");
            Files.writeString(beside, text);
            Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
