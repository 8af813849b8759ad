package io.rutile.cli.cluster;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;

import io.rutile.tls.TlsFiles;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * The certificates of a local cluster, below its data directory, and the authority that made them: it is thrown away as soon as it has
 * signed, so there is no key with which anybody could sign more. One certificate is for all processes, one for commands and other clients;
 * who has the first may speak Raft, who has either may read and write everything. Both are for this machine alone.
 *
 * <p>Made by the JDK's {@code keytool}: it is there wherever Rutile runs.
 */
public final class LocalAuthority {

    /** Common name of what all processes of a cluster show. */
    static final String MEMBER = "member";

    /** Common name of what commands show. */
    static final String APPLICATION = "application";

    private static final String AUTHORITY = "authority";
    private static final int DAYS = 365;

    /** Sooner than that they are made anew when the cluster starts. */
    private static final Duration LEFT_MIN = Duration.ofDays(30);

    private static final Duration KEYTOOL_MAX = Duration.ofSeconds(60);
    private static final String PASSWORD_VARIABLE = "RUTILE_KEYSTORE";

    private final Path directory;

    LocalAuthority(Path dataDir) {
        directory = dataDir.resolve("tls");
    }

    /** What commands show, and whom they trust. */
    public TlsFiles applicationFiles() {
        return new TlsFiles(ca(), certificate(APPLICATION), key(APPLICATION));
    }

    private Path ca() {
        return directory.resolve("ca.crt");
    }

    private Path certificate(String name) {
        return directory.resolve(name + ".crt");
    }

    private Path key(String name) {
        return directory.resolve(name + ".key");
    }

    /** What every process of the cluster is told. */
    List<String> settings() {
        String bundle = "--spring.ssl.bundle.pem.cluster.";
        return List.of(
                bundle + "reload-on-update=true",
                bundle + "keystore.certificate=" + certificate(MEMBER),
                bundle + "keystore.private-key=" + key(MEMBER),
                bundle + "truststore.certificate=" + ca(),
                "--rutile.tls.bundle=cluster",
                "--rutile.tls.peer-common-names=" + MEMBER);
    }

    /**
     * Makes certificates unless there are some that hold for a while. To be called while no process of the cluster runs: new ones are of
     * another authority.
     *
     * @throws ClusterException in words, if that can't be done
     */
    void prepare(JavaRuntime java) {
        if (holds()) {
            return;
        }
        Path keys = null;
        try {
            Files.createDirectories(
                    directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            keys = Files.createTempDirectory(directory, "making");
            make(java, keys.resolve("keys.p12"));
        } catch (IOException e) {
            throw new ClusterException("can't make certificates: " + Disk.explain(e, directory), e);
        } catch (GeneralSecurityException e) {
            throw new ClusterException("can't make certificates: " + e.getMessage(), e);
        } finally {
            if (keys != null) {
                forget(keys);
            }
        }
    }

    private boolean holds() {
        Instant then = Instant.now().plus(LEFT_MIN);
        return Stream.of(ca(), certificate(MEMBER), certificate(APPLICATION)).allMatch(file -> holdsUntil(file, then))
                && Stream.of(MEMBER, APPLICATION).map(this::key).allMatch(Files::isReadable);
    }

    private static boolean holdsUntil(Path file, Instant then) {
        try (InputStream in = Files.newInputStream(file)) {
            X509Certificate first =
                    (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
            return first.getNotAfter().toInstant().isAfter(then);
        } catch (IOException | GeneralSecurityException e) {
            return false;
        }
    }

    private void make(JavaRuntime java, Path store) throws IOException, GeneralSecurityException {
        byte[] random = new byte[24];
        new SecureRandom().nextBytes(random);
        String password = HexFormat.of().formatHex(random);
        keytool(
                java,
                store,
                password,
                AUTHORITY,
                List.of("-ext", "bc:critical=ca:true", "-ext", "ku:critical=keyCertSign"));
        for (String name : List.of(MEMBER, APPLICATION)) {
            keytool(
                    java,
                    store,
                    password,
                    name,
                    List.of(
                            "-signer",
                            AUTHORITY,
                            "-ext",
                            "san=ip:" + ClusterLayout.HOST + ",dns:localhost",
                            "-ext",
                            "eku=serverAuth,clientAuth"));
        }
        KeyStore made = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(store)) {
            made.load(in, password.toCharArray());
        }
        for (String name : List.of(MEMBER, APPLICATION)) {
            byte[] key = made.getKey(name, password.toCharArray()).getEncoded();
            put(key(name), pem("PRIVATE KEY", key));
            Arrays.fill(key, (byte) 0);
            put(certificate(name), pem("CERTIFICATE", made.getCertificate(name).getEncoded()));
        }
        Certificate authority = made.getCertificate(AUTHORITY);
        put(ca(), pem("CERTIFICATE", authority.getEncoded()));
    }

    private static void keytool(JavaRuntime java, Path store, String password, String name, List<String> more)
            throws IOException {
        List<String> command = new ArrayList<>(List.of(
                java.executable().resolveSibling("keytool").toString(),
                "-genkeypair",
                "-keystore",
                store.toString(),
                "-storetype",
                "PKCS12",
                "-storepass:env",
                PASSWORD_VARIABLE,
                "-alias",
                name,
                "-dname",
                "CN=" + name + ", O=Rutile on this machine",
                "-keyalg",
                "EC",
                "-groupname",
                "secp256r1",
                "-validity",
                Integer.toString(DAYS)));
        command.addAll(more);
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().put(PASSWORD_VARIABLE, password);
        // It would write a line about these to what is read here.
        builder.environment().keySet().removeAll(List.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"));
        Process process = builder.start();
        process.getOutputStream().close();
        String said = new String(process.getInputStream().readAllBytes(), UTF_8).strip();
        try {
            if (!process.waitFor(KEYTOOL_MAX.toMillis(), TimeUnit.MILLISECONDS)) {
                process.destroyForcibly();
                throw new ClusterException("keytool does not end");
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new ClusterException("interrupted while keytool made a key", e);
        }
        if (process.exitValue() != 0) {
            throw new ClusterException("keytool of " + java.executable() + " made no key: " + said);
        }
    }

    private static String pem(String what, byte[] bytes) {
        return "-----BEGIN " + what + "-----\n"
                + Base64.getMimeEncoder(64, "\n".getBytes(US_ASCII)).encodeToString(bytes)
                + "\n-----END " + what + "-----\n";
    }

    /** In one step, and readable for nobody else from the first moment on. */
    private void put(Path file, String text) throws IOException {
        Path draft = directory.resolve(file.getFileName() + ".new");
        Files.deleteIfExists(draft);
        Files.createFile(draft, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(draft, text);
        Files.move(draft, file, REPLACE_EXISTING, ATOMIC_MOVE);
    }

    /** The authority's key is nowhere else. */
    private static void forget(Path keys) {
        try (Stream<Path> files = Files.list(keys)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
            Files.delete(keys);
        } catch (IOException e) {
            throw new ClusterException(
                    "can't delete " + keys + ", which holds the key of an authority: " + e.getMessage(), e);
        }
    }
}
