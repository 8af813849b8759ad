package io.rutile.gateway.access;

import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.util.DefaultResourceRetriever;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.X509EncodedKeySpec;
import java.text.ParseException;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Where the public keys are that tokens are signed with. Reading blocks, for a few seconds at most. */
final class IssuerKeys {

    private static final int TIMEOUT_MS = 5_000;
    private static final int DOCUMENT_BYTES_MAX = 1 << 20;
    /** A token that names no key is tried with each. */
    private static final int KEYS_MAX = 100;

    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final JwtSettings settings;
    private final DefaultResourceRetriever retriever =
            new DefaultResourceRetriever(TIMEOUT_MS, TIMEOUT_MS, DOCUMENT_BYTES_MAX);

    /** @throws IllegalArgumentException if keys would come over a network that anybody could change them on */
    IssuerKeys(JwtSettings settings) {
        this.settings = settings;
        String location = settings.jwkSet() != null ? settings.jwkSet() : settings.issuer();
        if (settings.publicKey() == null && location != null && isRemote(location) && !isTrustworthy(location)) {
            throw new IllegalArgumentException("keys are not read from " + location + ": it is not https");
        }
    }

    /** Whether they are in files: there at the start, or never. */
    boolean areLocal() {
        return settings.publicKey() != null || (settings.jwkSet() != null && !isRemote(settings.jwkSet()));
    }

    /**
     * Reads them.
     *
     * @throws IOException if they can't be had, or are none
     */
    JWKSet read() throws IOException {
        JWKSet keys;
        try {
            keys = settings.publicKey() != null
                    ? new JWKSet(publicKey(file(settings.publicKey())))
                    : JWKSet.parse(settings.jwkSet() != null ? document(settings.jwkSet()) : document(discovered()));
        } catch (ParseException | JacksonException | IllegalArgumentException | GeneralSecurityException e) {
            throw new IOException("the keys of the issuer are not what they should be: " + e.getMessage(), e);
        }
        List<JWK> usable = keys.getKeys().stream()
                .filter(key -> key instanceof RSAKey || key instanceof ECKey)
                .map(JWK::toPublicJWK)
                .toList();
        if (usable.isEmpty() || usable.size() > KEYS_MAX) {
            throw new IOException("the issuer has " + usable.size() + " RSA and EC keys, not 1 to " + KEYS_MAX);
        }
        return new JWKSet(usable);
    }

    /** OpenID Connect Discovery 1.0, section 4: the document has to name the issuer that it was found at. */
    private String discovered() throws IOException {
        String issuer = String.valueOf(settings.issuer());
        JsonNode document = JSON.readTree(document(issuer.replaceAll("/+$", "") + "/.well-known/openid-configuration"));
        JsonNode jwksUri = document.get("jwks_uri");
        if (!issuer.equals(document.path("issuer").asString("")) || jwksUri == null || !jwksUri.isString()) {
            throw new IOException("the configuration of the issuer does not name itself and a jwks_uri");
        }
        if (!isTrustworthy(jwksUri.asString())) {
            throw new IOException("the jwks_uri of the issuer is not https");
        }
        return jwksUri.asString();
    }

    private String document(String location) throws IOException {
        return isRemote(location)
                ? retriever.retrieveResource(URI.create(location).toURL()).getContent()
                : file(location);
    }

    private static String file(String location) throws IOException {
        Path file = location.startsWith("file:") ? Path.of(URI.create(location)) : Path.of(location);
        if (Files.size(file) > DOCUMENT_BYTES_MAX) {
            throw new IOException(file + " has more than " + DOCUMENT_BYTES_MAX + " bytes");
        }
        return Files.readString(file, StandardCharsets.UTF_8);
    }

    /** SubjectPublicKeyInfo, as {@code openssl pkey -pubout} writes it. */
    private static JWK publicKey(String pem) throws GeneralSecurityException {
        String base64 = pem.replaceAll("-----[A-Z ]+-----", "").replaceAll("\\s", "");
        X509EncodedKeySpec spec = new X509EncodedKeySpec(Base64.getDecoder().decode(base64));
        try {
            return new RSAKey.Builder(
                            (RSAPublicKey) KeyFactory.getInstance("RSA").generatePublic(spec))
                    .build();
        } catch (GeneralSecurityException notRsa) {
            ECPublicKey key = (ECPublicKey) KeyFactory.getInstance("EC").generatePublic(spec);
            @Nullable Curve curve = Curve.forECParameterSpec(key.getParams());
            return new ECKey.Builder(curve, key).build();
        }
    }

    /** Over TLS, or from this machine. */
    private static boolean isTrustworthy(String location) {
        return location.startsWith("https://")
                || location.matches("http://(localhost|127\\.0\\.0\\.1|\\[::1])(:\\d+)?(/.*)?");
    }

    private static boolean isRemote(String location) {
        return location.startsWith("https://") || location.startsWith("http://");
    }
}
