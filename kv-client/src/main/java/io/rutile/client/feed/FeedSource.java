package io.rutile.client.feed;

import io.rutile.client.pd.PdClient;
import io.rutile.client.region.Backoff;
import io.rutile.client.region.CachedRegion;
import io.rutile.client.region.KeySpace;
import io.rutile.client.region.RegionStreams;
import io.rutile.client.rpc.ClientTimer;
import io.rutile.protocol.TimeStamp;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What a feed needs of the client.
 *
 * @param keys how keys are written
 * @param guard watches over versions from a checkpoint on
 * @param locks what to do about transactions that keep a Region from being settled
 */
public record FeedSource(
        RegionStreams regions,
        PdClient pd,
        ClientTimer timer,
        KeySpace keys,
        Function<TimeStamp, Guard> guard,
        LockMender locks,
        FeedMetrics metrics) {

    /** Whether versions behind a checkpoint are all there (P7). */
    public interface Guard {

        /** As far as is known without asking: why they aren't; null if nothing is wrong. */
        @Nullable Throwable refusal();

        /** To be called once the stores have answered. Fails if the answer may have holes, or nobody knows. */
        CompletableFuture<Void> confirm(Backoff backoff);
    }

    /** Takes locks away whose owners are dead. */
    public interface LockMender {

        /**
         * Looks at the oldest locks of a Region.
         *
         * @param upTo of their start timestamps
         */
        CompletableFuture<Void> mend(CachedRegion region, TimeStamp upTo, Backoff backoff);
    }
}
