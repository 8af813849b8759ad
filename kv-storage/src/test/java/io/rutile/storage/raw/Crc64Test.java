package io.rutile.storage.raw;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class Crc64Test {

    @Test
    void checkValueOfTheCatalogue() {
        assertThat(new Crc64()
                        .update("123456789".getBytes(StandardCharsets.US_ASCII))
                        .value())
                .isEqualTo(0x995DC9BBDF1939FAL);
        assertThat(new Crc64().value()).isZero();
    }

    @Test
    void piecesSumLikeTheWholeBitByBit() {
        byte[] bytes = new byte[1000];
        new Random(1).nextBytes(bytes);

        for (int cut = 0; cut <= 40; cut++) {
            long pieces = new Crc64()
                    .update(Arrays.copyOf(bytes, cut))
                    .update(Arrays.copyOfRange(bytes, cut, bytes.length))
                    .value();
            assertThat(pieces).isEqualTo(bitwise(bytes));
        }
    }

    private static long bitwise(byte[] bytes) {
        long crc = -1;
        for (byte b : bytes) {
            crc ^= b & 0xFF;
            for (int bit = 0; bit < 8; bit++) {
                crc = (crc & 1) != 0 ? crc >>> 1 ^ 0xC96C5795D7870F42L : crc >>> 1;
            }
        }
        return ~crc;
    }
}
