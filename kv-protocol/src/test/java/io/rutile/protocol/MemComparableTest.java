package io.rutile.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MemComparableTest {

    private static final long SEED = Long.getLong("seed", System.nanoTime());

    @ParameterizedTest
    @CsvSource({
        "'',0000000000000000F7",
        "00,0000000000000000F8",
        "010203,0102030000000000FA",
        "0102030405060708,0102030405060708FF0000000000000000F7",
        "010203040506070809,0102030405060708FF0900000000000000F8",
    })
    void encodesInGroupsOfEight(String key, String encoded) {
        assertThat(hex(MemComparable.encode(bytes(key)))).isEqualTo(encoded);
        assertThat(hex(MemComparable.decode(bytes(encoded)))).isEqualTo(key);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "", // nothing
                "00", // no whole group
                "0000000000000000FF", // a full group that nothing follows
                "0100000000000000F7", // padding that is not zero
                "0000000000000000F6", // more padding than a group has
                "0000000000000000F70000000000000000F7", // a second end
            })
    void refusesWhatIsNotOneEncoding(String malformed) {
        assertThatThrownBy(() -> MemComparable.decode(bytes(malformed))).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void keepsTheOrderOfKeysAndIsPrefixFree() {
        Random random = new Random(SEED);
        for (int i = 0; i < 20_000; i++) {
            byte[] a = randomKey(random);
            byte[] b = random.nextBoolean() ? Arrays.copyOf(a, random.nextInt(20)) : randomKey(random);

            byte[] encodedA = MemComparable.encode(a);
            byte[] encodedB = MemComparable.encode(b);

            assertThat(Integer.signum(Arrays.compareUnsigned(encodedA, encodedB)))
                    .as("seed %d: %s and %s", SEED, hex(a), hex(b))
                    .isEqualTo(Integer.signum(Arrays.compareUnsigned(a, b)));
            assertThat(encodedA).hasSize(MemComparable.encodedLength(a.length));
            assertThat(MemComparable.decode(encodedA)).as("seed %d", SEED).isEqualTo(a);
            byte[] inPlace = Arrays.copyOf(encodedA, encodedA.length + random.nextInt(3));
            assertThat(MemComparable.decode(inPlace, encodedA.length, inPlace)).isEqualTo(a.length);
            assertThat(Arrays.copyOf(inPlace, a.length)).isEqualTo(a);
        }
    }

    private static byte[] randomKey(Random random) {
        byte[] key = new byte[random.nextInt(20)];
        for (int i = 0; i < key.length; i++) {
            key[i] = (byte) (random.nextInt(3) - 1); // 0xFF, 0x00, 0x01: where encodings go wrong
        }
        return key;
    }

    private static byte[] bytes(String hex) {
        return HexFormat.of().parseHex(hex);
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().withUpperCase().formatHex(bytes);
    }
}
