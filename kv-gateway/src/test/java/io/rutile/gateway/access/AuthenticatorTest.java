package io.rutile.gateway.access;

import static io.rutile.gateway.RunningGateway.bytes;
import static io.rutile.gateway.RunningGateway.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSObject;
import com.nimbusds.jose.Payload;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.PlainJWT;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.gateway.kv.CallerQuota;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Base64;
import java.util.Date;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AuthenticatorTest {

    private static final String TOKEN = "0123456789abcdef0123456789abcdef";
    private static final CallOrigin HERE = new CallOrigin("rest", "127.0.0.1", "GET raw");
    private static final Duration SKEW = Duration.ofSeconds(60);

    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final Issuer issuer = new Issuer();

    @TempDir
    private Path directory;

    private volatile Instant now = Instant.parse("2026-06-01T00:00:00Z");
    private @Nullable Authenticator authenticator;

    @AfterEach
    void close() {
        if (authenticator != null) {
            authenticator.close();
        }
        issuer.close();
    }

    // ---- API tokens

    @Test
    void nobodyIsAskedWhereNothingIsConfigured() {
        start(null, null);

        assertThat(caller(null)).isEqualTo(Caller.ANYONE);
        assertThat(caller("Bearer " + TOKEN)).isEqualTo(Caller.ANYONE);
    }

    @Test
    void aTokenIsKnownByItsHash() throws Exception {
        start(accessFile(TOKEN, "read"), null);

        for (String scheme : List.of("Bearer ", "bearer ", "BEARER  ")) {
            assertThat(caller(scheme + TOKEN).name()).isEqualTo("token:someone");
        }
        assertThat(caller("Bearer " + TOKEN).permissions().allows(Permission.READ, Api.RAW, key("k")))
                .isTrue();
        assertThat(refusal("Bearer " + TOKEN + "0")).isEqualTo(Refusal.UNKNOWN_TOKEN);
        assertThat(refused("unknown-token")).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Basic dXNlcjpwYXNz",
                "Bearer",
                "Bearer ",
                TOKEN,
                "Bearer " + TOKEN + ", Bearer " + TOKEN,
                "Bearer a b",
                "Bearer é",
                "Bearer \u0000",
            })
    void whatIsNoCredentialIsToldFromWhatIsUnknown(String header) throws Exception {
        start(accessFile(TOKEN, "read"), null);

        assertThat(refusal(header)).isEqualTo(Refusal.MALFORMED);
        assertThat(refusal(null)).isEqualTo(Refusal.NO_CREDENTIALS);
        assertThat(refusal("")).isEqualTo(Refusal.NO_CREDENTIALS);
        assertThat(refusal("Bearer " + "x".repeat(9_000))).isEqualTo(Refusal.MALFORMED);
    }

    @Test
    void whatIsShortEnoughToGuessIsNoToken() throws Exception {
        start(accessFile("password", "read"), null);

        assertThat(refusal("Bearer password")).isEqualTo(Refusal.UNKNOWN_TOKEN);
    }

    @Test
    void aFileThatChangesHoldsAtOnceAndOneThatIsBrokenDoesNot() throws Exception {
        Path file = accessFile(TOKEN, "read");
        start(file, null);
        String other = TOKEN.replace('0', 'f');
        CallAccess underWay = authenticator().authenticate("Bearer " + TOKEN, HERE);

        // In one step: a file that is seen while it is being written is broken once more.
        Files.move(
                Files.writeString(directory.resolve("access.json.new"), "{"),
                file,
                StandardCopyOption.ATOMIC_MOVE,
                StandardCopyOption.REPLACE_EXISTING);
        await().untilAsserted(() -> assertThat(reloads("file", "failed")).isEqualTo(1));
        assertThat(caller("Bearer " + TOKEN).name()).isEqualTo("token:someone");
        underWay.requireStillValid();

        Files.delete(file);
        await().untilAsserted(() -> assertThat(reloads("file", "failed")).isEqualTo(2));
        assertThat(caller("Bearer " + TOKEN).name()).isEqualTo("token:someone");

        accessFile(other, "write");
        await().untilAsserted(() -> assertThat(refusal("Bearer " + TOKEN)).isEqualTo(Refusal.UNKNOWN_TOKEN));
        assertThat(caller("Bearer " + other).permissions().allows(Permission.WRITE, Api.RAW, key("k")))
                .isTrue();
        assertThatThrownBy(underWay::requireStillValid).hasMessageContaining("taken away");
    }

    @Test
    void aFileThatIsNotWhatItShouldBeIsSaidAtTheStart() throws Exception {
        Path file = Files.writeString(directory.resolve("access.json"), "{\"tokens\": 7}");

        assertThatThrownBy(() -> start(file, null)).hasMessageContainingAll("access.json", "tokens is no list");
        assertThatThrownBy(() -> start(directory.resolve("missing"), null))
                .hasMessageContainingAll("missing", "NoSuchFile");
    }

    // ---- JWTs

    @Test
    void aSignedTokenIsCheckedOnceAndKnownUntilItExpires() throws Exception {
        start(rolesFile(), jwt(issuer.url(), null, null));
        String token = issuer.sign(claims("alice", "fruit-reader"));
        awaitLetIn(token);
        Caller alice = caller("Bearer " + token);

        assertThat(alice.permissions().allows(Permission.READ, Api.RAW, key("fruit/1")))
                .isTrue();
        assertThat(alice.permissions().allows(Permission.READ, Api.RAW, key("k")))
                .isFalse();
        assertThat(caller("Bearer " + token)).isSameAs(alice);
        assertThat(metrics.get("kv.gateway.auth.known").gauge().value()).isEqualTo(1);

        pass(Duration.ofHours(1).plus(SKEW).minusMillis(1));
        assertThat(caller("Bearer " + token)).isSameAs(alice);
        pass(Duration.ofMillis(1));
        assertThat(refusal("Bearer " + token)).isEqualTo(Refusal.EXPIRED);
        assertThat(refusal("Bearer " + token)).isEqualTo(Refusal.EXPIRED);
        assertThat(metrics.get("kv.gateway.auth.known").gauge().value()).isZero();
    }

    @Test
    void everyWayNotToBeGoodHasItsName() throws Exception {
        start(null, jwt(issuer.url(), null, issuer.publicKey(directory).toString()));
        Instant time = now;

        assertThat(caller("Bearer " + issuer.sign(claims("a"))).name()).isEqualTo("jwt:a");
        assertThat(caller("Bearer " + issuer.sign(claims("a"), new JOSEObjectType("at+jwt")))
                        .name())
                .isEqualTo("jwt:a");
        assertRefused(claims("a").audience("another"), Refusal.WRONG_AUDIENCE);
        assertRefused(claims("a").audience((String) null), Refusal.WRONG_AUDIENCE);
        assertRefused(claims("a").issuer("https://another.example"), Refusal.WRONG_ISSUER);
        assertRefused(claims("a").issuer(null), Refusal.WRONG_ISSUER);
        assertRefused(claims("a").expirationTime(Date.from(time.minus(SKEW))), Refusal.EXPIRED);
        assertRefused(claims("a").notBeforeTime(Date.from(time.plus(SKEW).plusSeconds(1))), Refusal.NOT_YET_VALID);
        assertRefused(claims("a").expirationTime(null), Refusal.INCOMPLETE);
        assertRefused(claims("a").subject(null), Refusal.INCOMPLETE);
        assertRefused(claims("a").subject("x".repeat(200)), Refusal.INCOMPLETE);
        String good = issuer.sign(claims("a"));
        int signature = good.lastIndexOf('.') + 1;
        char first = good.charAt(signature);
        assertThat(refusal("Bearer " + good.substring(0, signature) + (first == 'A' ? 'B' : 'A')
                        + good.substring(signature + 1)))
                .isEqualTo(Refusal.BAD_SIGNATURE);
        issuer.changeKey("second");
        assertRefused(claims("a"), Refusal.BAD_SIGNATURE);
    }

    @Test
    void algorithmsWithoutAPublicKeyAreNone() throws Exception {
        Path pem = issuer.publicKey(directory);
        start(null, jwt(issuer.url(), null, pem.toString()));
        JWTClaimsSet claims = claims("a", "admin").build();

        assertThat(refusal("Bearer " + new PlainJWT(claims).serialize()))
                .isIn(Refusal.UNKNOWN_TOKEN, Refusal.MALFORMED);
        JWSObject shared = new JWSObject(new JWSHeader(JWSAlgorithm.HS256), new Payload(claims.toJSONObject()));
        shared.sign(new MACSigner(Files.readAllBytes(pem)));
        assertThat(refusal("Bearer " + shared.serialize())).isEqualTo(Refusal.UNKNOWN_KEY);
    }

    @Test
    void rolesAreWhereTheClaimSays() throws Exception {
        for (Map.Entry<String, Object> claim : Map.of(
                        "roles", List.of("read", 7, "nobody's"),
                        "scope", "openid read",
                        "realm_access", Map.of("roles", List.of("read")),
                        "https://rutile.example/roles", List.of("read"))
                .entrySet()) {
            String path = claim.getKey().equals("realm_access") ? "realm_access.roles" : claim.getKey();
            JwtVerifier verifier = new JwtVerifier(
                    new JwtSettings(issuer.url(), null, "unused", Set.of(Issuer.AUDIENCE), SKEW, path, SKEW),
                    new IssuerKeys(jwt(issuer.url(), issuer.keysUrl(), null)).read());

            assertThat(verifier.verify(
                                    issuer.sign(
                                            claims("a").claim("roles", null).claim(claim.getKey(), claim.getValue())),
                                    now)
                            .roles())
                    .as(path)
                    .contains("read");
        }
    }

    @Test
    void keysAreReadAgainWhenATokenNamesANewOne() throws Exception {
        start(null, jwt(issuer.url(), issuer.keysUrl(), null));
        String old = issuer.sign(claims("a"));
        awaitLetIn(old);

        issuer.breakDown(true);
        issuer.changeKey("second");
        String fresh = issuer.sign(claims("a"));
        assertThat(refusal("Bearer " + fresh)).isEqualTo(Refusal.UNKNOWN_KEY);
        pass(Duration.ofSeconds(11));
        await().untilAsserted(() -> assertThat(reloads("keys", "failed")).isPositive());
        assertThat(caller("Bearer " + old).name()).isEqualTo("jwt:a");

        issuer.breakDown(false);
        await().ignoreExceptionsInstanceOf(AccessException.class).until(() -> {
            pass(Duration.ofSeconds(11));
            return caller("Bearer " + fresh).name().equals("jwt:a");
        });
        // The old key is gone, and with it whoever was known by it.
        assertThat(refusal("Bearer " + old)).isEqualTo(Refusal.UNKNOWN_KEY);
    }

    @Test
    void strangersDoNotMakeTheIssuerWork() throws Exception {
        start(null, jwt(issuer.url(), issuer.keysUrl(), null));
        awaitLetIn(issuer.sign(claims("a")));
        int before = issuer.keysRead.get();
        issuer.changeKey("second");
        String unknown = issuer.sign(claims("a"));

        // The clock stands still: within ten seconds the keys are not asked for again.
        long until = System.nanoTime() + Duration.ofMillis(100).toNanos();
        while (System.nanoTime() < until) {
            assertThat(refusal("Bearer " + unknown)).isEqualTo(Refusal.UNKNOWN_KEY);
        }

        assertThat(issuer.keysRead).hasValue(before);
    }

    @Test
    void keysDoNotComeOverANetworkThatChangesThem() throws Exception {
        for (String location :
                List.of("http://id.example", "http://127.0.0.1.id.example/", "http://localhost@id.example/")) {
            assertThatThrownBy(() -> start(null, jwt(location, null, null))).hasMessageContaining("not https");
            assertThatThrownBy(() -> start(null, jwt("https://id.example", location, null)))
                    .hasMessageContaining("not https");
        }
    }

    @Test
    void withoutKeysNobodyIsRefusedForGood() {
        issuer.breakDown(true);
        start(null, jwt(issuer.url(), null, null));

        assertThat(refusal("Bearer " + issuer.sign(claims("a")))).isEqualTo(Refusal.KEYS_UNAVAILABLE);
        assertThat(Refusal.KEYS_UNAVAILABLE.failure().retryable()).isTrue();
    }

    @Test
    void noiseIsRefused() throws Exception { // E1
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("seed=" + seed);
        Random random = new Random(seed);
        start(null, jwt(issuer.url(), null, issuer.publicKey(directory).toString()));
        String good = issuer.sign(claims("a"));
        String alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
        for (int i = 0; i < 1_000; i++) {
            StringBuilder noise = new StringBuilder(good);
            for (int j = random.nextInt(3); j >= 0; j--) {
                // The bits behind the last byte of a signature mean nothing.
                noise.setCharAt(random.nextInt(good.length() - 1), alphabet.charAt(random.nextInt(alphabet.length())));
            }
            if (!noise.toString().equals(good)) {
                refusal("Bearer " + noise);
            }
        }
        for (String json : List.of(
                "{", "[]", "7", "{\"alg\":7}", "{\"alg\":\"none\"}", "[".repeat(3_000), "{\"a\":".repeat(1_000))) {
            String part = Base64.getUrlEncoder().withoutPadding().encodeToString(json.getBytes(StandardCharsets.UTF_8));
            refusal("Bearer " + part + "." + part + "." + part + "x".repeat(32));
        }
    }

    // ---- what tests of this class share

    private void start(@Nullable Path file, @Nullable JwtSettings jwt) {
        authenticator = new Authenticator(
                new Authenticator.Settings(file, jwt, null, CallerQuota.NONE, Duration.ofMillis(10)),
                new AuditLog(metrics),
                metrics,
                new Clock() {
                    @Override
                    public Instant instant() {
                        return now;
                    }

                    @Override
                    public ZoneId getZone() {
                        return ZoneOffset.UTC;
                    }

                    @Override
                    public Clock withZone(ZoneId zone) {
                        throw new UnsupportedOperationException();
                    }
                });
        authenticator.start();
    }

    private void pass(Duration time) {
        now = now.plus(time);
    }

    private Authenticator authenticator() {
        assertThat(authenticator).isNotNull();
        return authenticator;
    }

    private Caller caller(@Nullable String authorization) {
        return authenticator().authenticate(authorization, HERE).caller();
    }

    private Refusal refusal(@Nullable String authorization) {
        try {
            Caller caller = caller(authorization);
            throw new AssertionError("let in as " + caller.name());
        } catch (AccessException refused) {
            return refused.refusal();
        }
    }

    private void awaitLetIn(String token) {
        await().ignoreExceptionsInstanceOf(AccessException.class)
                .until(() -> caller("Bearer " + token).name().startsWith("jwt:"));
    }

    private void assertRefused(JWTClaimsSet.Builder claims, Refusal refusal) {
        assertThat(refusal("Bearer " + issuer.sign(claims))).isEqualTo(refusal);
    }

    private JWTClaimsSet.Builder claims(String subject, String... roles) {
        return issuer.claims(now, subject, roles);
    }

    private static JwtSettings jwt(String issuer, @Nullable String jwkSet, @Nullable String publicKey) {
        return new JwtSettings(
                issuer, jwkSet, publicKey, Set.of(Issuer.AUDIENCE), SKEW, "roles", Duration.ofMinutes(5));
    }

    private Path accessFile(String token, String role) throws Exception {
        String sha256 =
                HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes(token)));
        return Files.writeString(
                directory.resolve("access.json"),
                "{\"tokens\": [{\"name\": \"someone\", \"sha256\": \"" + sha256 + "\", \"roles\": [\"" + role
                        + "\"]}]}");
    }

    private Path rolesFile() throws Exception {
        return Files.writeString(
                directory.resolve("roles.json"),
                "{\"roles\": [{\"name\": \"fruit-reader\", \"grants\": [{\"permission\": \"read\", \"prefix\": \"fruit/\"}]}]}");
    }

    private double refused(String reason) {
        return metrics.get("kv.gateway.auth.refused")
                .tag("reason", reason)
                .counter()
                .count();
    }

    private double reloads(String what, String outcome) {
        var counter = metrics.find("kv.gateway.auth.reloads")
                .tags("what", what, "outcome", outcome)
                .counter();
        return counter == null ? 0 : counter.count();
    }
}
