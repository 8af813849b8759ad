package io.rutile.raft.image;

import java.time.Duration;

/**
 * Bounds of image traffic.
 *
 * @param atOnceMax images that one store makes and sends, and that it receives, at the same time
 * @param filesMax files in one image
 * @param bytesMax size of one image
 * @param bytesPerSecondMax pace of all images that a store sends together; 0 for no limit
 * @param idleMax longest time that a receiver may take nothing
 * @param wholeMax longest time for making and sending one image
 */
public record ImageLimits(
        int atOnceMax, int filesMax, long bytesMax, long bytesPerSecondMax, Duration idleMax, Duration wholeMax) {

    public static final ImageLimits DEFAULT =
            new ImageLimits(2, 10_000, 256L << 30, 100L << 20, Duration.ofSeconds(30), Duration.ofMinutes(30));

    /** The same at another pace. */
    public ImageLimits withBytesPerSecondMax(long bytes) {
        return new ImageLimits(atOnceMax, filesMax, bytesMax, bytes, idleMax, wholeMax);
    }
}
