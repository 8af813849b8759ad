package io.rutile.client.region;

import io.rutile.client.KvClientException;
import io.rutile.client.KvClientException.Kind;
import io.rutile.client.rpc.Futures;
import io.rutile.protocol.ByteKey;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.ToLongFunction;

/**
 * A request about many keys: grouped by Region, cut to size, sent side by side. A part whose Region changed meanwhile is taken apart
 * again; a part that is too large for the wire is halved.
 */
public final class RegionBatches<T> {

    /** Items of one request: what every store answers at once. */
    public static final int ITEMS_MAX = 1_024;

    /** Requests of one call that are under way at the same time. */
    public static final int SIDE_BY_SIDE = 16;

    /** Sends one part; all its keys are in one Region, as far as is known. */
    public interface PartSender<T> {

        /** Completes when the part is done; fails with {@link RegionChanged} to have it taken apart again. */
        CompletableFuture<Void> send(List<T> part, Backoff backoff);
    }

    private final RangeSplitter<T> splitter;
    private final PartSender<T> sender;

    /**
     * Batches of one kind of items.
     *
     * @param keyOf an item's key as Regions' borders are written
     * @param bytesMax bytes of one request; a single item may be larger
     */
    public RegionBatches(
            RegionSender regions,
            Function<T, ByteKey> keyOf,
            ToLongFunction<T> bytesOf,
            long bytesMax,
            PartSender<T> sender) {
        this.splitter = new RangeSplitter<>(regions, keyOf, bytesOf, ITEMS_MAX, bytesMax);
        this.sender = sender;
    }

    /**
     * Sends all items.
     *
     * @param sorted in key order
     */
    public CompletableFuture<Void> carryOut(List<T> sorted, Backoff backoff) {
        return split(sorted, backoff).thenCompose(parts -> carryOutParts(parts, backoff));
    }

    /** The parts that {@link #carryOut} would send, as far as is known now. */
    public CompletableFuture<List<List<T>>> split(List<T> sorted, Backoff backoff) {
        return splitter.split(sorted, backoff);
    }

    /** Sends parts that {@link #split} made. */
    public CompletableFuture<Void> carryOutParts(List<List<T>> parts, Backoff backoff) {
        return Parts.carryOut(parts, SIDE_BY_SIDE, part -> send(part, backoff.fork()));
    }

    private CompletableFuture<Void> send(List<T> part, Backoff backoff) {
        return sender.send(part, backoff).exceptionallyCompose(failure -> {
            Throwable cause = Futures.causeOf(failure);
            if (cause instanceof RegionChanged) {
                return carryOut(part, backoff);
            }
            if (cause instanceof KvClientException refused && refused.kind() == Kind.TOO_LARGE && part.size() > 1) {
                int middle = part.size() / 2;
                return send(part.subList(0, middle), backoff.fork())
                        .thenCompose(done -> send(part.subList(middle, part.size()), backoff.fork()));
            }
            return CompletableFuture.failedFuture(failure);
        });
    }
}
