package io.rutile.storage.raw;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.PairBytes;
import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.WireLimits;
import io.rutile.protocol.metapb.Region;
import io.rutile.storage.command.AnswerBudget;
import io.rutile.storage.command.ReadPool;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.KvCursor;
import io.rutile.storage.engine.KvSnapshot;
import io.rutile.storage.engine.ReadBuffer;
import io.rutile.storage.engine.ReplicaRead;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Walks over raw pairs. The end to which a scan walks is silently the Region's; where it begins must lie in the Region, its end
 * included. Expired pairs are walked over.
 *
 * <p>An answer is complete or refused ({@link AnswerBudget}).
 */
public final class RawScans {

    private final ReadPool reads;
    private final RawFormat format;
    private final long answerBytesMax;

    public RawScans(ReadPool reads, RawFormat format, long answerBytesMax) {
        this.reads = reads;
        this.format = format;
        this.answerBytesMax = answerBytesMax;
    }

    public CompletableFuture<PairBytes> scan(KvContext ctx, String cfName, RawScan scan) {
        Cf cf = format.cf(ctx.request(), cfName);
        return reads.read(ctx.reading(() -> ReplicaRead.RAW), snapshot -> {
            PairBytes found = new PairBytes();
            walk(ctx, snapshot, cf, scan, format.nowSeconds(), new AnswerBudget(ctx, answerBytesMax), found);
            return found;
        });
    }

    /** One scan after the other; an empty end of a range is the next one's start. */
    public CompletableFuture<PairBytes> batchScan(
            KvContext ctx, String cfName, List<KeyRange> ranges, long eachLimit, boolean reverse, boolean keyOnly) {
        Cf cf = format.cf(ctx.request(), cfName);
        RawLimits.checkItems(ctx, ranges.size(), WireLimits.BATCH_ITEMS_MAX);
        List<RawScan> scans = scans(ranges, eachLimit, reverse, keyOnly);
        return reads.read(ctx.reading(() -> ReplicaRead.RAW), snapshot -> {
            AnswerBudget budget = new AnswerBudget(ctx, answerBytesMax);
            long now = format.nowSeconds();
            PairBytes found = new PairBytes();
            for (RawScan scan : scans) {
                walk(ctx, snapshot, cf, scan, now, budget, found);
            }
            return found;
        });
    }

    /** @throws RawFailure if a range holds nothing in the direction of the walk */
    private static List<RawScan> scans(List<KeyRange> ranges, long eachLimit, boolean reverse, boolean keyOnly) {
        List<RawScan> scans = new ArrayList<>(ranges.size());
        for (int i = 0; i < ranges.size(); i++) {
            ByteKey start = ranges.get(i).start();
            ByteKey end = ranges.get(i).end();
            if (end.isEmpty() && i + 1 < ranges.size()) {
                end = ranges.get(i + 1).start();
            }
            boolean holdsNothing = reverse ? start.compareTo(end) <= 0 : !end.isEmpty() && start.compareTo(end) >= 0;
            if (holdsNothing) {
                throw RawFailure.invalidKeyRanges();
            }
            scans.add(new RawScan(start, end, eachLimit, reverse, keyOnly));
        }
        return scans;
    }

    private void walk(
            KvContext ctx, KvSnapshot snapshot, Cf cf, RawScan scan, long now, AnswerBudget budget, PairBytes found) {
        if (scan.limit() <= 0) {
            return;
        }
        ByteKey start = format.storedBound(scan.start());
        ByteKey end = format.storedBound(scan.end());
        checkStart(ctx, start, snapshot.range());
        if (scan.reverse() && scan.start().isEmpty()) {
            return; // below the first key there is nothing
        }
        KeyRange bounds = scan.reverse() ? new KeyRange(end, start) : new KeyRange(start, end);
        try (KvCursor cursor = snapshot.cursor(cf, bounds)) {
            long left = scan.limit();
            ReadBuffer key = new ReadBuffer();
            ReadBuffer value = new ReadBuffer();
            for (toFirst(cursor, scan); left > 0 && cursor.isValid(); step(cursor, scan)) {
                budget.look();
                cursor.value(value);
                int valueBytes = format.livingBytes(value, now);
                if (valueBytes >= 0) {
                    cursor.key(key);
                    int keyBytes = format.user(key);
                    int shownBytes = scan.keyOnly() ? 0 : valueBytes;
                    budget.take(keyBytes, shownBytes);
                    found.add(key.array(), keyBytes, value.array(), shownBytes);
                    left--;
                }
            }
        }
    }

    private static void toFirst(KvCursor cursor, RawScan scan) {
        if (scan.reverse()) {
            cursor.seekToLast();
        } else {
            cursor.seekToFirst();
        }
    }

    private static void step(KvCursor cursor, RawScan scan) {
        if (scan.reverse()) {
            cursor.prev();
        } else {
            cursor.next();
        }
    }

    /** {@code range.start ≤ start ≤ range.end}: a reverse scan begins at the Region's end, which it excludes. */
    static void checkStart(KvContext ctx, ByteKey start, KeyRange range) {
        boolean inside =
                range.start().compareTo(start) <= 0 && (range.end().isEmpty() || start.compareTo(range.end()) <= 0);
        if (!inside) {
            throw RegionErrors.keyNotInRegion(
                    start.toByteString(),
                    Region.newBuilder()
                            .setId(ctx.request().getRegionId())
                            .setStartKey(range.start().toByteString())
                            .setEndKey(range.end().toByteString())
                            .build());
        }
    }
}
