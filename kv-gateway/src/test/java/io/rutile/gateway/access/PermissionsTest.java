package io.rutile.gateway.access;

import static io.rutile.gateway.RunningGateway.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.gateway.kv.PrefixRange;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PermissionsTest {

    /** Keys of up to four of these bytes: small enough to look at each of them, with both ends of the alphabet. */
    private static final byte[] ALPHABET = {0, 1, 'a', (byte) 0xfe, (byte) 0xff};

    private static final List<ByteKey> UNIVERSE = universe();

    @Test
    void aPrefixIsAllowedAndNothingBesideIt() {
        Permissions reader = read("fruit/");

        assertThat(reads(reader, key("fruit/"))).isTrue();
        assertThat(reads(reader, key("fruit/1"))).isTrue();
        for (String outside : List.of("", "fruit", "fruit.", "fruit0", "fruis/", "zebra")) {
            assertThat(reads(reader, key(outside))).as(outside).isFalse();
        }
        assertThat(reads(reader, PrefixRange.of(key("fruit/")))).isTrue();
        assertThat(reads(reader, PrefixRange.of(key("fruit/1")))).isTrue();
        assertThat(reads(reader, KeyRange.ALL)).isFalse();
        assertThat(reads(reader, new KeyRange(key("fruit/"), ByteKey.EMPTY))).isFalse();
        assertThat(reads(reader, new KeyRange(ByteKey.EMPTY, key("fruit0")))).isFalse();
        assertThat(reads(reader, new KeyRange(key("fruit/"), key("fruit00")))).isFalse();
    }

    @Test
    void noPermissionIncludesAnother() {
        for (Permission granted : Permission.values()) {
            Permissions permissions = Permissions.of(List.of(Grant.everywhere(granted)), null);
            for (Permission asked : Permission.values()) {
                assertThat(permissions.allows(asked, Api.RAW, key("k"))).isEqualTo(asked == granted);
            }
            assertThat(permissions.isAdmin()).isEqualTo(granted == Permission.ADMIN);
            assertThat(permissions.touches(Api.TXN)).isEqualTo(granted != Permission.ADMIN);
        }
        assertThat(Permissions.EVERYTHING.isAdmin()).isTrue();
        assertThat(Permissions.NONE.touches(Api.RAW)).isFalse();
    }

    @Test
    void eachApiIsAWorldOfItsOwn() {
        Permissions raw =
                Permissions.of(List.of(new Grant(Permission.READ, EnumSet.of(Api.RAW), ByteKey.EMPTY, null)), null);

        assertThat(raw.allows(Permission.READ, Api.RAW, KeyRange.ALL)).isTrue();
        assertThat(raw.allows(Permission.READ, Api.TXN, key("k"))).isFalse();
        assertThat(raw.touches(Api.TXN)).isFalse();
    }

    @Test
    void aGrantForAKeyspaceIsForThatOne() {
        Grant orders = new Grant(Permission.READ, Set.of(Api.RAW), ByteKey.EMPTY, "orders");

        assertThat(reads(Permissions.of(List.of(orders), "orders"), key("k"))).isTrue();
        assertThat(reads(Permissions.of(List.of(orders), "other"), key("k"))).isFalse();
        assertThat(reads(Permissions.of(List.of(orders), null), key("k"))).isFalse();
    }

    @Test
    void prefixesThatTouchAreOneRange() {
        assertThat(reads(read("a", "b"), new KeyRange(key("a"), key("c")))).isTrue();
        assertThat(reads(read("a", "c"), new KeyRange(key("a"), key("d")))).isFalse();
        assertThat(read("a", "b")).isEqualTo(read("b", "a", "ab")).isNotEqualTo(read("a"));
    }

    @Test
    void adminHasNoPrefix() {
        assertThatThrownBy(() -> new Grant(Permission.ADMIN, Set.of(Api.RAW), key("a"), null))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void whatIsAllowedIsInsideOfAPrefixToTheByte() { // E2
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("seed=" + seed);
        Random random = new Random(seed);
        int allowedRanges = 0;
        for (int round = 0; round < 400; round++) {
            List<ByteKey> prefixes = new ArrayList<>();
            for (int i = random.nextInt(4); i >= 0; i--) {
                prefixes.add(randomKey(random, 3));
            }
            Permissions reader = Permissions.of(
                    prefixes.stream()
                            .map(prefix -> new Grant(Permission.READ, Set.of(Api.RAW), prefix, null))
                            .toList(),
                    null);
            for (int i = 0; i < 30; i++) {
                ByteKey key = randomKey(random, 4);
                assertThat(reads(reader, key)).as("%s of %s", key, prefixes).isEqualTo(isInside(key, prefixes));

                KeyRange range = random.nextInt(3) == 0
                        ? PrefixRange.of(randomKey(random, 3))
                        : new KeyRange(randomKey(random, 4), randomKey(random, 4));
                boolean isEveryKeyInside =
                        UNIVERSE.stream().filter(range::contains).allMatch(one -> isInside(one, prefixes));
                if (reads(reader, range)) {
                    allowedRanges++;
                    assertThat(isEveryKeyInside).as("%s of %s", range, prefixes).isTrue();
                    assertThat(reads(reader, range.start()))
                            .as("the start of %s of %s", range, prefixes)
                            .isTrue();
                } else if (range.equals(PrefixRange.of(range.start()))) {
                    assertThat(isInside(range.start(), prefixes) && isEveryKeyInside)
                            .as("prefix %s of %s", range, prefixes)
                            .isFalse();
                }
            }
        }
        assertThat(allowedRanges).isGreaterThan(100);
    }

    private static boolean isInside(ByteKey key, List<ByteKey> prefixes) {
        return prefixes.stream().anyMatch(prefix -> key.toString().startsWith(prefix.toString()));
    }

    private static ByteKey randomKey(Random random, int lengthMax) {
        byte[] bytes = new byte[random.nextInt(lengthMax + 1)];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = ALPHABET[random.nextInt(ALPHABET.length)];
        }
        return ByteKey.wrap(bytes);
    }

    private static List<ByteKey> universe() {
        List<ByteKey> keys = new ArrayList<>(List.of(ByteKey.EMPTY));
        for (int from = 0, length = 0; length < 4; length++) {
            int to = keys.size();
            for (ByteKey shorter : List.copyOf(keys.subList(from, to))) {
                for (byte last : ALPHABET) {
                    byte[] bytes = Arrays.copyOf(shorter.bytes(), shorter.bytes().length + 1);
                    bytes[bytes.length - 1] = last;
                    keys.add(ByteKey.wrap(bytes));
                }
            }
            from = to;
        }
        return List.copyOf(keys);
    }

    private static Permissions read(String... prefixes) {
        List<Grant> grants = new ArrayList<>();
        for (String prefix : prefixes) {
            grants.add(new Grant(Permission.READ, Set.of(Api.RAW), key(prefix), null));
        }
        return Permissions.of(grants, null);
    }

    private static boolean reads(Permissions permissions, ByteKey key) {
        return permissions.allows(Permission.READ, Api.RAW, key);
    }

    private static boolean reads(Permissions permissions, KeyRange range) {
        return permissions.allows(Permission.READ, Api.RAW, range);
    }
}
