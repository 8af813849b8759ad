package io.rutile.storage.raw;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.storage.command.ApiVersion;
import io.rutile.storage.engine.EngineException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class RawValueTest {

    private static final byte[] VALUE = "v".getBytes(StandardCharsets.UTF_8);

    @Test
    void layoutIsTheOneOfTheFormatPage() {
        assertThat(hex(RawValue.expiringAfter(VALUE, 0, 100).encode(ApiVersion.V1)))
                .isEqualTo("76");
        assertThat(hex(RawValue.expiringAfter(VALUE, 0, 100).encode(ApiVersion.V1TTL)))
                .isEqualTo("760000000000000000");
        assertThat(hex(RawValue.expiringAfter(VALUE, 0x10, 0x0102).encode(ApiVersion.V1TTL)))
                .isEqualTo("760000000000000112");
    }

    @Test
    void decodesWhatItEncodes() {
        RawValue decoded =
                RawValue.decode(RawValue.expiringAfter(VALUE, 5, 100).encode(ApiVersion.V1TTL), ApiVersion.V1TTL);

        assertThat(decoded.value()).isEqualTo(VALUE);
        assertThat(decoded.isExpired(104)).isFalse();
        assertThat(decoded.ttlSeconds(104)).isEqualTo(1);
        assertThat(decoded.isExpired(105)).isTrue();
    }

    @Test
    void expiryIsUnsignedAndDoesNotWrap() {
        RawValue last = RawValue.expiringAfter(VALUE, -1L, 100);

        assertThat(last.expiresAtSeconds()).isEqualTo(-1L);
        assertThat(last.isExpired(Long.MAX_VALUE)).isFalse();
    }

    @Test
    void e1AValueWithoutExpiryIsDamage() {
        assertThatThrownBy(() -> RawValue.decode(VALUE, ApiVersion.V1TTL))
                .isInstanceOfSatisfying(
                        EngineException.class, e -> assertThat(e.kind()).isEqualTo(EngineException.Kind.CORRUPTION));
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }
}
