package io.rutile.cli.command;

import io.rutile.cli.cluster.ClusterException;
import io.rutile.protocol.ByteKey;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads a file of pairs, batch by batch, so that a file of any size takes the same memory. */
final class PairFile implements AutoCloseable {

    private final Path path;
    private final PairFormat format;
    private final TextForm form;
    private final BufferedReader reader;
    private long line;
    private Map.@Nullable Entry<ByteKey, byte[]> pending;

    private PairFile(Path path, PairFormat format, TextForm form, BufferedReader reader) {
        this.path = path;
        this.format = format;
        this.form = form;
        this.reader = reader;
    }

    /** @param format null to tell from the name: {@code .ndjson}, {@code .jsonl} and {@code .json}, else tab-separated */
    static PairFile open(Path path, @Nullable PairFormat format, TextForm form) throws IOException {
        try {
            BufferedReader reader = path.toString().equals("-")
                    ? new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8), 1 << 16)
                    : Files.newBufferedReader(path);
            return new PairFile(path, format != null ? format : formatOf(path), form, reader);
        } catch (NoSuchFileException e) {
            throw new ClusterException("there is no file " + path, e);
        }
    }

    private static PairFormat formatOf(Path path) {
        String name = path.toString().toLowerCase(Locale.ROOT);
        return name.endsWith(".ndjson") || name.endsWith(".jsonl") || name.endsWith(".json")
                ? PairFormat.NDJSON
                : PairFormat.TSV;
    }

    /**
     * The next pairs, at most {@code pairsMax} and, the last one excepted, {@code bytesMax}; empty at the end of the file. A key that
     * comes again begins the next batch, so that its later value is written later.
     */
    Map<ByteKey, byte[]> next(int pairsMax, long bytesMax) throws IOException {
        Map<ByteKey, byte[]> pairs = new LinkedHashMap<>();
        long bytes = 0;
        while (pairs.size() < pairsMax && bytes < bytesMax) {
            Map.Entry<ByteKey, byte[]> pair = pending != null ? pending : read();
            pending = null;
            if (pair == null) {
                break;
            }
            if (pairs.containsKey(pair.getKey())) {
                pending = pair;
                break;
            }
            pairs.put(pair.getKey(), pair.getValue());
            bytes += pair.getKey().bytes().length + pair.getValue().length;
        }
        return pairs;
    }

    private Map.@Nullable Entry<ByteKey, byte[]> read() throws IOException {
        for (String text = reader.readLine(); text != null; text = reader.readLine()) {
            line++;
            if (text.isEmpty()) {
                continue;
            }
            try {
                return format.parse(text, form);
            } catch (ClusterException e) {
                throw new ClusterException("line " + line + " of " + path + " is no pair: " + e.getMessage(), e);
            }
        }
        return null;
    }

    @Override
    public void close() throws IOException {
        reader.close();
    }
}
