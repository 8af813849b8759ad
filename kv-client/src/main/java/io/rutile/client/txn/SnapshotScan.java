package io.rutile.client.txn;

import io.rutile.client.KvClientException;
import io.rutile.client.KvClientException.Kind;
import io.rutile.client.region.Anchor;
import io.rutile.client.region.Backoff;
import io.rutile.client.region.CachedRegion;
import io.rutile.client.region.KeySpace;
import io.rutile.client.rpc.Futures;
import io.rutile.client.txn.TxnReader.Pair;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.ScanPage;
import io.rutile.protocol.WireLimits;
import io.rutile.protocol.kvrpcpb.KeyError;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A scan at one timestamp on its way through the Regions, one page at a time. What is left of the range shrinks with every page,
 * from below or, in reverse, from above; a page ends in front of the first locked key, which begins the next one. Keys are in wire
 * form.
 *
 * <p>Threads: one page follows the other; the loop runs in whoever completed the last step.
 */
final class SnapshotScan {

    /** Pairs asked for in one request. */
    static final int PAGE_PAIRS = 1_024;

    /** A page with fewer bytes than this was not ended by a store's bound on bytes. */
    private static final long SURELY_NOT_CUT_BYTES = WireLimits.SCAN_BYTES_MAX / 2;

    /** Takes pages. */
    interface PageSink {

        /** How many more pairs are of use; none ends the scan. */
        long wanted();

        /** Pairs in scan order, at least one. The scan goes on when the future completes. */
        CompletableFuture<Void> accept(List<Pair> pairs);
    }

    private final SnapshotReads reads;
    private final KeySpace keys;
    private final Supplier<Backoff> pageBackoff;
    private final PageSink sink;
    private final boolean reverse;
    private final boolean keysOnly;
    private final CompletableFuture<Void> result = new CompletableFuture<>();

    private KeyRange rest;

    /** What a scan downwards reads next, by itself. */
    private @Nullable ByteKey alone;

    private boolean ended;
    private int pagePairs = PAGE_PAIRS;
    private LockWait locks;

    /** @param pageBackoff gives each page its deadline: the scan's one, or a new one for every page */
    SnapshotScan(
            SnapshotReads reads,
            KeyRange range,
            boolean reverse,
            boolean keysOnly,
            Supplier<Backoff> pageBackoff,
            PageSink sink) {
        this.reads = reads;
        this.keys = reads.requests().keys();
        this.pageBackoff = pageBackoff;
        this.sink = sink;
        this.reverse = reverse;
        this.keysOnly = keysOnly;
        this.rest = range;
        this.locks = reads.lockWait();
    }

    CompletableFuture<Void> run() {
        step();
        return result;
    }

    /** Loops while steps complete at once, so that no number of pages makes a deep stack. */
    private void step() {
        while (!ended && !rest.isEmpty() && sink.wanted() > 0) {
            CompletableFuture<Void> page = page(pageBackoff.get());
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

    private CompletableFuture<Void> page(Backoff backoff) {
        ByteKey key = alone;
        if (key != null) {
            return readAlone(key, backoff);
        }
        int limit = (int) Math.min(pagePairs, sink.wanted());
        KeyRange range = rest;
        var calls = reads.requests().calls();
        var call = reverse
                ? calls.scanDown(range, limit, keysOnly, reads.version(), reads.passed())
                : calls.scanUp(range, limit, keysOnly, reads.version(), reads.passed());
        return reads.whole(() -> reads.requests().send(call.from(reads.readFrom()), anchor(range), backoff), backoff)
                .thenApply(Optional::of)
                .exceptionallyCompose(this::halvePage)
                .thenCompose(answer -> answer.isPresent()
                        ? take(answer.get().response(), limit, answer.get().region(), backoff)
                        : CompletableFuture.completedFuture(null));
    }

    private CompletableFuture<Void> readAlone(ByteKey key, Backoff backoff) {
        alone = null;
        goOnBehind(key);
        return key.compareTo(rest.start()) < 0
                ? CompletableFuture.completedFuture(null)
                : reads.get(key, backoff)
                        .thenCompose(value -> value.isEmpty()
                                ? CompletableFuture.completedFuture(null)
                                : sink.accept(List.of(new Pair(key, keysOnly ? ByteKey.EMPTY.bytes() : value.get()))));
    }

    private Anchor anchor(KeyRange range) {
        if (!reverse) {
            return Anchor.at(keys.border(range.start()));
        }
        return Anchor.below(range.end().isEmpty() ? ByteKey.EMPTY : keys.border(range.end()));
    }

    private CompletableFuture<Void> take(ScanPage found, int limit, CachedRegion region, Backoff backoff) {
        KeyError failure = found.error();
        if (failure != null) {
            return reads.clear("KvScan", List.of(failure), locks, backoff);
        }
        List<Pair> pairs = new ArrayList<>(found.size());
        for (int i = 0; i < found.size(); i++) {
            pairs.add(new Pair(found.key(i), found.value(i)));
        }
        List<KeyError> errors = found.pairErrors();
        if (!pairs.isEmpty()) {
            locks = reads.lockWait();
        }
        boolean regionIsDone =
                pairs.isEmpty() || (pairs.size() < limit && !keysOnly && found.bytes() < SURELY_NOT_CUT_BYTES);
        if (errors.isEmpty() && regionIsDone) {
            leave(region);
        } else if (!pairs.isEmpty()) {
            goOnBehind(pairs.get(pairs.size() - 1).key());
        }
        CompletableFuture<Void> taken = pairs.isEmpty() ? CompletableFuture.completedFuture(null) : sink.accept(pairs);
        return errors.isEmpty() ? taken : taken.thenCompose(done -> reads.clear("KvScan", errors, locks, backoff));
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

    /** A page that is too large for the wire is asked for again in halves: values of almost 8 MiB are legal. */
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
