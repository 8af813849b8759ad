package io.rutile.gateway.rest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RequestKeysTest {

    @ParameterizedTest
    @CsvSource(textBlock = """
            /v1/raw/,             utf8,      ''
            /v1/raw/a,            utf8,      61
            /v1/raw/a%2Fb,        utf8,      612f62
            /v1/raw/a/b,          utf8,      612f62
            /v1/raw//a//,         utf8,      2f612f2f
            /v1/raw/%2e%2E/..,    utf8,      2e2e2f2e2e
            /v1/raw/a;b=c,        utf8,      613b623d63
            /v1/raw/+%20%25,      utf8,      2b2025
            /v1/raw/%C3%A9,       utf8,      c3a9
            /v1/raw/%00,          utf8,      00
            /v1/raw/,             hex,       ''
            /v1/raw/00fF,         hex,       00ff
            /v1/raw/%30%30,       hex,       00
            /v1/raw/_-8,          base64url, ffef
            /v1/raw/_-8%3D,       base64url, ffef
            """)
    void theKeyIsWhatFollowsThePrefix(String path, String enc, String hex) {
        assertThat(RequestKeys.inPath(path, KeyEncoding.of(enc)))
                .isEqualTo(ByteKey.wrap(HexFormat.of().parseHex(hex)));
    }

    @ParameterizedTest
    @CsvSource(textBlock = """
            /v1/raw,        utf8,      has no key
            /v1/raw/%FF,    utf8,      not valid UTF-8
            /v1/raw/%C3,    utf8,      not valid UTF-8
            /v1/raw/%,      utf8,      two hex digits
            /v1/raw/%4,     utf8,      two hex digits
            /v1/raw/%4x,    utf8,      two hex digits
            /v1/raw/é,      utf8,      must be escaped
            /v1/raw/0,      hex,       not valid hex
            /v1/raw/a+b,    base64url, not valid base64url
            """)
    void anythingElseIsRefused(String path, String enc, String why) {
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> RequestKeys.inPath(path, KeyEncoding.of(enc)))
                .withMessageContaining(why);
    }

    @Test
    void aKeyMayHaveEightKibibytesAndNoMore() {
        String longest = "00".repeat(8 << 10);

        assertThat(RequestKeys.of(longest, KeyEncoding.HEX, "a key").bytes()).hasSize(8 << 10);
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> RequestKeys.of(longest + "00", KeyEncoding.HEX, "a key"))
                .withMessage("a key has 8193 bytes, more than 8192");
    }

    @ParameterizedTest
    @CsvSource(textBlock = """
            '',     '',   ''
            61,     61,   62
            61ff,   61ff, 62
            61ffff, 61ffff, 62
            ff,     ff,   ''
            ffff,   ffff, ''
            00,     00,   01
            """)
    void aPrefixIsARange(String prefix, String start, String end) {
        KeyRange range = RequestKeys.range(null, null, prefix, KeyEncoding.HEX);

        assertThat(range.start().bytes()).isEqualTo(HexFormat.of().parseHex(start));
        assertThat(range.end().bytes()).isEqualTo(HexFormat.of().parseHex(end));
    }

    @ParameterizedTest
    @ValueSource(strings = {"start", "end"})
    void aPrefixStandsAlone(String beside) {
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> RequestKeys.range(
                        beside.equals("start") ? "a" : null, beside.equals("end") ? "a" : null, "p", KeyEncoding.UTF8))
                .withMessageContaining("prefix stands alone");
    }
}
