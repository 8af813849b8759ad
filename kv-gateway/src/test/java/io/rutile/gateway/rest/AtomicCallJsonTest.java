package io.rutile.gateway.rest;

import static io.rutile.gateway.RunningGateway.bytes;
import static io.rutile.gateway.RunningGateway.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.client.raw.RawKv.ScanRequest;
import io.rutile.gateway.kv.AtomicCall;
import io.rutile.gateway.kv.GatewayLimits;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AtomicCallJsonTest {

    private final GatewayLimits.Permit permit = new GatewayLimits(1, 64 << 20, new SimpleMeterRegistry()).admit();

    @Test
    void readsEverythingThatACallHas() {
        AtomicCall call = read("""
                {"compare": [{"key": "a", "equals": "1"}, {"exists": false, "keyBase64url": "_w"},
                             {"key": "b", "equalsBase64url": "AP8"}],
                 "else": [{"get": "a"}, {"get": {"keyBase64url": "_w"}}],
                 "then": [{"put": {"key": "a", "valueBase64url": "AA"}}, {"delete": {"key": "b"}},
                          {"scan": {"prefix": "p", "limit": 3, "reverse": true}},
                          {"scan": {"startBase64url": "_w", "limit": 10240, "keysOnly": true}}]}""");

        assertThat(call.compare()).hasSize(3);
        assertThat(call.compare().get(0).value()).isEqualTo(bytes("1"));
        assertThat(call.compare().get(1).exists()).isFalse();
        assertThat(call.compare().get(2).value()).isEqualTo(new byte[] {0, -1});
        assertThat(call.otherwise())
                .containsExactly(new AtomicCall.Get(key("a")), new AtomicCall.Get(ByteKey.wrap(new byte[] {-1})));
        assertThat(((AtomicCall.Put) call.then().get(0)).value()).isEqualTo(new byte[1]);
        assertThat(call.then().subList(1, 4))
                .containsExactly(
                        new AtomicCall.Delete(key("b")),
                        new AtomicCall.Scan(new ScanRequest(new KeyRange(key("p"), key("q")), 3, true, false)),
                        new AtomicCall.Scan(new ScanRequest(
                                new KeyRange(ByteKey.wrap(new byte[] {-1}), ByteKey.EMPTY), 10_240, false, true)));
    }

    @Test
    void keysAndValuesAreInTheEncodingOfTheRequest() {
        AtomicCall call = new AtomicCallJson(KeyEncoding.HEX, permit)
                .call(bytes("{\"compare\": [{\"key\": \"ff\", \"equals\": \"00\"}]}"));

        assertThat(call.compare().get(0).key()).isEqualTo(ByteKey.wrap(new byte[] {-1}));
        assertThat(call.compare().get(0).value()).isEqualTo(new byte[1]);
    }

    @Test
    void nothingAtAllIsACall() {
        assertThat(read("{}").then()).isEmpty();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            []                                                            | the body is an object
            {} {}                                                         | goes on behind
            {                                                             | not well-formed
            {"when": []}                                                  | compare, then and else, nothing else
            {"then": [], "then": []}                                      | not well-formed
            {"compare": {}}                                               | "compare" is an array
            {"then": null}                                                | "then" is an array
            {"compare": [1]}                                              | a condition is an object
            {"compare": [{}]}                                             | a condition has a key
            {"compare": [{"key": "a"}]}                                   | either equals or exists
            {"compare": [{"exists": true}]}                               | a condition has a key
            {"compare": [{"key": "a", "equals": "1", "exists": true}]}    | either equals or exists, once
            {"compare": [{"key": "a", "equals": 1}]}                      | a value is a string
            {"compare": [{"key": "a", "equals": null}]}                   | a value is a string
            {"compare": [{"key": "a", "equalsBase64url": "="}]}           | not valid base64url
            {"compare": [{"key": "a", "exists": "true"}]}                 | "exists" is true or false
            {"compare": [{"key": 1, "exists": true}]}                     | a key is a string
            {"compare": [{"key": "a", "keyBase64url": "", "exists": true}]} | a condition has one key
            {"compare": [{"key": "a", "less": "1"}]}                      | nothing else
            {"then": [1]}                                                 | an operation is an object
            {"then": [{}]}                                                | an operation is one of
            {"then": [{"increment": "a"}]}                                | an operation is one of
            {"then": [{"get": "a", "delete": "a"}]}                       | an operation is one of
            {"then": [{"get": 1}]}                                        | an item is an object
            {"then": [{"get": {}}]}                                       | an item has no key
            {"then": [{"get": {"key": "a", "value": "1"}}]}               | an item has no value here
            {"then": [{"put": "a"}]}                                      | an item is an object
            {"then": [{"put": {"key": "a"}}]}                             | a pair has no value
            {"then": [{"put": {"value": "a"}}]}                           | an item has no key
            {"then": [{"put": {"key": "a", "value": "1", "ttl": "1"}}]}   | nothing else
            {"else": [{"delete": null}]}                                  | an item is an object
            {"else": [{"scan": "a"}]}                                     | a scan is an object
            {"else": [{"scan": {}}]}                                      | a limit from 1
            {"else": [{"scan": {"limit": 0}}]}                            | a limit from 1
            {"else": [{"scan": {"limit": -1}}]}                           | a limit from 1
            {"else": [{"scan": {"limit": 10241}}]}                        | a limit from 1
            {"else": [{"scan": {"limit": 99999999999999999999}}]}         | a limit from 1
            {"else": [{"scan": {"limit": 1.5}}]}                          | a limit from 1
            {"else": [{"scan": {"limit": "1"}}]}                          | a limit from 1
            {"else": [{"scan": {"prefix": "a", "start": "a", "limit": 1}}]} | prefix stands alone
            {"else": [{"scan": {"start": "a", "startBase64url": "", "limit": 1}}]} | once
            {"else": [{"scan": {"end": 1, "limit": 1}}]}                  | a key is a string
            {"else": [{"scan": {"reverse": 1, "limit": 1}}]}              | "reverse" is true or false
            {"else": [{"scan": {"keysOnly": "", "limit": 1}}]}            | "keysOnly" is true or false
            {"else": [{"scan": {"limt": 1}}]}                             | nothing else
            """)
    void anythingElseIsRefused(String body, String words) { // E1
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> read(body))
                .satisfies(refusal -> {
                    assertThat(refusal.problem().status()).isEqualTo(400);
                    assertThat(refusal.problem().detail()).contains(words);
                });
    }

    @Test
    void sizesAreBounded() { // R10
        String get = "{\"get\": \"a\"}";
        String condition = "{\"key\": \"a\", \"exists\": true}";

        assertThat(read("{\"then\": [" + (get + ",").repeat(255) + get + "]}").then())
                .hasSize(256);
        assertTooLarge("{\"then\": [" + (get + ",").repeat(256) + get + "]}");
        assertTooLarge("{\"else\": [" + (get + ",").repeat(256) + get + "]}");
        assertTooLarge("{\"compare\": [" + (condition + ",").repeat(256) + condition + "]}");
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> read("{\"then\": [{\"get\": \"" + "k".repeat(8193) + "\"}]}"));
    }

    private void assertTooLarge(String body) {
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> read(body))
                .satisfies(refusal -> assertThat(refusal.problem().status()).isEqualTo(413));
    }

    private AtomicCall read(String body) {
        return new AtomicCallJson(KeyEncoding.UTF8, permit).call(bytes(body));
    }
}
