package io.rutile.client.feed;

import io.rutile.client.KvClientException;
import org.jspecify.annotations.Nullable;

/**
 * The position to go on from is before the safe point of garbage collection ({@code INVALID}): changes behind it may be gone, and a feed
 * from there would have holes. Read what is there now and watch from then on.
 */
public final class FeedTooOldException extends KvClientException {

    FeedTooOldException(FeedPosition position, @Nullable Throwable cause) {
        super(
                Kind.INVALID,
                "the position " + position
                        + " is before the safe point of garbage collection: changes behind it may be gone",
                null,
                cause);
    }
}
