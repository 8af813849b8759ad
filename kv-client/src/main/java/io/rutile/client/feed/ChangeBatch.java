package io.rutile.client.feed;

import java.util.List;

/**
 * What comes next in a feed.
 *
 * @param changes in order; may be none
 * @param position behind all of them, or further on if nothing was committed up to there
 */
public record ChangeBatch(List<Change> changes, FeedPosition position) {

    public ChangeBatch {
        changes = List.copyOf(changes);
    }
}
