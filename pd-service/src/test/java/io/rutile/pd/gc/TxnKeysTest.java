package io.rutile.pd.gc;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.protocol.ByteKey;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TxnKeysTest {

    @Test
    void borderThatIsAnEncodingIsItsKey() {
        for (String key :
                new String[] {"", "a", "1234567", "12345678", "123456789", "a\0\0", "\0", "1234567812345678"}) {
            byte[] bytes = key.getBytes(StandardCharsets.ISO_8859_1);

            assertThat(TxnKeys.atOrAfter(TxnKeys.place(bytes)).bytes()).as(key).isEqualTo(bytes);
        }
        assertThat(TxnKeys.atOrAfter(ByteKey.EMPTY).isEmpty()).isTrue();
    }

    /** Raw borders, cut and mangled encodings, with few distinct bytes so that they come close to each other. */
    @Test
    void keyIsBehindTheBorderIfAndOnlyIfItsPlaceIs() {
        long seed = Long.getLong("seed", System.nanoTime());
        Random random = new Random(seed);
        for (int i = 0; i < 200_000; i++) {
            ByteKey border = ByteKey.wrap(border(random));
            ByteKey first = TxnKeys.atOrAfter(border);
            byte[] key = random.nextBoolean() ? close(random, first.bytes()) : bytes(random);

            assertThat(TxnKeys.place(first.bytes()).compareTo(border) >= 0)
                    .as("seed %d border %s first %s", seed, border, first)
                    .isTrue();
            assertThat(ByteKey.wrap(key).compareTo(first) >= 0)
                    .as("seed %d border %s first %s key %s", seed, border, first, ByteKey.wrap(key))
                    .isEqualTo(TxnKeys.place(key).compareTo(border) >= 0);
        }
    }

    private static byte[] border(Random random) {
        if (random.nextInt(3) == 0) {
            return bytes(random);
        }
        byte[] place = TxnKeys.place(bytes(random)).bytes().clone();
        if (random.nextBoolean()) {
            place[random.nextInt(place.length)] = any(random);
        }
        return Arrays.copyOf(place, random.nextInt(place.length + 3));
    }

    private static byte[] close(Random random, byte[] to) {
        byte[] key = Arrays.copyOf(to, Math.max(0, to.length + random.nextInt(3) - 1));
        if (key.length > 0 && random.nextBoolean()) {
            key[key.length - 1] += (byte) (random.nextInt(3) - 1);
        }
        return key;
    }

    private static byte[] bytes(Random random) {
        byte[] bytes = new byte[random.nextInt(20)];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = any(random);
        }
        return bytes;
    }

    private static byte any(Random random) {
        byte[] few = {0, 0, 1, 'a', (byte) 0xF6, (byte) 0xF7, (byte) 0xF8, (byte) 0xFE, (byte) 0xFF};
        return few[random.nextInt(few.length)];
    }
}
