package io.rutile.gateway.access;

import static io.rutile.gateway.RunningGateway.bytes;
import static io.rutile.gateway.RunningGateway.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.gateway.kv.CallerQuota;
import io.rutile.gateway.kv.CallerQuota.Bound;
import io.rutile.protocol.ByteKey;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AccessPolicyTest {

    private static final Instant NOW = Instant.parse("2026-06-01T00:00:00Z");

    @Test
    void saysWhoseATokenIs() throws Exception {
        AccessPolicy policy = AccessPolicy.parse(
                bytes("""
                # Shops.
                {"roles": [{"name": "shop", "grants": [
                     {"permission": "read", "prefix": "fruit/"},
                     {"permission": "write", "prefix": "00ff", "enc": "hex", "api": "raw"},
                     {"permission": "write", "prefix": "AP8", "enc": "base64url", "api": "txn", "keyspace": "orders"}]}],
                 "tokens": [{"name": "one", "sha256": "%s", "roles": ["shop"]},
                            {"name": "two", "sha256": "%s", "roles": ["read", "admin"], "expires": "2026-07-01T00:00:00Z"}]}
                """.formatted(
                                HexFormat.of().formatHex(sha256("first")),
                                HexFormat.of().formatHex(sha256("second")))),
                null,
                CallerQuota.NONE);

        Caller one = policy.callerOf(sha256("first"), NOW);
        Caller two = policy.callerOf(sha256("second"), NOW);
        assertThat(one).isNotNull();
        assertThat(two).isNotNull();
        assertThat(one.name()).isEqualTo("token:one");
        assertThat(one.permissions().allows(Permission.READ, Api.TXN, key("fruit/1")))
                .isTrue();
        assertThat(one.permissions().allows(Permission.WRITE, Api.RAW, ByteKey.wrap(new byte[] {0, -1, 7})))
                .isTrue();
        assertThat(one.permissions().touches(Api.TXN)).isTrue();
        assertThat(one.permissions().ranges(Permission.WRITE, Api.TXN)).isEmpty();
        assertThat(two.permissions().isAdmin()).isTrue();
        assertThat(two.permissions().allows(Permission.READ, Api.RAW, key("anything")))
                .isTrue();
        assertThat(policy.callerOf(sha256("third"), NOW)).isNull();
        assertThatThrownBy(() -> policy.callerOf(sha256("second"), Instant.parse("2026-07-01T00:00:00Z")))
                .isInstanceOfSatisfying(
                        AccessException.class,
                        refused -> assertThat(refused.refusal()).isEqualTo(Refusal.EXPIRED));
        assertThat(policy.caller("jwt:x", List.of("shop", "nobody's")).permissions())
                .isEqualTo(one.permissions());
    }

    @Test
    void everythingMayBeLeftOut() {
        assertThat(AccessPolicy.parse(bytes("{}"), null, CallerQuota.NONE).tokenCount())
                .isZero();
    }

    @Test
    void rolesSayHowMuchACallerMayHave() throws Exception {
        CallerQuota defaults = new CallerQuota(Map.of(Bound.REQUESTS, 100L, Bound.WATCHERS, 7L));
        AccessPolicy policy =
                AccessPolicy.parse(bytes("""
                {"roles": [{"name": "slow", "grants": [], "limits": {"requests": 2, "requestsPerSecond": 10}},
                           {"name": "fast", "grants": [], "limits": {"requests": 500}}],
                 "tokens": [{"name": "one", "sha256": "%s", "roles": ["slow", "read"]}]}
                """.formatted(HexFormat.of().formatHex(sha256("first")))), null, defaults);

        Caller one = policy.callerOf(sha256("first"), NOW);
        assertThat(one).isNotNull();
        assertThat(one.quota())
                .isEqualTo(new CallerQuota(
                        Map.of(Bound.REQUESTS, 2L, Bound.REQUESTS_PER_SECOND, 10L, Bound.WATCHERS, 7L)));
        assertThat(policy.caller("jwt:x", List.of("slow", "fast")).quota().max(Bound.REQUESTS))
                .as("of several the largest")
                .isEqualTo(500);
        assertThat(policy.caller("jwt:x", List.of("read", "nobody's")).quota()).isEqualTo(defaults);
        assertThat(policy.caller("jwt:x", List.of("slow", "read")))
                .as("a quota makes nobody somebody else")
                .isEqualTo(policy.caller("jwt:x", List.of("read")));
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            ''                                                                                     | is no object
            []                                                                                     | is no object
            {"token": []}                                                                          | not known: token
            {"roles": {}}                                                                          | roles is no list
            {"roles": [{"name": "a", "grants": []}, {"name": "a", "grants": []}]}                  | roles[1].name is there twice
            {"roles": [{"name": "admin", "grants": []}]}                                           | built in
            {"roles": [{"name": "a b", "grants": []}]}                                             | roles[0].name is not
            {"roles": [{"name": 7, "grants": []}]}                                                 | roles[0].name is no text
            {"roles": [{"name": "a", "grants": [{"permission": "raed", "prefix": ""}]}]}           | roles[0].grants[0].permission is read, write or admin
            {"roles": [{"name": "a", "grants": [{"permission": "read"}]}]}                         | prefix is missing
            {"roles": [{"name": "a", "grants": [{"permission": "read", "prefx": "a"}]}]}           | not known: prefx
            {"roles": [{"name": "a", "grants": [{"permission": "read", "prefix": 7}]}]}            | prefix is no text
            {"roles": [{"name": "a", "grants": [{"permission": "read", "prefix": "0", "enc": "hex"}]}]}  | prefix:
            {"roles": [{"name": "a", "grants": [{"permission": "read", "prefix": "0", "enc": "rot13"}]}]} | enc is utf8
            {"roles": [{"name": "a", "grants": [{"permission": "read", "prefix": "", "api": "all"}]}]}   | api is raw, txn or both
            {"roles": [{"name": "a", "grants": [{"permission": "admin", "prefix": "a"}]}]}         | no prefix
            {"roles": [{"name": "a", "limits": {"requsts": 1}}]}                                   | roles[0].limits has a field that is not known: requsts
            {"roles": [{"name": "a", "limits": {"requests": 0}}]}                                  | roles[0].limits.requests is no number from 1 on
            {"roles": [{"name": "a", "limits": {"requests": 1.5}}]}                                | roles[0].limits.requests is no number from 1 on
            {"roles": [{"name": "a", "limits": {"bytes": 9223372036854775808}}]}                   | roles[0].limits.bytes is no number from 1 on
            {"roles": [{"name": "a", "limits": {"requests": "many"}}]}                             | roles[0].limits.requests is no number from 1 on
            {"roles": [{"name": "a", "limits": 7}]}                                                | roles[0].limits is no object
            {"tokens": [{"name": "a", "sha256": "00", "roles": []}]}                               | tokens[0].sha256 is not 64
            {"tokens": [{"name": "a", "sha256": "0000000000000000000000000000000000000000000000000000000000000000", "roles": ["b"]}]} | tokens[0].roles[0] is no role
            {"tokens": [{"name": "a", "sha256": "0000000000000000000000000000000000000000000000000000000000000000", "expires": "soon"}]} | expires is no time
            {"tokens": [{"name": "a", "sha256": "0000000000000000000000000000000000000000000000000000000000000000"}, {"name": "b", "sha256": "0000000000000000000000000000000000000000000000000000000000000000"}]} | tokens[1].sha256 is there twice
            {"tokens": [], "tokens": []}                                                           | line 1
            {"tokens": [}                                                                          | line 1
            {} {}                                                                                  | line 1
            """)
    void whatIsWrongIsSaidWithItsPlace(String file, String words) {
        assertThatThrownBy(() -> AccessPolicy.parse(bytes(file), null, CallerQuota.NONE))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(words);
    }

    @Test
    void noiseIsRefused() { // E1
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("seed=" + seed);
        Random random = new Random(seed);
        byte[] file =
                bytes("{\"roles\": [{\"name\": \"a\", \"grants\": [{\"permission\": \"read\", \"prefix\": \"\"}]}]}");
        for (int i = 0; i < 2_000; i++) {
            byte[] noise = file.clone();
            noise[random.nextInt(noise.length)] = (byte) random.nextInt(256);
            try {
                AccessPolicy.parse(noise, null, CallerQuota.NONE);
            } catch (IllegalArgumentException refused) {
                assertThat(refused).hasMessageNotContaining("Exception");
            }
        }
        assertThatThrownBy(() -> AccessPolicy.parse(bytes("[".repeat(100_000)), null, CallerQuota.NONE))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> AccessPolicy.parse(new byte[AccessPolicy.FILE_BYTES_MAX + 1], null, CallerQuota.NONE))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private static byte[] sha256(String token) throws Exception {
        return MessageDigest.getInstance("SHA-256").digest(bytes(token));
    }
}
