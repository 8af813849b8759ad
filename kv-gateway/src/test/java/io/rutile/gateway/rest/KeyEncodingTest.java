package io.rutile.gateway.rest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.Locale;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class KeyEncodingTest {

    @ParameterizedTest
    @CsvSource(textBlock = """
            hex,       ''
            hex,       00
            hex,       fF10
            base64url, ''
            base64url, AA
            base64url, AA==
            base64url, _-8
            base64url, _-8=
            base64url, YWJj
            utf8,      ''
            utf8,      ключ
            utf8,      a/b c
            """)
    void legalSpellingsAreDecoded(String enc, String text) {
        KeyEncoding encoding = KeyEncoding.of(enc);

        byte[] bytes = encoding.decode(text, "a key");

        assertThat(encoding.encode(bytes))
                .isEqualTo(
                        encoding == KeyEncoding.UTF8
                                ? text
                                : encoding == KeyEncoding.HEX ? text.toLowerCase(Locale.ROOT) : text.replace("=", ""));
    }

    @ParameterizedTest
    @CsvSource(textBlock = """
            hex,       0
            hex,       0g
            hex,       '00 '
            hex,       0x00
            base64url, A
            base64url, AB
            base64url, AA=
            base64url, AA===
            base64url, +/8
            base64url, 'AA A'
            base64url, =
            """)
    void anythingElseIsRefusedWithoutQuotingIt(String enc, String text) {
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> KeyEncoding.of(enc).decode(text, "a key"))
                .satisfies(e -> {
                    assertThat(e.problem().status()).isEqualTo(400);
                    assertThat(e.problem().detail()).isEqualTo("a key is not valid " + enc);
                });
    }

    @Test
    void aLoneSurrogateIsNoText() {
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> KeyEncoding.UTF8.decode("a\ud800b", "a key"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "UTF8", "base64", "Hex", "utf-8"})
    void unknownEncodingsAreRefused(String enc) {
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> KeyEncoding.of(enc))
                .withMessageContaining("utf8, hex and base64url");
    }

    @ParameterizedTest
    @EnumSource(value = KeyEncoding.class, mode = EnumSource.Mode.EXCLUDE, names = "UTF8")
    void anyBytesSurviveTheBinaryEncodings(KeyEncoding encoding) {
        long seed = Long.getLong("seed", System.nanoTime());
        Random random = new Random(seed);
        for (int length = 0; length < 200; length++) {
            byte[] bytes = new byte[length];
            random.nextBytes(bytes);

            assertThat(encoding.decode(encoding.encode(bytes), "a key"))
                    .as("seed %d", seed)
                    .isEqualTo(bytes);
        }
    }
}
