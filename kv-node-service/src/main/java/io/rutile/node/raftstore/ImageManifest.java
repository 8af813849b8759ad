package io.rutile.node.raftstore;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.metapb.Region;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.SstFile;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * What an image is made of, beside its table files.
 *
 * <pre>
 * manifest := format(1)=01 index(8) bytes(region) count(4) table* crc32c(4)      the checksum covers all in front of it
 *           | format(1)=02 index(8) bytes(region) bytes(merge) count(4) table* crc32c(4)        of a Region that is merging
 * table    := cf(1) bytes(name) size(8) crc32c(4) bytes(first) bytes(last)
 * bytes    := length(4) byte*
 * </pre>
 *
 * See docs/formats/region-state.md.
 *
 * @param region range, epoch and peers at that moment
 * @param merge the merge that was under way, or null
 * @param appliedIndex of that moment
 * @param tables the files
 */
record ImageManifest(Region region, @Nullable RegionMerge merge, long appliedIndex, List<SstFile> tables) {

    static final String FILE = "region.image";

    private static final byte FORMAT = 1;
    private static final byte FORMAT_WITH_MERGE = 2;
    private static final long BYTES_MAX = 64L << 20;
    private static final int TABLES_MAX = 1 << 20;

    ImageManifest {
        tables = List.copyOf(tables);
    }

    void writeTo(Path directory) throws IOException {
        Path file = directory.resolve(FILE);
        Files.write(file, encode());
        RegionImages.sync(file);
    }

    /** @throws IOException if there is none or it is damaged */
    static ImageManifest readFrom(Path directory) throws IOException {
        Path file = directory.resolve(FILE);
        if (Files.size(file) > BYTES_MAX) {
            throw new IOException("image manifest of " + Files.size(file) + " bytes");
        }
        return decode(Files.readAllBytes(file));
    }

    byte[] encode() {
        byte[] meta = region.toByteArray();
        byte[] under = merge == null ? null : merge.encode();
        int size = 1 + Long.BYTES + Integer.BYTES + meta.length + Integer.BYTES + Integer.BYTES;
        if (under != null) {
            size += Integer.BYTES + under.length;
        }
        for (SstFile table : tables) {
            size += 1 + Long.BYTES + 4 * Integer.BYTES + utf8(table.name()).length;
            size += table.firstKey().bytes().length + table.lastKey().bytes().length;
        }
        ByteBuffer out = ByteBuffer.allocate(size)
                .put(under == null ? FORMAT : FORMAT_WITH_MERGE)
                .putLong(appliedIndex);
        putBytes(out, meta);
        if (under != null) {
            putBytes(out, under);
        }
        out.putInt(tables.size());
        for (SstFile table : tables) {
            out.put((byte) table.cf().id());
            putBytes(out, utf8(table.name()));
            out.putLong(table.sizeBytes()).putInt(table.crc32c());
            putBytes(out, table.firstKey().bytes());
            putBytes(out, table.lastKey().bytes());
        }
        return out.putInt(crc(out.array(), out.position())).array();
    }

    static ImageManifest decode(byte[] bytes) throws IOException {
        if (bytes.length < Integer.BYTES
                || ByteBuffer.wrap(bytes).getInt(bytes.length - Integer.BYTES)
                        != crc(bytes, bytes.length - Integer.BYTES)) {
            throw new IOException("image manifest is damaged: its checksum differs");
        }
        ByteBuffer in = ByteBuffer.wrap(bytes, 0, bytes.length - Integer.BYTES);
        try {
            byte format = in.get();
            if (format != FORMAT && format != FORMAT_WITH_MERGE) {
                throw new IOException("image manifest of unknown format " + format);
            }
            long index = in.getLong();
            Region region = Region.parseFrom(bytes(in));
            RegionMerge merge = format == FORMAT ? null : RegionMerge.decode(ByteBuffer.wrap(bytes(in)));
            int count = in.getInt();
            if (count < 0 || count > TABLES_MAX) {
                throw new IOException("image manifest of " + count + " tables");
            }
            List<SstFile> tables = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                tables.add(new SstFile(
                        Cf.byId(in.get()),
                        new String(bytes(in), StandardCharsets.UTF_8),
                        in.getLong(),
                        in.getInt(),
                        ByteKey.wrap(bytes(in)),
                        ByteKey.wrap(bytes(in))));
            }
            return new ImageManifest(region, merge, index, tables);
        } catch (BufferUnderflowException | IllegalArgumentException e) {
            throw new IOException("image manifest is damaged", e);
        }
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static void putBytes(ByteBuffer out, byte[] bytes) {
        out.putInt(bytes.length).put(bytes);
    }

    private static byte[] bytes(ByteBuffer in) {
        int length = in.getInt();
        if (length < 0 || length > in.remaining()) {
            throw new IllegalArgumentException("field of " + length + " bytes in " + in.remaining());
        }
        byte[] bytes = new byte[length];
        in.get(bytes);
        return bytes;
    }

    private static int crc(byte[] bytes, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, length);
        return (int) crc.getValue();
    }
}
