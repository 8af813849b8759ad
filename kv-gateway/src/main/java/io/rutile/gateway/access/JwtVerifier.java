package io.rutile.gateway.access;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKMatcher;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.proc.BadJOSEException;
import com.nimbusds.jose.proc.BadJWSException;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.nimbusds.jwt.proc.BadJWTException;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import java.text.ParseException;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Date;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Checks signed tokens (RFC 7519, RFC 9068) with the keys of one moment. Only algorithms with a public key: with a shared secret, whoever can
 * check a token could make one. Signature, type and algorithm are the library's; claims are checked here, so that each refusal has its
 * name. Immutable, safe from any thread.
 */
final class JwtVerifier {

    private static final Set<JWSAlgorithm> ALGORITHMS = Set.of(
            JWSAlgorithm.RS256,
            JWSAlgorithm.RS384,
            JWSAlgorithm.RS512,
            JWSAlgorithm.PS256,
            JWSAlgorithm.PS384,
            JWSAlgorithm.PS512,
            JWSAlgorithm.ES256,
            JWSAlgorithm.ES384,
            JWSAlgorithm.ES512);

    private static final int ROLES_MAX = 256;
    private static final int SUBJECT_CHARS_MAX = 128;

    private final JwtSettings settings;
    private final DefaultJWTProcessor<SecurityContext> processor = new DefaultJWTProcessor<>();

    /** @param keys public ones */
    JwtVerifier(JwtSettings settings, JWKSet keys) {
        this.settings = settings;
        processor.setJWSKeySelector(new JWSVerificationKeySelector<>(
                ALGORITHMS, (selector, context) -> fitting(keys, selector.getMatcher())));
        processor.setJWSTypeVerifier(new DefaultJOSEObjectTypeVerifier<>(
                JOSEObjectType.JWT, new JOSEObjectType("at+jwt"), new JOSEObjectType("application/at+jwt"), null));
        // What is said of the claims is said below.
        processor.setJWTClaimsSetVerifier((claims, context) -> {});
    }

    /** A key that has no id, such as one of a PEM file, fits whatever id the token names. */
    private static List<JWK> fitting(JWKSet keys, JWKMatcher wanted) {
        JWKMatcher anyId =
                new JWKMatcher.Builder(wanted).keyIDs((Set<String>) null).build();
        return keys.getKeys().stream()
                .filter(key -> (key.getKeyID() == null ? anyId : wanted).matches(key))
                .toList();
    }

    /**
     * What a token says.
     *
     * @param name the subject, for logs and as the owner of transactions
     * @param roles by their names
     * @param until when it stops being good, the skew of clocks included
     */
    record Verified(String name, List<String> roles, Instant until) {}

    /** @throws AccessException if the token is not good */
    Verified verify(String token, Instant now) {
        JWTClaimsSet claims = signed(token);
        Duration skew = settings.clockSkew();
        Date expires = claims.getExpirationTime();
        String subject = claims.getSubject();
        if (expires == null || subject == null || subject.isBlank() || subject.length() > SUBJECT_CHARS_MAX) {
            throw new AccessException(Refusal.INCOMPLETE);
        }
        Instant until = expires.toInstant().plus(skew);
        if (!now.isBefore(until)) {
            throw new AccessException(Refusal.EXPIRED);
        }
        Date notBefore = claims.getNotBeforeTime();
        if (notBefore != null && now.isBefore(notBefore.toInstant().minus(skew))) {
            throw new AccessException(Refusal.NOT_YET_VALID);
        }
        if (settings.issuer() != null && !settings.issuer().equals(claims.getIssuer())) {
            throw new AccessException(Refusal.WRONG_ISSUER);
        }
        if (Collections.disjoint(settings.audiences(), claims.getAudience())) {
            throw new AccessException(Refusal.WRONG_AUDIENCE);
        }
        // Without an issuer that is checked, one subject of two of them would be one caller.
        String name = settings.issuer() != null ? subject : claims.getIssuer() + "#" + subject;
        return new Verified(name, roles(claims.getClaims(), settings.rolesClaim()), until);
    }

    private JWTClaimsSet signed(String token) {
        SignedJWT jwt;
        try {
            jwt = SignedJWT.parse(token);
        } catch (ParseException notOne) {
            throw new AccessException(Refusal.UNKNOWN_TOKEN);
        }
        try {
            return processor.process(jwt, null);
        } catch (BadJWTException e) {
            throw new AccessException(Refusal.UNKNOWN_TOKEN);
        } catch (BadJWSException e) {
            throw new AccessException(Refusal.BAD_SIGNATURE);
        } catch (BadJOSEException | JOSEException e) {
            throw new AccessException(Refusal.UNKNOWN_KEY);
        }
    }

    /** A list of names, or names with spaces in between as {@code scope} has them. */
    private static List<String> roles(Map<String, Object> claims, String path) {
        Object value = at(claims, path);
        Collection<?> names =
                value instanceof Collection<?> list ? list : value instanceof String text ? words(text) : List.of();
        Set<String> roles = new HashSet<>();
        for (Object name : names) {
            if (name instanceof String role && roles.size() < ROLES_MAX) {
                roles.add(role);
            }
        }
        return List.copyOf(roles);
    }

    private static List<String> words(String text) {
        return Arrays.stream(text.split(" ", -1))
                .filter(word -> !word.isEmpty())
                .toList();
    }

    /** A claim of this name, or else one inside of the objects that the dots name. */
    private static @Nullable Object at(Map<String, Object> claims, String path) {
        if (claims.containsKey(path)) {
            return claims.get(path);
        }
        Object value = claims;
        for (String step : path.split("\\.", -1)) {
            value = value instanceof Map<?, ?> object ? object.get(step) : null;
        }
        return value;
    }
}
