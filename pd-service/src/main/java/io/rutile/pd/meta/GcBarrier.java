package io.rutile.pd.meta;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;

/**
 * Somebody still reads at this timestamp: the transaction safe point does not pass it before it is taken away or expires.
 *
 * @param id unique in its scope, 1 to {@link #ID_CHARS_MAX} characters
 * @param ts the timestamp that is held; compared unsigned
 * @param expiresAtMs wall-clock millisecond from which it no longer counts, {@link #NEVER} for none
 */
public record GcBarrier(String id, long ts, long expiresAtMs) {

    public static final long NEVER = Long.MAX_VALUE;

    public static final int ID_CHARS_MAX = 256;

    public GcBarrier {
        if (id.isEmpty() || id.length() > ID_CHARS_MAX) {
            throw new IllegalArgumentException("a barrier id has 1 to " + ID_CHARS_MAX + " characters");
        }
    }

    public boolean isExpired(long nowMs) {
        return expiresAtMs <= nowMs;
    }

    void writeTo(DataOutputStream out) throws IOException {
        out.writeUTF(id);
        out.writeLong(ts);
        out.writeLong(expiresAtMs);
    }

    static GcBarrier readFrom(DataInputStream in) throws IOException {
        return new GcBarrier(in.readUTF(), in.readLong(), in.readLong());
    }
}
