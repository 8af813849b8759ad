package io.rutile.gateway.kv;

import io.rutile.client.feed.ChangeBatch;
import io.rutile.client.feed.FeedPosition;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.TimeStamp;
import java.util.concurrent.CompletableFuture;

/**
 * Where changes come from: beside {@link TxnOperations}, what {@link Watches} stands on. Methods return at once; the threads that complete
 * futures must not be blocked.
 */
public interface ChangeSource {

    /** What is committed from now on is committed behind this. Fails with {@link io.rutile.client.KvClientException}. */
    CompletableFuture<TimeStamp> now();

    /**
     * Begins to watch a range.
     *
     * @param bufferBytesMax memory for changes that are not in order yet
     * @return fails with {@code UNAVAILABLE} while there is no cluster
     */
    CompletableFuture<Feed> open(KeyRange range, FeedPosition from, long bufferBytesMax);

    /** See {@link io.rutile.client.feed.ChangeFeed}. */
    interface Feed extends AutoCloseable {

        CompletableFuture<ChangeBatch> next();

        @Override
        void close();
    }
}
