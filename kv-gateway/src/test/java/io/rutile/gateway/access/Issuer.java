package io.rutile.gateway.access;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** Somebody who signs tokens, and serves the keys to check them with: on loopback, as an OpenID provider does. */
public final class Issuer implements AutoCloseable {

    public static final String AUDIENCE = "rutile";

    /** How often the keys were asked for. */
    public final AtomicInteger keysRead = new AtomicInteger();

    private final HttpServer http;
    private volatile ECKey key = newKey("first");
    private volatile boolean broken;

    public Issuer() {
        try {
            http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        answer(
                "/.well-known/openid-configuration",
                () -> "{\"issuer\":\"" + url() + "\",\"jwks_uri\":\"" + keysUrl() + "\"}");
        answer("/keys", () -> {
            keysRead.incrementAndGet();
            return new JWKSet(key.toPublicJWK()).toString();
        });
        http.start();
    }

    private interface Text {
        String make();
    }

    private void answer(String path, Text text) {
        http.createContext(path, exchange -> {
            byte[] body = text.make().getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(broken ? 500 : 200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
    }

    public String url() {
        return "http://127.0.0.1:" + http.getAddress().getPort();
    }

    public String keysUrl() {
        return url() + "/keys";
    }

    /** Its key as a PEM file. */
    public Path publicKey(Path directory) throws Exception {
        String base64 = Base64.getMimeEncoder(64, new byte[] {'\n'})
                .encodeToString(key.toECPublicKey().getEncoded());
        return Files.writeString(
                directory.resolve("issuer.pem"),
                "-----BEGIN PUBLIC KEY-----\n" + base64 + "\n-----END PUBLIC KEY-----\n");
    }

    public void breakDown(boolean isBroken) {
        broken = isBroken;
    }

    /** Signs with another key from now on. */
    public void changeKey(String id) {
        key = newKey(id);
    }

    private static ECKey newKey(String id) {
        try {
            return new ECKeyGenerator(Curve.P_256).keyID(id).generate();
        } catch (JOSEException e) {
            throw new AssertionError(e);
        }
    }

    /** A token for this audience, good for an hour. */
    public JWTClaimsSet.Builder claims(Instant now, String subject, String... roles) {
        return new JWTClaimsSet.Builder()
                .issuer(url())
                .audience(AUDIENCE)
                .subject(subject)
                .issueTime(Date.from(now))
                .expirationTime(Date.from(now.plus(Duration.ofHours(1))))
                .claim("roles", List.of(roles));
    }

    public String sign(JWTClaimsSet.Builder claims) {
        return sign(claims, JOSEObjectType.JWT);
    }

    public String sign(JWTClaimsSet.Builder claims, JOSEObjectType type) {
        ECKey signing = key;
        SignedJWT token = new SignedJWT(
                new JWSHeader.Builder(JWSAlgorithm.ES256)
                        .keyID(signing.getKeyID())
                        .type(type)
                        .build(),
                claims.build());
        try {
            token.sign(new ECDSASigner(signing));
        } catch (JOSEException e) {
            throw new AssertionError(e);
        }
        return token.serialize();
    }

    @Override
    public void close() {
        http.stop(0);
    }
}
