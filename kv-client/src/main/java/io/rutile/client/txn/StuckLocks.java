package io.rutile.client.txn;

import io.rutile.client.feed.FeedSource;
import io.rutile.client.region.Anchor;
import io.rutile.client.region.Backoff;
import io.rutile.client.region.CachedRegion;
import io.rutile.protocol.TimeStamp;
import java.util.concurrent.CompletableFuture;

/**
 * Resolves the oldest locks of a Region that is watched, where their owners are dead: a lock keeps its Region from being settled, and who
 * watches never meets it.
 */
final class StuckLocks implements FeedSource.LockMender {

    /** Looked at together; the next look finds the next ones. */
    private static final int LOCKS_MAX = 256;

    private final TxnRequests requests;
    private final LockResolver resolver;

    StuckLocks(TxnRequests requests, LockResolver resolver) {
        this.requests = requests;
        this.resolver = resolver;
    }

    @Override
    public CompletableFuture<Void> mend(CachedRegion region, TimeStamp upTo, Backoff backoff) {
        return requests.send(
                        requests.calls().scanLock(upTo, LOCKS_MAX),
                        Anchor.at(region.range().start()),
                        backoff)
                .thenCompose(answer -> {
                    if (answer.response().hasError()) {
                        throw requests.errors()
                                .failure("KvScanLock", answer.response().getError(), upTo);
                    }
                    return resolver.resolve(answer.response().getLocksList(), backoff);
                })
                .thenApply(verdict -> null);
    }
}
