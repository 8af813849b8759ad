package io.rutile.tls;

import io.grpc.util.CertificateUtils;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where a client's PEM files are.
 *
 * @param ca certificates of whom to trust; null for whom the JDK trusts
 * @param certificate the client's own, with those that vouch for it behind it; null if it shows none
 * @param key its private key, PKCS #8 without a password; there if and only if the certificate is
 */
public record TlsFiles(
        @Nullable Path ca,
        @Nullable Path certificate,
        @Nullable Path key) {

    private static final long FILE_BYTES_MAX = 1 << 20;

    public TlsFiles {
        if ((certificate == null) != (key == null)) {
            throw new TlsException("a certificate and its private key belong together: one of the two is missing");
        }
        if (ca == null && certificate == null) {
            throw new TlsException("neither a CA nor a certificate is given");
        }
    }

    /** For a client that trusts these certificates and shows none. */
    public static TlsFiles trusting(Path ca) {
        return new TlsFiles(ca, null, null);
    }

    /** @throws TlsException naming the file that can't be used */
    TlsKeys read(Instant now) {
        Path trusted = ca;
        Path own = certificate;
        Path secret = key;
        return TlsKeys.of(
                secret == null ? null : privateKey(secret),
                own == null ? List.of() : certificates(own),
                trusted == null ? null : certificates(trusted),
                now);
    }

    /** Changes when a file does: time, size and, for links that are moved, which file it is. */
    String stamp() {
        StringBuilder stamp = new StringBuilder();
        for (Path file : new Path[] {ca, certificate, key}) {
            if (file != null) {
                try {
                    BasicFileAttributes at = Files.readAttributes(file, BasicFileAttributes.class);
                    stamp.append(at.lastModifiedTime()).append(at.size()).append(at.fileKey());
                } catch (IOException e) {
                    stamp.append('-');
                }
            }
            stamp.append('|');
        }
        return stamp.toString();
    }

    private static List<X509Certificate> certificates(Path file) {
        try {
            List<X509Certificate> found =
                    List.of(CertificateUtils.getX509Certificates(new ByteArrayInputStream(bytes(file))));
            if (found.isEmpty()) {
                throw new TlsException(file + " holds no certificate");
            }
            return found;
        } catch (GeneralSecurityException e) {
            throw new TlsException(file + " holds something that is no certificate: " + e.getMessage(), e);
        }
    }

    private static PrivateKey privateKey(Path file) {
        byte[] bytes = bytes(file);
        String text = new String(bytes, StandardCharsets.US_ASCII);
        if (!text.contains("-----BEGIN PRIVATE KEY-----")) {
            throw new TlsException(
                    text.contains("PRIVATE KEY-----")
                            ? file + " holds a private key in another form than PKCS #8 without a password:"
                                    + " openssl pkcs8 -topk8 -nocrypt makes one of it"
                            : file + " holds no private key");
        }
        try {
            return CertificateUtils.getPrivateKey(new ByteArrayInputStream(bytes));
        } catch (GeneralSecurityException | IOException | IllegalArgumentException e) {
            throw new TlsException(file + " holds a private key that cannot be read", e);
        }
    }

    private static byte[] bytes(Path file) {
        try {
            if (Files.size(file) > FILE_BYTES_MAX) {
                throw new TlsException(file + " is larger than 1 MiB: no certificates or key");
            }
            return Files.readAllBytes(file);
        } catch (NoSuchFileException e) {
            throw new TlsException(file + " is not there", e);
        } catch (IOException e) {
            throw new TlsException(file + " cannot be read: " + e, e);
        }
    }
}
