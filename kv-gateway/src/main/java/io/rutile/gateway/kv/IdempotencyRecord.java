package io.rutile.gateway.kv;

import io.rutile.client.raw.RawKv.Pair;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.TimeStamp;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;

/**
 * What is written down of a write that took effect, by the transaction that wrote it. When it was committed is not in it: that is known of
 * the record itself. docs/formats/idempotency-record.md:
 *
 * <pre>
 * record := version:u8=1 expires:i64 fingerprint:32 startTs:u64 succeeded:u8 results
 * results := count:i32 { pairs:i32 { bytes bytes } }      bytes := length:i32 data      all big-endian
 * </pre>
 *
 * @param expiresMs from when on it may be forgotten, in milliseconds since the epoch, as the cluster counts them
 * @param fingerprint of the request
 * @param startTs the moment that was read
 * @param succeeded as {@link AtomicCall.Result} says
 * @param results the same
 */
@SuppressWarnings("ArrayRecordComponent") // Compared by nobody.
record IdempotencyRecord(
        long expiresMs, byte[] fingerprint, TimeStamp startTs, boolean succeeded, List<List<Pair>> results) {

    private static final int VERSION = 1;
    private static final int FINGERPRINT_BYTES = 32;

    boolean isExpired(TimeStamp now) {
        return expiresMs <= now.physicalMs();
    }

    AtomicCall.Result committedAt(TimeStamp commitTs) {
        return new AtomicCall.Result(succeeded, startTs, commitTs, results);
    }

    byte[] encode() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            out.writeByte(VERSION);
            out.writeLong(expiresMs);
            out.write(fingerprint);
            out.writeLong(startTs.value());
            out.writeBoolean(succeeded);
            out.writeInt(results.size());
            for (List<Pair> pairs : results) {
                out.writeInt(pairs.size());
                for (Pair pair : pairs) {
                    write(out, pair.key().bytes());
                    write(out, pair.value());
                }
            }
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        return bytes.toByteArray();
    }

    private static void write(DataOutputStream out, byte[] bytes) throws IOException {
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    /** @throws IllegalArgumentException if the bytes are no record of this version */
    static IdempotencyRecord decode(byte[] bytes) {
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
            int version = in.readUnsignedByte();
            if (version != VERSION) {
                throw new IllegalArgumentException("a record of version " + version);
            }
            long expiresMs = in.readLong();
            byte[] fingerprint = exactly(in, FINGERPRINT_BYTES);
            TimeStamp startTs = new TimeStamp(in.readLong());
            boolean succeeded = in.readBoolean();
            List<List<Pair>> results = new ArrayList<>();
            for (int left = count(in); left > 0; left--) {
                List<Pair> pairs = new ArrayList<>();
                for (int more = count(in); more > 0; more--) {
                    pairs.add(new Pair(ByteKey.wrap(exactly(in, count(in))), exactly(in, count(in))));
                }
                results.add(pairs);
            }
            if (in.available() > 0) {
                throw new IllegalArgumentException("a record with " + in.available() + " bytes behind it");
            }
            return new IdempotencyRecord(expiresMs, fingerprint, startTs, succeeded, results);
        } catch (IOException tooShort) {
            throw new IllegalArgumentException("a record that ends early", tooShort);
        }
    }

    /** Each of what is counted takes a byte at least. */
    private static int count(DataInputStream in) throws IOException {
        int count = in.readInt();
        if (count < 0 || count > in.available()) {
            throw new IllegalArgumentException("a record with an impossible number in it");
        }
        return count;
    }

    private static byte[] exactly(DataInputStream in, int length) throws IOException {
        byte[] bytes = new byte[length];
        in.readFully(bytes);
        return bytes;
    }
}
