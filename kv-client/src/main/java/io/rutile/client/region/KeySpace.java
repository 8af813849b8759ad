package io.rutile.client.region;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.MemComparable;
import io.rutile.protocol.WireLimits;
import io.rutile.protocol.kvrpcpb.APIVersion;
import io.rutile.protocol.kvrpcpb.Context;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * How the keys of an application are written on their way to stores and to PD.
 *
 * <pre>
 * user key ──▶ wire key   = prefix user-key                  in requests to stores, and in locks
 *          ──▶ border key = memcomparable(wire-key)          in questions to PD, and in Regions' borders;
 *                         | wire-key                         raw keys of API V1
 * prefix   := ""                                             API V1
 *           | mode keyspace-id                               API V2; mode = 'x' (transactions) or 'r' (raw)
 * keyspace-id := 3 bytes, big-endian
 * </pre>
 *
 * Both steps keep the order of keys. A border that is no encoding (a raw key, where raw and transactional data share a V1 cluster) is
 * legal here: it lies between two keys, as any other.
 */
public final class KeySpace {

    /** Greatest id of a keyspace. */
    public static final int KEYSPACE_ID_MAX = (1 << 24) - 1;

    /** Which of a store's two worlds the keys are of. */
    public enum Mode {
        RAW((byte) 'r'),
        TXN((byte) 'x');

        private final byte prefix;

        Mode(byte prefix) {
            this.prefix = prefix;
        }
    }

    private static final int GROUP = 8;
    private static final int MARKER_FULL = 0xFF;
    private static final int MARKER_EMPTY = MARKER_FULL - GROUP;

    private final Mode mode;
    private final byte[] prefix;
    private final int keyspaceId;
    private final KeyRange all;

    private KeySpace(Mode mode, byte[] prefix, int keyspaceId) {
        this.mode = mode;
        this.prefix = prefix;
        this.keyspaceId = keyspaceId;
        this.all = prefix.length == 0 ? KeyRange.ALL : new KeyRange(ByteKey.wrap(prefix), successorOf(prefix));
    }

    /** Raw keys of API V1 and V1TTL. */
    public static KeySpace rawV1() {
        return new KeySpace(Mode.RAW, new byte[0], 0);
    }

    /** Transactional keys of API V1. */
    public static KeySpace txnV1() {
        return new KeySpace(Mode.TXN, new byte[0], 0);
    }

    /**
     * Transactional keys of a keyspace of API V2.
     *
     * @param keyspaceId 0 to 2^24-1; 0 is the one that every cluster has
     */
    public static KeySpace txnV2(int keyspaceId) {
        return v2(Mode.TXN, keyspaceId);
    }

    /** Raw keys of a keyspace of API V2. @see #txnV2 */
    public static KeySpace rawV2(int keyspaceId) {
        return v2(Mode.RAW, keyspaceId);
    }

    private static KeySpace v2(Mode mode, int id) {
        if (id < 0 || id > KEYSPACE_ID_MAX) {
            throw new IllegalArgumentException("keyspace id out of range: " + id);
        }
        return new KeySpace(mode, new byte[] {mode.prefix, (byte) (id >>> 16), (byte) (id >>> 8), (byte) id}, id);
    }

    public Mode mode() {
        return mode;
    }

    /** Raw keys of API V1 are the borders themselves. */
    private boolean isEncoded() {
        return mode == Mode.TXN || prefix.length > 0;
    }

    /** The first key behind those with this prefix. A mode byte is never the last one there is. */
    private static ByteKey successorOf(byte[] prefix) {
        byte[] next = prefix.clone();
        for (int i = next.length - 1; i >= 0; i--) {
            if (++next[i] != 0) {
                break;
            }
        }
        return ByteKey.wrap(next);
    }

    public ByteKey toWire(ByteKey user) {
        if (prefix.length == 0) {
            return user;
        }
        byte[] wire = Arrays.copyOf(prefix, prefix.length + user.bytes().length);
        System.arraycopy(user.bytes(), 0, wire, prefix.length, user.bytes().length);
        return ByteKey.wrap(wire);
    }

    /** The same range; an open end becomes the end of the keyspace. */
    public KeyRange toWire(KeyRange user) {
        return new KeyRange(toWire(user.start()), user.end().isEmpty() ? all.end() : toWire(user.end()));
    }

    /**
     * The application's key again.
     *
     * @throws IllegalArgumentException if the key is of another keyspace
     */
    public ByteKey fromWire(ByteKey wire) {
        if (prefix.length == 0) {
            return wire;
        }
        byte[] bytes = wire.bytes();
        if (bytes.length < prefix.length || !Arrays.equals(bytes, 0, prefix.length, prefix, 0, prefix.length)) {
            throw new IllegalArgumentException("a key of another keyspace");
        }
        return ByteKey.wrap(Arrays.copyOfRange(bytes, prefix.length, bytes.length));
    }

    /** The key as PD and Regions' borders know it. */
    public ByteKey border(ByteKey wire) {
        return isEncoded() ? ByteKey.wrap(MemComparable.encode(wire.bytes())) : wire;
    }

    /** Says in a request's context which keys are in it. */
    public Context stamp(Context context) {
        return prefix.length == 0
                ? context
                : context.toBuilder()
                        .setApiVersion(APIVersion.V2)
                        .setKeyspaceId(keyspaceId)
                        .build();
    }

    /**
     * The smallest wire key whose border key is this border or behind it: where a scan of the Region behind the border begins.
     *
     * @param border not empty
     */
    public ByteKey firstKeyAt(ByteKey border) {
        if (!isEncoded()) {
            return border;
        }
        byte[] bytes = border.bytes();
        byte[] key = new byte[bytes.length];
        int length = 0;
        for (int from = 0; from < bytes.length; from += GROUP + 1) {
            int size = Math.min(GROUP, bytes.length - from);
            System.arraycopy(bytes, from, key, length, size);
            boolean cutShort = bytes.length - from <= GROUP;
            int marker = cutShort ? MARKER_EMPTY : bytes[from + GROUP] & 0xFF;
            if (marker == MARKER_FULL) {
                length += GROUP;
                continue;
            }
            boolean last = bytes.length - from <= GROUP + 1;
            int used = size;
            while (used > 0 && bytes[from + used - 1] == 0) {
                used--;
            }
            // The shortest reading of the group whose own marker is not in front of what is here.
            while (used < GROUP && (MARKER_EMPTY + used < marker || (MARKER_EMPTY + used == marker && !last))) {
                used++;
            }
            return ByteKey.wrap(Arrays.copyOf(key, length + used));
        }
        return ByteKey.wrap(Arrays.copyOf(key, length));
    }

    /**
     * Where a scan begins that goes down from a border: above every key in front of it, and not behind the border itself, which
     * stores refuse, unless there is {@linkplain #withoutBoundBelow no such bound}.
     *
     * @param border not empty
     * @return empty if no key is in front of the border
     */
    public ByteKey lastBoundBelow(ByteKey border) {
        ByteKey behind = firstKeyAt(border);
        if (border(behind).equals(border)) {
            return behind;
        }
        ByteKey inFront = rightBelow(behind);
        return inFront == null ? behind : inFront;
    }

    /**
     * The key in front of a border for which there is no bound to begin above it: the next key is behind the border already. A scan
     * that goes down from the border has to read it by itself.
     *
     * @param border not empty
     * @return null if there is a bound, as for every border that is an encoding
     */
    public @Nullable ByteKey withoutBoundBelow(ByteKey border) {
        ByteKey bound = lastBoundBelow(border);
        if (bound.isEmpty() || border(bound).compareTo(border) <= 0) {
            return null;
        }
        // There is no room for a bound in front of a key only if that key is the one before it and a zero.
        return ByteKey.wrap(Arrays.copyOf(bound.bytes(), bound.bytes().length - 1));
    }

    /**
     * Where a walk over a range ends inside a Region, exclusive: the range's end, or the Region's if that comes first. Stores refuse
     * bounds behind their Region; there may be none, see {@link #withoutBoundBelow}.
     *
     * @param end of the range, in wire form; empty for infinity
     * @param regionEnd the Region's border; empty for infinity
     * @return in wire form; empty if both are infinite
     */
    public ByteKey earlierEnd(ByteKey end, ByteKey regionEnd) {
        boolean inside = regionEnd.isEmpty() || (!end.isEmpty() && border(end).compareTo(regionEnd) <= 0);
        return inside ? end : lastBoundBelow(regionEnd);
    }

    /**
     * Where a walk over a range begins inside a Region, inclusive: the range's start, or the Region's first key if that comes later.
     *
     * @param start of the range, in wire form
     * @param regionStart the Region's border; empty for the first Region
     */
    public ByteKey laterStart(ByteKey start, ByteKey regionStart) {
        return border(start).compareTo(regionStart) >= 0 ? start : firstKeyAt(regionStart);
    }

    /** Greater than every key that a store takes and that is smaller than this one; null if there is no room for such a bound. */
    private @Nullable ByteKey rightBelow(ByteKey key) {
        byte[] bytes = key.bytes();
        int last = bytes.length - 1;
        if (last < 0 || bytes[last] == 0) {
            return null;
        }
        byte[] below = Arrays.copyOf(bytes, Math.max(bytes.length, prefix.length + WireLimits.KEY_BYTES_MAX + 1));
        below[last]--;
        Arrays.fill(below, last + 1, below.length, (byte) 0xFF);
        return ByteKey.wrap(below);
    }
}
