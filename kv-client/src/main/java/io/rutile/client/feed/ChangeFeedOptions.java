package io.rutile.client.feed;

/**
 * How to watch.
 *
 * @param bufferBytesMax memory for changes that are not in order yet or not taken yet. What doesn't fit is read from the stores once more
 *     when it is due, so that a small buffer costs time and no change
 */
public record ChangeFeedOptions(long bufferBytesMax) {

    public static final ChangeFeedOptions DEFAULT = new ChangeFeedOptions(16L << 20);

    public ChangeFeedOptions {
        if (bufferBytesMax < 1) {
            throw new IllegalArgumentException("a buffer holds something: " + bufferBytesMax);
        }
    }
}
