package io.rutile.pd.meta;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * The hard state as one file. Written beside and renamed over, file and directory synced: a reader sees the old image or the
 * new one, never a part.
 *
 * <pre>
 * image := magic (8) length (4) body crc32c-of-body (4)      docs/formats/pd-meta.md
 * </pre>
 */
final class MetaImage {

    static final String FILE_NAME = "meta.img";

    /** "RUTPDM", with room for the version of the layout in the last two bytes. */
    private static final long MAGIC = 0x52_55_54_50_44_4d_00_00L;

    /** What is written; older layouts are still read. */
    private static final int LAYOUT = 5;

    private static final int FRAME_BYTES = 16;

    private MetaImage() {}

    static void write(Path directory, MetaState state) throws IOException {
        Path target = directory.resolve(FILE_NAME);
        Path beside = directory.resolve(FILE_NAME + ".tmp");
        try (FileChannel file = FileChannel.open(
                beside, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
            ByteBuffer bytes = ByteBuffer.wrap(frame(state));
            while (bytes.hasRemaining()) {
                file.write(bytes);
            }
            file.force(true);
        }
        Files.move(beside, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        try (FileChannel entries = FileChannel.open(directory, StandardOpenOption.READ)) {
            entries.force(true);
        }
    }

    /**
     * Empty if no image was ever written there.
     *
     * @throws IOException if the file is damaged
     */
    static Optional<MetaState> read(Path directory) throws IOException {
        Path source = directory.resolve(FILE_NAME);
        if (!Files.exists(source)) {
            return Optional.empty();
        }
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(source));
        long layout = bytes.remaining() < FRAME_BYTES ? 0 : bytes.getLong() - MAGIC;
        if (layout < 1 || layout > LAYOUT) {
            throw new IOException(source + " is not an image of this version");
        }
        int length = bytes.getInt();
        if (length != bytes.remaining() - Integer.BYTES) {
            throw new IOException(source + " is cut off");
        }
        byte[] body = new byte[length];
        bytes.get(body);
        if (bytes.getInt() != checksum(body)) {
            throw new IOException(source + " is damaged: its checksum does not match");
        }
        return Optional.of(MetaState.readFrom(new DataInputStream(new ByteArrayInputStream(body)), (int) layout));
    }

    private static byte[] frame(MetaState state) throws IOException {
        ByteArrayOutputStream collected = new ByteArrayOutputStream(4096);
        state.writeTo(new DataOutputStream(collected));
        byte[] body = collected.toByteArray();
        return ByteBuffer.allocate(FRAME_BYTES + body.length)
                .putLong(MAGIC + LAYOUT)
                .putInt(body.length)
                .put(body)
                .putInt(checksum(body))
                .array();
    }

    private static int checksum(byte[] body) {
        CRC32C crc = new CRC32C();
        crc.update(body, 0, body.length);
        return (int) crc.getValue();
    }
}
