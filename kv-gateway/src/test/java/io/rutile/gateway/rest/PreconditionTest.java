package io.rutile.gateway.rest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.charset.StandardCharsets;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PreconditionTest {

    private static final byte[] VALUE = {1, 2, 3};
    private static final String TAG = EntityTag.of(VALUE).quoted();

    /** TAG stands for the tag of the value that is there. */
    @ParameterizedTest
    @CsvSource(nullValues = "-", textBlock = """
            # If-Match,       If-None-Match, with the value, with nothing
            *,                -,             true,           false
            TAG,              -,             true,           false
            '"x", TAG , "y"', -,             true,           false
            '"x"',            -,             false,          false
            W/TAG,            -,             false,          false
            -,                *,             false,          true
            -,                TAG,           false,          true
            -,                W/TAG,         false,          true
            -,                '"x"',         true,           true
            TAG,              '"x"',         true,           false
            *,                *,             false,          false
            """)
    void isWhatTheHeadersSay(
            @Nullable String ifMatch, @Nullable String ifNoneMatch, boolean withValue, boolean withNothing) {
        Precondition precondition = Precondition.of(withTag(ifMatch), withTag(ifNoneMatch));

        assertThat(precondition.holds(VALUE)).isEqualTo(withValue);
        assertThat(precondition.holds(null)).isEqualTo(withNothing);
    }

    @Test
    void withoutHeadersThereIsNone() {
        assertThat(Precondition.of(null, null)).isSameAs(Precondition.NONE);
        assertThat(Precondition.NONE.holds(null)).isTrue();
    }

    @Test
    void onlyAStarOfIfNoneMatchWantsNothingToBeThere() {
        assertThat(Precondition.of(null, "*").wantsNothing()).isTrue();
        assertThat(Precondition.of(null, TAG).wantsNothing()).isFalse();
        assertThat(Precondition.of("*", "*").wantsNothing()).isFalse();
    }

    @Test
    void tagsAreTheFirstHalfOfTheDigest() {
        assertThat(EntityTag.of("abc".getBytes(StandardCharsets.UTF_8)).quoted())
                .isEqualTo("\"ba7816bf8f01cfea414140de5dae2223\"");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "abc", "\"abc", "abc\"", "\"a\" \"b\"", "**", "*, \"a\"", "w/\"a\"", "\"a\nb\""})
    void malformedHeadersAreRefused(String header) {
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> Precondition.of(header, null))
                .withMessageContaining("If-Match");
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> Precondition.of(null, header))
                .withMessageContaining("If-None-Match");
    }

    @Test
    void aHeaderListsAHundredTagsAtMost() {
        String hundred = tags(100);

        assertThat(Precondition.of(hundred, null).holds(VALUE)).isFalse();
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> Precondition.of(tags(101), null))
                .withMessageContaining("at most 100");
    }

    private static String tags(int count) {
        return IntStream.range(0, count).mapToObj(i -> "\"" + i + "\"").collect(Collectors.joining(","));
    }

    private static @Nullable String withTag(@Nullable String header) {
        return header == null ? null : header.replace("TAG", TAG);
    }
}
