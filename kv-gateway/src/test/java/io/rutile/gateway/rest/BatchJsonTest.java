package io.rutile.gateway.rest;

import static io.rutile.gateway.RunningGateway.bytes;
import static io.rutile.gateway.RunningGateway.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.client.raw.RawKv.Pair;
import io.rutile.gateway.kv.FailureException;
import io.rutile.gateway.kv.GatewayLimits;
import io.rutile.protocol.ByteKey;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class BatchJsonTest {

    private final GatewayLimits.Permit permit = new GatewayLimits(1, 64 << 20, new SimpleMeterRegistry()).admit();
    private final BatchJson json = new BatchJson(KeyEncoding.UTF8, permit);

    @Test
    void pairsMayMixTextAndBytes() {
        Map<ByteKey, byte[]> pairs = json.pairs(bytes("""
                {"pairs": [{"key": "b", "value": ""}, {"value": "x", "keyBase64url": "_wA"}, {"key": "", "valueBase64url": ""}]}"""));

        assertThat(pairs).containsOnlyKeys(key("b"), ByteKey.wrap(new byte[] {-1, 0}), ByteKey.EMPTY);
        assertThat(pairs.get(ByteKey.wrap(new byte[] {-1, 0}))).isEqualTo(bytes("x"));
    }

    @Test
    void keysMayBeStringsOrObjects() {
        assertThat(json.keys(bytes("{\"keys\": [\"a\", {\"key\": \"b\"}, {\"keyBase64url\": \"AA\"}, \"a\"]}")))
                .containsExactly(key("a"), key("b"), ByteKey.wrap(new byte[1]), key("a"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "x",
                "null",
                "[]",
                "1",
                "\"pairs\"",
                "{",
                "{}",
                "{\"pairs\"}",
                "{\"pairs\": null}",
                "{\"pairs\": {}}",
                "{\"pairs\": [}",
                "{\"pairs\": []",
                "{\"pairs\": []} x",
                "{\"pairs\": []}{}",
                "{\"pairs\": [], \"more\": 1}",
                "{\"pairs\": [], \"pairs\": []}",
                "{\"other\": []}",
                "{\"pairs\": [1]}",
                "{\"pairs\": [null]}",
                "{\"pairs\": [[]]}",
                "{\"pairs\": [{}]}",
                "{\"pairs\": [{\"key\": \"a\"}]}",
                "{\"pairs\": [{\"value\": \"a\"}]}",
                "{\"pairs\": [{\"key\": 1, \"value\": \"a\"}]}",
                "{\"pairs\": [{\"key\": \"a\", \"value\": null}]}",
                "{\"pairs\": [{\"key\": \"a\", \"value\": {}}]}",
                "{\"pairs\": [{\"key\": \"a\", \"value\": \"b\", \"x\": \"y\"}]}",
                "{\"pairs\": [{\"key\": \"a\", \"key\": \"b\", \"value\": \"c\"}]}",
                "{\"pairs\": [{\"key\": \"a\", \"keyBase64url\": \"YQ\", \"value\": \"c\"}]}",
                "{\"pairs\": [{\"key\": \"a\", \"value\": \"b\"}, {\"key\": \"a\", \"value\": \"c\"}]}",
                "{\"pairs\": [{\"keyBase64url\": \"?\", \"value\": \"c\"}]}",
                "{\"pairs\": [{\"key\": \"\\ud800\", \"value\": \"c\"}]}",
                "{\"pairs\": [{\"key\": \"a\", \"value\": \"c\"},]}",
                "{pairs: []}",
                "{'pairs': []}",
                "{\"pairs\": [] /* comment */}",
            })
    void everythingElseIsRefused(String body) {
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> json.pairs(bytes(body)))
                .satisfies(e -> assertThat(e.problem().status()).isEqualTo(400));
    }

    @Test
    void bytesThatAreNoTextAreRefused() {
        byte[] body = "{\"pairs\": [{\"key\": \"\u00ff\", \"value\": \"\"}]}".getBytes(StandardCharsets.ISO_8859_1);

        assertThatExceptionOfType(ProblemException.class).isThrownBy(() -> json.pairs(body));
    }

    @Test
    void deepNestingIsRefusedBeforeItHurts() {
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> json.pairs(bytes("{\"pairs\": " + "[".repeat(1_000_000))));
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> json.keys(bytes("{\"keys\": [{\"key\":".repeat(100_000))));
    }

    @Test
    void aBatchHas10240ItemsAtMost() {
        assertThat(json.keys(keys(10_240))).hasSize(10_240);
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> json.keys(keys(10_241)))
                .satisfies(e -> assertThat(e.problem().status()).isEqualTo(413));
    }

    @Test
    void aValueHasEightMebibytesAtMost() {
        String over = KeyEncoding.BASE64URL.encode(new byte[(8 << 20) + 1]);

        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() ->
                        json.pairs(bytes("{\"pairs\": [{\"key\": \"a\", \"valueBase64url\": \"" + over + "\"}]}")))
                .satisfies(e -> assertThat(e.problem().error()).isEqualTo("RaftEntryTooLarge"));
    }

    @Test
    void whatIsDecodedIsHeldWithinTheLimits() {
        GatewayLimits.Permit small = new GatewayLimits(1, 10, new SimpleMeterRegistry()).admit();

        assertThatExceptionOfType(FailureException.class)
                .isThrownBy(() -> new BatchJson(KeyEncoding.UTF8, small)
                        .pairs(bytes("{\"pairs\": [{\"key\": \"a\", \"value\": \"0123456789\"}]}")));
    }

    @ParameterizedTest
    @EnumSource(KeyEncoding.class)
    void whatIsWrittenIsWhatIsRead(KeyEncoding encoding) {
        long seed = Long.getLong("seed", System.nanoTime());
        Random random = new Random(seed);
        List<Pair> pairs = new ArrayList<>();
        for (int i = 0; i < 500; i++) {
            byte[] key = new byte[1 + random.nextInt(20)];
            byte[] value = i % 7 == 0 ? bytes("tab\t \"quoted\" \\ line\n é €") : new byte[random.nextInt(3_000)];
            random.nextBytes(key);
            if (i % 7 != 0) {
                random.nextBytes(value);
            }
            pairs.add(new Pair(ByteKey.wrap(key), value));
        }
        Map<ByteKey, byte[]> expected = pairs.stream().collect(Collectors.toMap(Pair::key, Pair::value, (a, b) -> b));
        List<Pair> distinct = expected.entrySet().stream()
                .map(entry -> new Pair(entry.getKey(), entry.getValue()))
                .toList();

        byte[] written = join(PairJson.readPairs(distinct, List.of(), encoding));
        Map<ByteKey, byte[]> read = new BatchJson(encoding, permit).pairs(written);

        assertThat(read).as("seed %d", seed).containsOnlyKeys(expected.keySet());
        expected.forEach(
                (key, value) -> assertThat(read.get(key)).as("seed %d", seed).isEqualTo(value));
    }

    private static byte[] keys(int count) {
        return bytes(IntStream.range(0, count)
                .mapToObj(i -> "\"" + i + "\"")
                .collect(Collectors.joining(",", "{\"keys\":[", "]}")));
    }

    private static byte[] join(Iterator<byte[]> chunks) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        chunks.forEachRemaining(all::writeBytes);
        return all.toByteArray();
    }
}
