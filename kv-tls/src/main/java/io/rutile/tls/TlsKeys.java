package io.rutile.tls;

import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.Key;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.UnrecoverableKeyException;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * A private key with its certificates, and whom to trust: looked through when made, unchanged afterwards. The key fits the first
 * certificate, and all of them are valid now.
 */
public final class TlsKeys {

    private static final char[] IN_MEMORY = new char[0];

    private final @Nullable PrivateKey key;
    private final List<X509Certificate> chain;
    private final @Nullable List<X509Certificate> trusted;

    private TlsKeys(@Nullable PrivateKey key, List<X509Certificate> chain, @Nullable List<X509Certificate> trusted) {
        this.key = key;
        this.chain = chain;
        this.trusted = trusted;
    }

    /**
     * From what was read.
     *
     * @param key null for a client that shows no certificate
     * @param chain the key's certificate first, then those that vouch for it
     * @param trusted CA certificates; null for those of the JDK
     * @throws TlsException if they can't be used
     */
    public static TlsKeys of(
            @Nullable PrivateKey key,
            List<X509Certificate> chain,
            @Nullable List<X509Certificate> trusted,
            Instant now) {
        if (key == null && trusted == null) {
            throw new TlsException("there is neither a private key nor a CA to trust");
        }
        if (trusted != null && trusted.isEmpty()) {
            throw new TlsException("there is no certificate among those to trust");
        }
        if (key != null) {
            if (chain.isEmpty()) {
                throw new TlsException("there is a private key and no certificate for it");
            }
            for (X509Certificate certificate : chain) {
                requireValid(certificate, now);
            }
            requireFits(key, chain.get(0));
        }
        return new TlsKeys(key, key == null ? List.of() : List.copyOf(chain), trusted);
    }

    /**
     * From key stores.
     *
     * @param keys null for a client that shows no certificate
     * @param password of the key; null for none
     * @param alias of the key; null if there is one only
     * @param trusted CA certificates; null for those of the JDK
     * @throws TlsException if they can't be used
     */
    public static TlsKeys ofStores(
            @Nullable KeyStore keys,
            char @Nullable [] password,
            @Nullable String alias,
            @Nullable KeyStore trusted,
            Instant now) {
        try {
            List<X509Certificate> authorities = trusted == null ? null : certificates(trusted);
            if (keys == null) {
                return of(null, List.of(), authorities, now);
            }
            String name = alias == null ? onlyKey(keys) : alias;
            Key key = keys.getKey(name, password);
            Certificate[] chain = keys.getCertificateChain(name);
            if (!(key instanceof PrivateKey secret) || chain == null) {
                throw new TlsException("the key store has no private key under the alias '" + name + "'");
            }
            return of(
                    secret,
                    Arrays.stream(chain).map(X509Certificate.class::cast).toList(),
                    authorities,
                    now);
        } catch (UnrecoverableKeyException e) {
            throw new TlsException("the password of the private key is wrong", e);
        } catch (GeneralSecurityException | ClassCastException e) {
            throw new TlsException("the key store cannot be used: " + e.getMessage(), e);
        }
    }

    private static String onlyKey(KeyStore keys) throws GeneralSecurityException {
        List<String> found = new ArrayList<>();
        for (String alias : Collections.list(keys.aliases())) {
            if (keys.isKeyEntry(alias)) {
                found.add(alias);
            }
        }
        if (found.size() != 1) {
            throw new TlsException(
                    found.isEmpty()
                            ? "there are certificates and no private key"
                            : "the key store has several private keys, and no alias says which");
        }
        return found.get(0);
    }

    private static List<X509Certificate> certificates(KeyStore store) throws GeneralSecurityException {
        List<X509Certificate> found = new ArrayList<>();
        for (String alias : Collections.list(store.aliases())) {
            if (store.getCertificate(alias) instanceof X509Certificate certificate) {
                found.add(certificate);
            }
        }
        return found;
    }

    private static void requireValid(X509Certificate certificate, Instant now) {
        Instant from = certificate.getNotBefore().toInstant();
        Instant until = certificate.getNotAfter().toInstant();
        if (now.isAfter(until)) {
            throw new TlsException("the certificate of " + subject(certificate) + " expired at " + until);
        }
        if (now.isBefore(from)) {
            throw new TlsException("the certificate of " + subject(certificate) + " is not valid before " + from);
        }
    }

    /** Signs and looks whether the certificate agrees. */
    private static void requireFits(PrivateKey key, X509Certificate certificate) {
        String algorithm = switch (key.getAlgorithm()) {
            case "RSA" -> "SHA256withRSA";
            case "EC" -> "SHA256withECDSA";
            case "EdDSA", "Ed25519", "Ed448" -> "EdDSA";
            default -> throw new TlsException("private keys are RSA, EC or EdDSA, not " + key.getAlgorithm());
        };
        byte[] words = new byte[32];
        new SecureRandom().nextBytes(words);
        boolean fits;
        try {
            Signature signature = Signature.getInstance(algorithm);
            signature.initSign(key);
            signature.update(words);
            byte[] signed = signature.sign();
            signature.initVerify(certificate.getPublicKey());
            signature.update(words);
            fits = signature.verify(signed);
        } catch (GeneralSecurityException e) {
            // A key of another kind than the certificate's, or of another size.
            fits = false;
        }
        if (!fits) {
            throw new TlsException("the private key does not fit the certificate of " + subject(certificate));
        }
    }

    /** For people; a certificate can say what it likes, so it is cut and has no line breaks. */
    static String subject(X509Certificate certificate) {
        String name = certificate.getSubjectX500Principal().getName();
        String plain = name.replaceAll("\\p{Cntrl}", "?");
        return "'" + (plain.length() > 200 ? plain.substring(0, 200) + "…" : plain) + "'";
    }

    /** When the first of its own certificates ends; empty if it has none. */
    public Optional<Instant> expires() {
        return chain.stream().map(it -> it.getNotAfter().toInstant()).min(Instant::compareTo);
    }

    /** Its own certificate first; empty for a client that shows none. */
    public List<X509Certificate> chain() {
        return chain;
    }

    boolean hasKey() {
        return key != null;
    }

    /** Whether it is said whom to trust; else it would be everybody whom the JDK trusts. */
    boolean saysWhomToTrust() {
        return trusted != null;
    }

    KeyManager[] keyManagers() throws GeneralSecurityException {
        PrivateKey secret = key;
        if (secret == null) {
            return new KeyManager[0];
        }
        KeyStore store = empty();
        store.setKeyEntry("own", secret, IN_MEMORY, chain.toArray(new X509Certificate[0]));
        KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(store, IN_MEMORY);
        return factory.getKeyManagers();
    }

    X509ExtendedTrustManager trustManager() throws GeneralSecurityException {
        List<X509Certificate> authorities = trusted;
        KeyStore store = null;
        if (authorities != null) {
            store = empty();
            for (int i = 0; i < authorities.size(); i++) {
                store.setCertificateEntry("ca-" + i, authorities.get(i));
            }
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        for (TrustManager manager : factory.getTrustManagers()) {
            if (manager instanceof X509ExtendedTrustManager extended) {
                return extended;
            }
        }
        throw new TlsException("this JDK has no trust manager for X.509");
    }

    private static KeyStore empty() throws GeneralSecurityException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        try {
            store.load(null, null);
        } catch (IOException e) {
            throw new TlsException("an empty key store cannot be made", e);
        }
        return store;
    }
}
