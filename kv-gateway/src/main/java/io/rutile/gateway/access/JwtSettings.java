package io.rutile.gateway.access;

import java.time.Duration;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which signed tokens (JWT) are believed.
 *
 * @param issuer what {@code iss} has to be, and where its keys are found ({@code /.well-known/openid-configuration}) unless the next
 *     two say so; null if any will do
 * @param jwkSet URL or file of a JWK set; URLs are https, or of this machine
 * @param publicKey file of one RSA or EC public key, PEM
 * @param audiences of which {@code aud} has to name one, at least one
 * @param clockSkew by how much the issuer's clock may differ
 * @param rolesClaim which claim names roles; dots lead into objects
 * @param refreshInterval how often the issuer's keys are read again
 */
public record JwtSettings(
        @Nullable String issuer,
        @Nullable String jwkSet,
        @Nullable String publicKey,
        Set<String> audiences,
        Duration clockSkew,
        String rolesClaim,
        Duration refreshInterval) {

    public JwtSettings {
        if (issuer == null && jwkSet == null && publicKey == null) {
            throw new IllegalArgumentException("an issuer, a JWK set or a public key is needed");
        }
        if (audiences.isEmpty()) {
            throw new IllegalArgumentException("without an audience, tokens for others would be good here");
        }
        audiences = Set.copyOf(audiences);
    }
}
