package io.rutile.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.BiConsumer;

/**
 * A data set on disk: pairs whose keys and values are made from a seed, with binary keys, empty values and a few long ones among them.
 * One pair a line, key and value in base64url.
 */
final class PairData {

    private static final int LONG_VALUE_EVERY = 5_000;
    private static final int LONG_VALUE_BYTES = 256 << 10;

    private final Path file;

    private PairData(Path file) {
        this.file = file;
    }

    static PairData write(Path file, int pairs, long seed) throws IOException {
        SplittableRandom random = new SplittableRandom(seed);
        Base64.Encoder base64 = Base64.getUrlEncoder().withoutPadding();
        try (Writer out = Files.newBufferedWriter(file)) {
            for (int i = 0; i < pairs; i++) {
                byte[] value = new byte[i % LONG_VALUE_EVERY == 1 ? LONG_VALUE_BYTES : random.nextInt(300)];
                random.nextBytes(value);
                out.write(base64.encodeToString(key(i, random)));
                out.write(' ');
                out.write(base64.encodeToString(value));
                out.write('\n');
            }
        }
        return new PairData(file);
    }

    /** Text for every second pair, any bytes for the others; unique by the number inside. */
    private static byte[] key(int i, SplittableRandom random) {
        if (i % 2 == 0) {
            return ("user/" + i + "/profile").getBytes(StandardCharsets.US_ASCII);
        }
        byte[] key = new byte[random.nextInt(5, 64)];
        random.nextBytes(key);
        key[0] = (byte) (i >>> 24);
        key[1] = (byte) (i >>> 16);
        key[2] = (byte) (i >>> 8);
        key[3] = (byte) i;
        return key;
    }

    /** The pairs in the order of the file, in lists of at most so many and about 1 MiB. */
    void forEachBatch(int pairsMax, BatchConsumer consumer) throws Exception {
        List<byte[][]> batch = new ArrayList<>();
        long bytes = 0;
        try (BufferedReader in = Files.newBufferedReader(file)) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                byte[][] pair = parse(line);
                batch.add(pair);
                bytes += pair[0].length + pair[1].length;
                if (batch.size() == pairsMax || bytes >= 1 << 20) {
                    consumer.accept(batch);
                    batch = new ArrayList<>();
                    bytes = 0;
                }
            }
        }
        if (!batch.isEmpty()) {
            consumer.accept(batch);
        }
    }

    /** All pairs in key order, as a scan must answer them. */
    void inKeyOrder(BiConsumer<byte[], byte[]> consumer) throws IOException {
        TreeMap<byte[], byte[]> sorted = new TreeMap<>(java.util.Arrays::compareUnsigned);
        try (BufferedReader in = Files.newBufferedReader(file)) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                byte[][] pair = parse(line);
                sorted.put(pair[0], pair[1]);
            }
        }
        sorted.forEach(consumer);
    }

    private static byte[][] parse(String line) {
        int space = line.indexOf(' ');
        Base64.Decoder base64 = Base64.getUrlDecoder();
        return new byte[][] {base64.decode(line.substring(0, space)), base64.decode(line.substring(space + 1))};
    }

    /** Takes pairs as they come. */
    interface BatchConsumer {

        /** Each pair is its key and its value. */
        void accept(List<byte[][]> pairs) throws Exception;
    }
}
