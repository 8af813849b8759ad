package io.rutile.client.region;

import io.rutile.client.rpc.Futures;
import io.rutile.protocol.ByteKey;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.ToLongFunction;

/**
 * Takes a sorted list of items apart: by the Region that holds their keys, then by size, so that each part fits one request.
 *
 * @param <T> an item, which has one key
 */
public final class RangeSplitter<T> {

    private final RegionSender regions;
    private final Function<T, ByteKey> keyOf;
    private final ToLongFunction<T> bytesOf;
    private final int itemsMax;
    private final long bytesMax;

    /**
     * Splits lists of one kind of items.
     *
     * @param itemsMax items of one part, at least 1
     * @param bytesMax bytes of one part; a single item may be larger
     */
    public RangeSplitter(
            RegionSender regions, Function<T, ByteKey> keyOf, ToLongFunction<T> bytesOf, int itemsMax, long bytesMax) {
        this.regions = regions;
        this.keyOf = keyOf;
        this.bytesOf = bytesOf;
        this.itemsMax = itemsMax;
        this.bytesMax = bytesMax;
    }

    /**
     * Splits a list.
     *
     * @param sorted in key order; shared, not copied
     * @return parts in key order, none of them empty
     */
    public CompletableFuture<List<List<T>>> split(List<T> sorted, Backoff backoff) {
        List<List<T>> parts = new ArrayList<>();
        CompletableFuture<List<List<T>>> result = new CompletableFuture<>();
        splitFrom(0, sorted, parts, backoff, result);
        return result;
    }

    /** Goes on in a loop while Regions are known, and in a callback where PD has to be asked: no recursion, however many Regions. */
    private void splitFrom(
            int from, List<T> sorted, List<List<T>> parts, Backoff backoff, CompletableFuture<List<List<T>>> result) {
        int next = from;
        while (next < sorted.size()) {
            CompletableFuture<CachedRegion> located = regions.locate(Anchor.at(keyOf.apply(sorted.get(next))), backoff);
            if (!located.isDone() || located.isCompletedExceptionally()) {
                int here = next;
                Futures.whenDone(located, result, (region, failure) -> {
                    if (failure != null) {
                        result.completeExceptionally(failure);
                    } else {
                        splitFrom(cut(here, sorted, region, parts), sorted, parts, backoff, result);
                    }
                });
                return;
            }
            next = cut(next, sorted, located.join(), parts);
        }
        result.complete(parts);
    }

    /** @return the first item behind this Region */
    private int cut(int from, List<T> sorted, CachedRegion region, List<List<T>> parts) {
        int begin = from;
        int end = from;
        long bytes = 0;
        while (end < sorted.size() && region.range().contains(keyOf.apply(sorted.get(end)))) {
            long size = bytesOf.applyAsLong(sorted.get(end));
            if (end > begin && (end - begin >= itemsMax || bytes + size > bytesMax)) {
                parts.add(sorted.subList(begin, end));
                begin = end;
                bytes = 0;
            }
            bytes += size;
            end++;
        }
        if (end > begin) {
            parts.add(sorted.subList(begin, end));
        }
        return end;
    }
}
