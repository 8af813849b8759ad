package io.rutile.client.feed;

/** Failures as the client makes them, for tests of what is above it. */
public final class FeedFailures {

    private FeedFailures() {}

    public static FeedTooOldException tooOld(FeedPosition position) {
        return new FeedTooOldException(position, null);
    }
}
