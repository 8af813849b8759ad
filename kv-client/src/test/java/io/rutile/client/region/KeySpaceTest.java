package io.rutile.client.region;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.WireLimits;
import io.rutile.protocol.kvrpcpb.APIVersion;
import io.rutile.protocol.kvrpcpb.Context;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Keys on their way to stores and PD. */
class KeySpaceTest {

    private static ByteKey key(String text) {
        return ByteKey.wrap(text.getBytes(ISO_8859_1));
    }

    @Test
    void v1KeysTravelAsTheyAre() {
        KeySpace keys = KeySpace.txnV1();
        assertThat(keys.toWire(key("k"))).isEqualTo(key("k"));
        assertThat(keys.toWire(KeyRange.ALL)).isEqualTo(KeyRange.ALL);
        assertThat(keys.border(key("k"))).isEqualTo(key("k\0\0\0\0\0\0\0\u00f8"));
        Context context = Context.newBuilder().setApiVersion(APIVersion.V1).build();
        assertThat(keys.stamp(context)).isSameAs(context);
    }

    @Test
    void v2KeysCarryModeAndKeyspace() {
        KeySpace keys = KeySpace.txnV2(0x010203);
        assertThat(keys.toWire(key("k"))).isEqualTo(key("x\1\2\3k"));
        assertThat(keys.fromWire(key("x\1\2\3k"))).isEqualTo(key("k"));
        assertThat(KeySpace.rawV2(0).toWire(ByteKey.EMPTY)).isEqualTo(key("r\0\0\0"));
        assertThat(keys.toWire(KeyRange.ALL)).isEqualTo(new KeyRange(key("x\1\2\3"), key("x\1\2\4")));
        assertThat(KeySpace.txnV2((1 << 24) - 1).toWire(KeyRange.ALL).end()).isEqualTo(key("y\0\0\0"));
        Context stamped = keys.stamp(Context.getDefaultInstance());
        assertThat(stamped.getApiVersion()).isEqualTo(APIVersion.V2);
        assertThat(stamped.getKeyspaceId()).isEqualTo(0x010203);
    }

    @Test
    void rawKeysOfV1AreTheirOwnBorders() {
        KeySpace keys = KeySpace.rawV1();
        assertThat(keys.toWire(key("k"))).isEqualTo(key("k"));
        assertThat(keys.border(key("k"))).isEqualTo(key("k"));
        assertThat(keys.firstKeyAt(key("k\0\u00f7"))).isEqualTo(key("k\0\u00f7"));
        assertThat(keys.lastBoundBelow(key("k\0\u00f7"))).isEqualTo(key("k\0\u00f7"));
    }

    @Test
    void walksInsideARegionEndWhereTheFirstOfRangeAndRegionEnds() {
        KeySpace keys = KeySpace.rawV2(1);
        ByteKey middle = key("r\0\0\1m");
        ByteKey border = keys.border(middle);
        KeyRange all = keys.toWire(KeyRange.ALL);

        assertThat(keys.earlierEnd(all.end(), ByteKey.EMPTY)).isEqualTo(all.end());
        assertThat(keys.earlierEnd(all.end(), border)).isEqualTo(middle);
        assertThat(keys.earlierEnd(key("r\0\0\1a"), border)).isEqualTo(key("r\0\0\1a"));
        assertThat(keys.earlierEnd(all.end(), keys.border(all.end()))).isEqualTo(all.end());
        assertThat(keys.laterStart(all.start(), ByteKey.EMPTY)).isEqualTo(all.start());
        assertThat(keys.laterStart(all.start(), border)).isEqualTo(middle);
        assertThat(keys.laterStart(key("r\0\0\1z"), border)).isEqualTo(key("r\0\0\1z"));
        assertThat(KeySpace.rawV1().earlierEnd(ByteKey.EMPTY, ByteKey.EMPTY)).isEqualTo(ByteKey.EMPTY);
        assertThat(KeySpace.rawV1().earlierEnd(ByteKey.EMPTY, key("b"))).isEqualTo(key("b"));
    }

    /** The longest key of a keyspace is four bytes longer than that of V1, and a bound in front of a border must be above it. */
    @Test
    void theLongestKeyOfAKeyspaceIsBelowTheBoundOfABorderBehindIt() {
        KeySpace keys = KeySpace.rawV2(1);
        ByteKey longest = keys.toWire(key("k" + "\u00ff".repeat(WireLimits.KEY_BYTES_MAX - 1)));
        ByteKey noEncoding = key("r\0\0\1l");

        assertThat(keys.border(longest)).isLessThan(noEncoding);
        assertThat(keys.lastBoundBelow(noEncoding)).isGreaterThan(longest);
        assertThat(keys.border(keys.lastBoundBelow(noEncoding))).isLessThanOrEqualTo(noEncoding);
    }

    @Test
    void badInputIsRefused() {
        assertThatThrownBy(() -> KeySpace.txnV2(-1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> KeySpace.txnV2(1 << 24)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> KeySpace.txnV2(1).fromWire(key("x\0\0\2k")))
                .isInstanceOf(IllegalArgumentException.class);
    }

    /** Every border, encoded or not, lies between two keys: those in front of it are smaller than its first key, no others. */
    @Test
    void anyBorderHasAFirstKey() {
        long seed = Long.getLong("seed", System.nanoTime());
        Random random = new Random(seed);
        KeySpace keys = KeySpace.txnV1();
        List<ByteKey> some = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            some.add(randomBytes(random, 18));
        }
        for (int i = 0; i < 600; i++) {
            ByteKey border = border(random, keys, some);
            if (border.isEmpty()) {
                continue;
            }
            ByteKey first = keys.firstKeyAt(border);
            ByteKey below = keys.lastBoundBelow(border);
            assertThat(keys.border(first)).as("seed=%d", seed).isGreaterThanOrEqualTo(border);
            for (ByteKey key : some) {
                boolean inFront = keys.border(key).compareTo(border) < 0;
                assertThat(key.compareTo(first) < 0)
                        .as("seed=%d border=%s key=%s", seed, border, key)
                        .isEqualTo(inFront);
                if (below.isEmpty()) {
                    assertThat(inFront)
                            .as("seed=%d border=%s key=%s", seed, border, key)
                            .isFalse();
                    assertThat(keys.withoutBoundBelow(border)).isNull();
                } else if (keys.border(below).compareTo(border) > 0) {
                    ByteKey alone = keys.withoutBoundBelow(border);
                    assertThat(alone).as("seed=%d border=%s", seed, border).isNotNull();
                    assertThat(alone != null && key.compareTo(alone) <= 0)
                            .as("seed=%d border=%s key=%s", seed, border, key)
                            .isEqualTo(inFront);
                } else {
                    assertThat(keys.withoutBoundBelow(border)).isNull();
                    assertThat(key.compareTo(below) < 0)
                            .as("seed=%d border=%s key=%s", seed, border, key)
                            .isEqualTo(inFront);
                }
            }
        }
    }

    private static ByteKey border(Random random, KeySpace keys, List<ByteKey> some) {
        ByteKey border =
                random.nextBoolean() ? keys.border(some.get(random.nextInt(some.size()))) : randomBytes(random, 20);
        int cut = random.nextInt(3) == 0 ? random.nextInt(border.bytes().length + 1) : border.bytes().length;
        return ByteKey.wrap(java.util.Arrays.copyOf(border.bytes(), cut));
    }

    /** Few distinct bytes, so that borders meet keys. */
    private static ByteKey randomBytes(Random random, int lengthMax) {
        byte[] bytes = new byte[random.nextInt(lengthMax + 1)];
        byte[] alphabet = {0, 0, 1, 'a', (byte) 0xF7, (byte) 0xFE, (byte) 0xFF};
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = alphabet[random.nextInt(alphabet.length)];
        }
        return ByteKey.wrap(bytes);
    }
}
