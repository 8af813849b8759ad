package io.rutile.storage.command;

import io.rutile.protocol.ByteKey;

/** The number that stands for a key in wait-for edges: 64-bit FNV-1a of the user's key, the same on every store. */
public final class KeyHash {

    private static final long OFFSET = 0xcbf29ce484222325L;
    private static final long PRIME = 0x100000001b3L;

    private KeyHash() {}

    public static long of(ByteKey user) {
        long hash = OFFSET;
        for (byte b : user.bytes()) {
            hash = (hash ^ (b & 0xFF)) * PRIME;
        }
        return hash;
    }
}
