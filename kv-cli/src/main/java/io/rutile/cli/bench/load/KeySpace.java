package io.rutile.cli.bench.load;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Keys and values of a run: the same for every subject. Key {@code i} is a bijective hash of {@code i} in hexadecimal behind a prefix, so
 * keys lie evenly and come in no order, as YCSB's do by default; which of them is hot says nothing about where it lies.
 *
 * @param prefix of all its keys
 * @param count how many are loaded, 1 to {@link #COUNT_MAX}; more may be inserted behind them
 * @param valueBytes length of each value, at least 1
 * @param seed of everything random
 */
public record KeySpace(String prefix, int count, int valueBytes, long seed) {

    /** Their hashes are sorted in memory before they are loaded. */
    public static final int COUNT_MAX = 50_000_000;

    private static final int DIGITS = 16;
    private static final char[] HEX = "0123456789abcdef".toCharArray();

    /** Rows behind the start of a scan, beyond what it reads: keys lie evenly, but not exactly. */
    private static final int SCAN_MARGIN = 64;

    public KeySpace {
        if (count < 1 || count > COUNT_MAX) {
            throw new IllegalArgumentException("keys must be 1 to " + COUNT_MAX + ", not " + count);
        }
        if (valueBytes < 1) {
            throw new IllegalArgumentException("values must have at least 1 byte, not " + valueBytes);
        }
    }

    /** Takes pairs in the order of their keys. */
    public interface Loader {
        void load(Map<String, byte[]> pairs) throws Exception;
    }

    public String key(long index) {
        return ofHash(hash(index));
    }

    /** Where the last of its keys could be; not a key. */
    public String end() {
        return prefix + (char) (HEX[HEX.length - 1] + 1);
    }

    /** Bytes that don't compress, so that no layer gets away with less. */
    public byte[] randomValue(SplittableRandom random) {
        byte[] value = new byte[valueBytes];
        random.nextBytes(value);
        return value;
    }

    /**
     * A key, there or not, with at least {@code rows} loaded keys at or behind it, as far as there are so many. The chance of fewer is
     * below that of a broken disk: keys lie as evenly as random ones, and twice as many and 64 are left behind it.
     */
    public String scanStart(SplittableRandom random, int rows) {
        double behind = (2.0 * rows + SCAN_MARGIN) / count;
        return behind >= 1 ? ofHash(0) : ofHash((long) (random.nextDouble() * (1 - behind) * 0x1p63) << 1);
    }

    /**
     * Keys that cut it into even parts. The borders of {@code n} parts are among those of every multiple of {@code n}.
     *
     * @return one less than {@code parts}, ascending
     */
    public List<String> borders(int parts) {
        BigInteger whole = BigInteger.ONE.shiftLeft(Long.SIZE);
        return IntStream.range(1, parts)
                .mapToObj(i -> ofHash(whole.multiply(BigInteger.valueOf(i))
                        .divide(BigInteger.valueOf(parts))
                        .longValue()))
                .toList();
    }

    /** Gives every pair that is to be loaded, in the order of keys, at most so many at once. */
    public void forEach(int batch, Loader loader) throws Exception {
        long[] hashes = new long[count];
        // Flipped, so that signed order is the order of the digits.
        Arrays.setAll(hashes, i -> hash(i) ^ Long.MIN_VALUE);
        Arrays.parallelSort(hashes);
        SplittableRandom random = new SplittableRandom(seed);
        for (int from = 0; from < count; from += batch) {
            Map<String, byte[]> pairs = new LinkedHashMap<>();
            for (int i = from; i < Math.min(count, from + batch); i++) {
                pairs.put(ofHash(hashes[i] ^ Long.MIN_VALUE), randomValue(random));
            }
            loader.load(pairs);
        }
    }

    /** Different keys of it, at most as many as there are. */
    public List<String> distinct(int wanted, KeyChoice choice, SplittableRandom random) {
        List<String> keys = new ArrayList<>(wanted);
        while (keys.size() < Math.min(wanted, count)) {
            String key = key(choice.next(random));
            if (!keys.contains(key)) {
                keys.add(key);
            }
        }
        return keys;
    }

    private String ofHash(long hash) {
        char[] digits = new char[DIGITS];
        for (int i = 0; i < DIGITS; i++) {
            digits[i] = HEX[(int) (hash >>> (Long.SIZE - 4 * (i + 1))) & 0xf];
        }
        return prefix + new String(digits);
    }

    private long hash(long index) {
        return Hash.of(index ^ Hash.of(seed));
    }
}
