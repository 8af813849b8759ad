package io.rutile.storage.raw;

import io.rutile.protocol.KeyRange;
import io.rutile.protocol.WireLimits;
import io.rutile.protocol.kvrpcpb.ChecksumAlgorithm;
import io.rutile.storage.command.AnswerBudget;
import io.rutile.storage.command.ReadPool;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.KvCursor;
import io.rutile.storage.engine.KvSnapshot;
import io.rutile.storage.engine.ReplicaRead;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * A digest of what clients can see in some ranges: CRC-64/XZ over key and value of each pair, xor-ed. Neither order nor encoding
 * matter, so that stores with and without TTL agree. Default column family only.
 */
public final class RawChecksum {

    private final ReadPool reads;
    private final RawFormat format;

    public RawChecksum(ReadPool reads, RawFormat format) {
        this.reads = reads;
        this.format = format;
    }

    public CompletableFuture<RawChecksumResult> checksum(
            KvContext ctx, ChecksumAlgorithm algorithm, List<KeyRange> ranges) {
        Cf cf = format.cf(ctx.request(), "");
        if (algorithm != ChecksumAlgorithm.Crc64_Xor) {
            throw new RawFailure("unknown checksum algorithm " + algorithm);
        }
        RawLimits.checkItems(ctx, ranges.size(), WireLimits.BATCH_ITEMS_MAX);
        return reads.read(ctx.reading(() -> ReplicaRead.RAW), snapshot -> {
            long now = format.nowSeconds();
            // It answers three numbers: only its time is bounded.
            AnswerBudget budget = new AnswerBudget(ctx, Long.MAX_VALUE);
            RawChecksumResult sum = new RawChecksumResult(0, 0, 0);
            for (KeyRange asked : ranges) {
                KeyRange range = format.stored(asked);
                RawScans.checkStart(ctx, range.start(), snapshot.range());
                sum = add(sum, snapshot, cf, range, now, budget);
            }
            return sum;
        });
    }

    private RawChecksumResult add(
            RawChecksumResult before, KvSnapshot snapshot, Cf cf, KeyRange range, long now, AnswerBudget budget) {
        long checksum = before.checksum();
        long kvs = before.totalKvs();
        long bytes = before.totalBytes();
        try (KvCursor cursor = snapshot.coldCursor(cf, range)) {
            for (cursor.seekToFirst(); cursor.isValid(); cursor.next()) {
                budget.look();
                RawValue value = format.decode(cursor.value());
                if (!value.isExpired(now)) {
                    byte[] key = format.user(cursor.key()).bytes();
                    checksum ^= new Crc64().update(key).update(value.value()).value();
                    kvs++;
                    bytes += key.length + value.value().length;
                }
            }
        }
        return new RawChecksumResult(checksum, kvs, bytes);
    }
}
