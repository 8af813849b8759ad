package io.rutile.storage.mvcc;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;

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
        try {
            int version = in.readRawByte();
            if (version != VERSION) {
                throw new CorruptRecordException(what + " of an unknown format: " + version);
            }
            T decoded = fields.from(in);
            if (!in.isAtEnd()) {
                throw new CorruptRecordException(what + " with bytes behind its end");
            }
            return decoded;
        } catch (IOException e) {
            throw new CorruptRecordException(what + " cut short: " + e.getMessage());
        }
    }
}
