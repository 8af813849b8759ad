package io.rutile.cli.bench;

import java.util.Locale;
import java.util.SplittableRandom;

/**
 * Keys and values of a run: the same for every subject.
 *
 * @param count how many keys there are
 * @param valueBytes length of each value
 * @param seed of everything random
 */
record KeySpace(int count, int valueBytes, long seed) {

    String key(int index) {
        return String.format(Locale.ROOT, "bench-%012d", index);
    }

    String randomKey(SplittableRandom random) {
        return key(random.nextInt(count));
    }

    /** Bytes that don't compress, so that no layer gets away with less. */
    byte[] randomValue(SplittableRandom random) {
        byte[] value = new byte[valueBytes];
        random.nextBytes(value);
        return value;
    }
}
