package io.rutile.storage.txn;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.storage.command.ReadPool;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.KvCursor;
import io.rutile.storage.engine.KvSnapshot;
import io.rutile.storage.mvcc.Garbage;
import io.rutile.storage.mvcc.GcProgress;
import io.rutile.storage.mvcc.MvccKey;
import io.rutile.storage.mvcc.MvccReader;
import io.rutile.storage.mvcc.MvccTxn;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Drops versions that nobody may read any more (P7), a bounded stretch of keys at a time: looked through without latches, removed
 * under them through the Region's log, like every other change.
 */
public final class GarbageCollection {

    /** Keys with garbage that are cleaned in one write. */
    private static final int KEYS_AT_A_TIME = 256;

    /** Records that one stretch looks at. */
    private static final int RECORDS_AT_A_TIME = 16_384;

    /** Records that one write removes: a key may have more than an entry can hold. */
    private static final int REMOVALS_AT_A_TIME = 1_024;

    /** Bytes of a write, at a guess. */
    private static final int WRITE_BYTES = 256 * REMOVALS_AT_A_TIME;

    private final ReadPool pool;
    private final TxnScheduler scheduler;

    public GarbageCollection(ReadPool pool, TxnScheduler scheduler) {
        this.pool = pool;
        this.scheduler = scheduler;
    }

    /** One stretch. @param from an encoded key, empty for the Region's first */
    public CompletableFuture<GcProgress> collect(KvContext ctx, long safePoint, ByteKey from) {
        return pool.read(ctx, snapshot -> look(snapshot, safePoint, from)).thenCompose(stretch -> {
            if (stretch.keys().isEmpty()) {
                return CompletableFuture.completedFuture(new GcProgress(0, stretch.next()));
            }
            return scheduler
                    .runOwn(ctx, new Removal(ctx.request(), stretch.keys(), safePoint))
                    .thenApply(done -> new GcProgress(
                            done.records(), done.unfinished() == null ? stretch.next() : done.unfinished()));
        });
    }

    private static Stretch look(KvSnapshot snapshot, long safePoint, ByteKey from) {
        List<MvccKey> keys = new ArrayList<>();
        int records = 0;
        MvccKey key = null;
        try (MvccReader reader = new MvccReader(snapshot);
                KvCursor cursor = snapshot.coldCursor(Cf.WRITE, new KeyRange(from, ByteKey.EMPTY))) {
            for (cursor.seekToFirst(); cursor.isValid(); cursor.next()) {
                byte[] at = cursor.key();
                if (key != null && key.holds(at)) {
                    records++;
                    continue;
                }
                MvccKey next = MvccKey.ofVersion(at);
                if (records >= RECORDS_AT_A_TIME || keys.size() >= KEYS_AT_A_TIME) {
                    return new Stretch(keys, next.encoded());
                }
                key = next;
                records++;
                if (Garbage.isIn(reader, key, safePoint)) {
                    keys.add(key);
                }
            }
        }
        return new Stretch(keys, null);
    }

    /** @param next where the next stretch begins, null at the Region's end */
    private record Stretch(List<MvccKey> keys, @Nullable ByteKey next) {}

    /** @param unfinished the key that may still have garbage, null if none has */
    private record Removed(long records, @Nullable ByteKey unfinished) {}

    private static final class Removal extends TxnCommand<Removed> {
        private final long safePoint;

        private Removal(Context context, List<MvccKey> keys, long safePoint) {
            super(context, keys, WRITE_BYTES);
            this.safePoint = safePoint;
        }

        @Override
        Removed decide(MvccReader reader, MvccTxn txn) {
            int removed = 0;
            for (MvccKey key : keys()) {
                int left = REMOVALS_AT_A_TIME - removed;
                removed += Garbage.remove(reader, key, safePoint, left, txn);
                if (removed == REMOVALS_AT_A_TIME) {
                    return new Removed(removed, key.encoded());
                }
            }
            return new Removed(removed, null);
        }

        @Override
        Removed refused(KeyError error) {
            return new Removed(0, null); // it has no reason to be
        }
    }
}
