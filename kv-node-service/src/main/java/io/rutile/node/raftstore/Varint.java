package io.rutile.node.raftstore;

import java.nio.ByteBuffer;

/** Unsigned numbers in groups of seven bits, least significant first. */
final class Varint {

    private Varint() {}

    static int sizeBytes(long value) {
        return value == 0 ? 1 : (Long.SIZE - Long.numberOfLeadingZeros(value) + 6) / 7;
    }

    static void write(ByteBuffer out, long value) {
        long rest = value;
        while ((rest & ~0x7fL) != 0) {
            out.put((byte) ((rest & 0x7f) | 0x80));
            rest >>>= 7;
        }
        out.put((byte) rest);
    }

    /** @throws IllegalArgumentException if it is longer than ten bytes; BufferUnderflowException if it ends early */
    static long read(ByteBuffer in) {
        long value = 0;
        for (int shift = 0; shift < Long.SIZE; shift += 7) {
            byte next = in.get();
            value |= (next & 0x7fL) << shift;
            if (next >= 0) {
                return value;
            }
        }
        throw new IllegalArgumentException("number of more than ten bytes");
    }
}
