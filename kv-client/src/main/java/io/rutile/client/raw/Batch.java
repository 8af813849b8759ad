package io.rutile.client.raw;

import io.rutile.client.KvClientException;
import io.rutile.client.KvClientException.Kind;
import io.rutile.client.region.Backoff;
import io.rutile.client.region.RangeSplitter;
import io.rutile.client.region.RegionChanged;
import io.rutile.client.region.RegionSender;
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
final class Batch<T> {

    /** Items of one request: what every store answers at once. */
    static final int ITEMS_MAX = 1_024;

    /** Bytes of one request. */
    static final long BYTES_MAX = 1 << 20;

    /** Requests of one call that are under way at the same time. */
    static final int SIDE_BY_SIDE = 16;

    /** Sends one part; all its keys are in one Region, as far as is known. */
    interface PartSender<T> {
        CompletableFuture<Void> send(List<T> part, Backoff backoff);
    }

    private final RangeSplitter<T> splitter;
    private final PartSender<T> sender;

    Batch(RegionSender regions, Function<T, ByteKey> keyOf, ToLongFunction<T> bytesOf, PartSender<T> sender) {
        this.splitter = new RangeSplitter<>(regions, keyOf, bytesOf, ITEMS_MAX, BYTES_MAX);
        this.sender = sender;
    }

    /** @param sorted in key order */
    CompletableFuture<Void> carryOut(List<T> sorted, Backoff backoff) {
        return splitter.split(sorted, backoff)
                .thenCompose(parts -> Parts.carryOut(parts, SIDE_BY_SIDE, part -> send(part, backoff.fork())));
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
