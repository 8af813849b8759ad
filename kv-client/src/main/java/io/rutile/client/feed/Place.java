package io.rutile.client.feed;

import io.rutile.protocol.ByteKey;

/** Where a change stands in the order of a feed. @param ts of its commit, unsigned @param key in wire form */
record Place(long ts, ByteKey key) implements Comparable<Place> {

    @Override
    public int compareTo(Place other) {
        int byTs = Long.compareUnsigned(ts, other.ts);
        return byTs != 0 ? byTs : key.compareTo(other.key);
    }

    boolean isBefore(Place other) {
        return compareTo(other) < 0;
    }
}
