package io.rutile.client.raw;

import io.rutile.client.KvClientException;
import io.rutile.client.KvClientException.Kind;
import io.rutile.client.ReadFrom;
import io.rutile.client.raw.RawKv.Pair;
import io.rutile.client.raw.RawKv.PairConsumer;
import io.rutile.client.raw.RawKv.ScanRequest;
import io.rutile.client.region.Anchor;
import io.rutile.client.region.Backoff;
import io.rutile.client.region.CachedRegion;
import io.rutile.client.region.KeySpace;
import io.rutile.client.region.RegionSender;
import io.rutile.client.rpc.Futures;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.ScanPage;
import io.rutile.protocol.SharedBytes;
import io.rutile.protocol.WireLimits;
import io.rutile.protocol.kvrpcpb.RawGetResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A scan on its way through the Regions, one page at a time. What is left of the range shrinks with every page, from below or, in
 * reverse, from above.
 *
 * <p>A store may end a page early, when it has read enough bytes. So a short page only means "the Region has no more" if it is far
 * from that bound; otherwise the Region is asked once more.
 *
 * <p>Keys are in wire form but for those that the consumer is given.
 *
 * <p>Threads: one page follows the other; the loop runs in whoever completed the last step.
 */
final class ScanPages {

    /** Pairs asked for in one request. */
    static final int PAGE_PAIRS = 1_024;

    /** A page with fewer bytes than this was not ended by the store's bound on bytes. */
    private static final long SURELY_NOT_CUT_BYTES = WireLimits.SCAN_BYTES_MAX / 2;

    private final RegionSender regions;
    private final KeySpace keys;
    private final RawCalls calls;
    private final ReadFrom readFrom;
    private final Supplier<Backoff> pageBackoff;
    private final PairConsumer consumer;
    private final boolean reverse;
    private final boolean keysOnly;
    private final CompletableFuture<Void> result = new CompletableFuture<>();

    private KeyRange rest;

    /** What a scan downwards reads next, by itself. */
    private @Nullable ByteKey alone;

    private boolean ended;
    private long wanted;
    private int pagePairs = PAGE_PAIRS;

    /**
     * @param keys how the request's keys are written
     * @param pageBackoff gives each page its deadline: the scan's one, or a new one for every page
     */
    ScanPages(
            RegionSender regions,
            KeySpace keys,
            ReadFrom readFrom,
            ScanRequest request,
            Supplier<Backoff> pageBackoff,
            PairConsumer consumer) {
        this.regions = regions;
        this.keys = keys;
        this.calls = new RawCalls(keys);
        this.readFrom = readFrom;
        this.pageBackoff = pageBackoff;
        this.consumer = consumer;
        this.reverse = request.reverse();
        this.keysOnly = request.keysOnly();
        this.rest = keys.toWire(request.range());
        this.wanted = request.limit();
    }

    CompletableFuture<Void> run() {
        step();
        return result;
    }

    /** Loops while steps complete at once, so that no number of pages makes a deep stack. */
    private void step() {
        while (!ended && wanted > 0 && !rest.isEmpty()) {
            CompletableFuture<Void> page = page();
            if (!page.isDone() || page.isCompletedExceptionally()) {
                Futures.whenDone(page, result, (done, failure) -> {
                    if (failure != null) {
                        result.completeExceptionally(failure);
                    } else {
                        step();
                    }
                });
                return;
            }
        }
        result.complete(null);
    }

    private CompletableFuture<Void> page() {
        ByteKey key = alone;
        if (key != null) {
            return readAlone(key);
        }
        int limit = (int) Math.min(pagePairs, wanted);
        KeyRange range = rest;
        var call = reverse ? calls.scanDown(range, limit, keysOnly) : calls.scanUp(range, limit, keysOnly);
        return regions.send(call.from(readFrom), anchor(range), pageBackoff.get())
                .thenApply(Optional::of)
                .exceptionallyCompose(this::halvePage)
                .thenCompose(answer -> answer.isPresent()
                        ? take(answer.get().response(), limit, answer.get().region())
                        : CompletableFuture.completedFuture(null));
    }

    private CompletableFuture<Void> readAlone(ByteKey key) {
        alone = null;
        goOnBehind(key);
        if (key.compareTo(rest.start()) < 0) {
            return CompletableFuture.completedFuture(null);
        }
        return regions.send(calls.get(key).from(readFrom), Anchor.at(keys.border(key)), pageBackoff.get())
                .thenCompose(answer -> {
                    RawGetResponse found = answer.response();
                    RawErrors.check("RawGet", found.getError());
                    if (found.getNotFound()) {
                        return CompletableFuture.completedFuture(null);
                    }
                    wanted--;
                    byte[] value = keysOnly ? ByteKey.EMPTY.bytes() : SharedBytes.of(found.getValue());
                    return consumer.accept(List.of(new Pair(keys.fromWire(key), value)));
                });
    }

    private Anchor anchor(KeyRange range) {
        if (!reverse) {
            return Anchor.at(keys.border(range.start()));
        }
        return Anchor.below(range.end().isEmpty() ? ByteKey.EMPTY : keys.border(range.end()));
    }

    private CompletableFuture<Void> take(ScanPage found, int limit, CachedRegion region) {
        RawErrors.check("RawScan", found);
        List<Pair> pairs = new ArrayList<>(found.size());
        for (int i = 0; i < found.size(); i++) {
            pairs.add(new Pair(RawKv.user(keys, "RawScan", found.key(i)), found.value(i)));
        }
        boolean regionIsEmpty =
                pairs.isEmpty() || (pairs.size() < limit && !keysOnly && found.bytes() < SURELY_NOT_CUT_BYTES);
        if (regionIsEmpty) {
            leave(region);
        } else {
            goOnBehind(found.key(found.size() - 1));
        }
        wanted -= pairs.size();
        return pairs.isEmpty() ? CompletableFuture.completedFuture(null) : consumer.accept(pairs);
    }

    private void leave(CachedRegion region) {
        ByteKey border = reverse ? region.range().start() : region.range().end();
        if (border.isEmpty()) {
            ended = true;
        } else if (reverse) {
            ByteKey bound = keys.lastBoundBelow(border);
            ended = bound.isEmpty();
            rest = new KeyRange(rest.start(), bound);
            alone = keys.withoutBoundBelow(border);
        } else {
            rest = new KeyRange(keys.firstKeyAt(border), rest.end());
        }
    }

    private void goOnBehind(ByteKey last) {
        if (!reverse) {
            rest = new KeyRange(last.next(), rest.end());
        } else if (last.isEmpty()) {
            // The empty key is the smallest: nothing is below it, and as an end it would mean infinity.
            ended = true;
        } else {
            rest = new KeyRange(rest.start(), last);
        }
    }

    /** A page that is too large for the wire is asked for again in halves: values of 8 MiB are legal. */
    private <T> CompletableFuture<Optional<T>> halvePage(Throwable failure) {
        if (Futures.causeOf(failure) instanceof KvClientException refused
                && refused.kind() == Kind.TOO_LARGE
                && pagePairs > 1) {
            pagePairs /= 2;
            return CompletableFuture.completedFuture(Optional.empty());
        }
        return CompletableFuture.failedFuture(failure);
    }
}
