package io.rutile.storage.mvcc;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;

/** What the two record formats share: a version byte in front, and how a broken record is reported. */
final class Records {

    /** First byte of every record: room to change the format. */
    static final int VERSION = 1;

    private Records() {}

    interface Writing {
        void to(CodedOutputStream out) throws IOException;
    }

    interface Reading<T> {
        T from(CodedInputStream in) throws IOException;
    }

    static byte[] encode(int sizeHint, Writing fields) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(sizeHint);
        CodedOutputStream out = CodedOutputStream.newInstance(bytes, Math.max(sizeHint, 64));
        try {
            out.writeRawByte(VERSION);
            fields.to(out);
            out.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e); // memory doesn't fail
        }
        return bytes.toByteArray();
    }

    /** @throws CorruptRecordException if the bytes are not one whole record */
    static <T> T decode(String what, byte[] record, Reading<T> fields) {
        CodedInputStream in = CodedInputStream.newInstance(record);
        return read(what, in, rest -> {
            T decoded = fields.from(rest);
            if (!rest.isAtEnd()) {
                throw new CorruptRecordException(what + " with bytes behind its end");
            }
            return decoded;
        });
    }

    /** The first fields of a record. @throws CorruptRecordException if they aren't there */
    static <T> T peek(String what, ByteBuffer record, Reading<T> fields) {
        return read(what, CodedInputStream.newInstance(record.duplicate()), fields);
    }

    private static <T> T read(String what, CodedInputStream in, Reading<T> fields) {
        try {
            int version = in.readRawByte();
            if (version != VERSION) {
                throw new CorruptRecordException(what + " of an unknown format: " + version);
            }
            return fields.from(in);
        } catch (IOException e) {
            throw new CorruptRecordException(what + " cut short: " + e.getMessage());
        }
    }
}
