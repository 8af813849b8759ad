package io.rutile.tls;

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
import java.util.List;
import java.util.function.UnaryOperator;

/** A certificate authority of a test. */
public final class TestCa {

    private static final Duration LIFE = Duration.ofHours(1);

    private final X509Bundle root;

    public TestCa(String name) {
        try {
            root = new CertificateBuilder()
                    .subject("CN=" + name)
                    .setIsCertificateAuthority(true)
                    .buildSelfSigned();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    /** For this machine, valid for an hour. */
    public X509Bundle issue(String commonName) {
        return issue(commonName, builder -> builder);
    }

    /** The same with something else about it. */
    public X509Bundle issue(String commonName, UnaryOperator<CertificateBuilder> change) {
        return issueBare(
                commonName,
                builder -> change.apply(builder.addSanIpAddress("127.0.0.1").addSanDnsName("localhost")));
    }

    /** For no machine. */
    public X509Bundle issueBare(String commonName, UnaryOperator<CertificateBuilder> change) {
        Instant now = Instant.now();
        try {
            return change.apply(new CertificateBuilder()
                            .subject("CN=" + commonName + ",O=Rutile")
                            .notBefore(now.minusSeconds(60))
                            .notAfter(now.plus(LIFE)))
                    .buildIssuedBy(root);
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    public X509Bundle expired(String commonName) {
        return issue(commonName, builder -> builder.notAfter(Instant.now().minusSeconds(1)));
    }

    public X509Certificate root() {
        return root.getRootCertificate();
    }

    public String pem() {
        return root.getRootCertificatePEM();
    }

    /** What this machine shows, trusting this CA. */
    public TlsKeys keys(X509Bundle own) {
        return TlsKeys.of(
                own.getKeyPair().getPrivate(),
                own.getCertificatePathList(),
                List.of(root.getRootCertificate()),
                Instant.now());
    }

    /** The same without looking whether it could be used. */
    public TlsKeys unchecked(X509Bundle own) {
        return TlsKeys.of(
                own.getKeyPair().getPrivate(),
                own.getCertificatePathList(),
                List.of(root.getRootCertificate()),
                own.getCertificate().getNotBefore().toInstant());
    }

    /** Trusting this CA and showing nothing. */
    public TlsKeys trust() {
        return TlsKeys.of(null, List.of(), List.of(root.getRootCertificate()), Instant.now());
    }

    /** Writes the three files of a service, each of them in one step, the certificate last. */
    public TlsFiles write(Path directory, X509Bundle own) {
        TlsFiles files =
                new TlsFiles(directory.resolve("ca.pem"), directory.resolve("tls.crt"), directory.resolve("tls.key"));
        put(directory.resolve("ca.pem"), pem());
        put(directory.resolve("tls.key"), own.getPrivateKeyPEM());
        put(directory.resolve("tls.crt"), own.getCertificatePathPEM());
        return files;
    }

    public static void put(Path file, String text) {
        try {
            Path beside = file.resolveSibling(file.getFileName() + ".tmp");
            Files.writeString(beside, text);
            Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
