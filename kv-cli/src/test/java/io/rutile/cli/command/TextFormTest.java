package io.rutile.cli.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.cli.cluster.ClusterException;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class TextFormTest {

    private static final long SEED = Long.getLong("seed", System.nanoTime());

    @ParameterizedTest
    @EnumSource(TextForm.class)
    void anyBytesComeBackFromAField(TextForm form) {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int i = 0; i < 2_000; i++) {
            byte[] bytes = new byte[random.nextInt(40)];
            random.nextBytes(bytes);

            String field = form.formatField(bytes);

            assertThat(field).as("seed %d", SEED).doesNotContain("\t", "\n", "\r");
            assertThat(form.parseField(field)).as("seed %d", SEED).isEqualTo(bytes);
        }
    }

    @Test
    void textStaysReadable() {
        assertThat(TextForm.TEXT.formatField("schön\t\\\n\u0000".getBytes(StandardCharsets.UTF_8)))
                .isEqualTo("schön\\t\\\\\\n\\x00");
        assertThat(TextForm.TEXT.parse("a\\tb"))
                .as("the command line has no escapes")
                .hasSize(4);
    }

    @ParameterizedTest
    @ValueSource(strings = {"\\", "\\q", "\\x0", "\\xzz"})
    void aBrokenEscapeIsRefused(String field) {
        assertThatThrownBy(() -> TextForm.TEXT.parseField(field)).isInstanceOf(ClusterException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "zz", "0 0"})
    void brokenHexIsRefused(String field) {
        assertThatThrownBy(() -> TextForm.HEX.parse(field)).isInstanceOf(ClusterException.class);
    }
}
