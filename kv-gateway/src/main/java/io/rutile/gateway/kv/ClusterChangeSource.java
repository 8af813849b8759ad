package io.rutile.gateway.kv;

import io.rutile.client.feed.ChangeBatch;
import io.rutile.client.feed.ChangeFeed;
import io.rutile.client.feed.ChangeFeedOptions;
import io.rutile.client.feed.FeedPosition;
import io.rutile.client.txn.TxnKv;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.TimeStamp;
import java.util.concurrent.CompletableFuture;

/** Changes of a real cluster. */
public final class ClusterChangeSource implements ChangeSource {

    private final ClusterConnection connection;

    public ClusterChangeSource(ClusterConnection connection) {
        this.connection = connection;
    }

    @Override
    public CompletableFuture<TimeStamp> now() {
        return connection.txn().thenCompose(TxnKv::currentTimestamp);
    }

    @Override
    public CompletableFuture<Feed> open(KeyRange range, FeedPosition from, long bufferBytesMax) {
        return connection
                .txn()
                .thenApply(txn -> new ClientFeed(txn.changes(range, from, new ChangeFeedOptions(bufferBytesMax))));
    }

    private record ClientFeed(ChangeFeed feed) implements Feed {

        @Override
        public CompletableFuture<ChangeBatch> next() {
            return feed.next();
        }

        @Override
        public void close() {
            feed.close();
        }
    }
}
