package io.rutile.storage.txn;

import io.rutile.protocol.KeyRange;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.protocol.kvrpcpb.ScanLockRequest;
import io.rutile.protocol.kvrpcpb.ScanLockResponse;
import io.rutile.storage.command.AnswerBudget;
import io.rutile.storage.command.ConcurrencyManager;
import io.rutile.storage.command.ReadPool;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.KvCursor;
import io.rutile.storage.mvcc.KeyFailure;
import io.rutile.storage.mvcc.Lock;
import io.rutile.storage.mvcc.MvccKey;
import io.rutile.storage.mvcc.Ts;
import java.util.concurrent.CompletableFuture;

/** KvScanLock: the locks of transactions that began at or before a version. Garbage collection begins with it (P7). */
public final class ScanLock {

    private final ReadPool pool;
    private final ConcurrencyManager concurrency;
    private final long answerBytesMax;

    public ScanLock(ReadPool pool, ConcurrencyManager concurrency, long answerBytesMax) {
        this.pool = pool;
        this.concurrency = concurrency;
        this.answerBytesMax = answerBytesMax;
    }

    public CompletableFuture<ScanLockResponse> scan(KvContext ctx, ScanLockRequest request) {
        long maxVersion = request.getMaxVersion();
        KeyRange range = TxnScans.encoded(request.getStartKey(), request.getEndKey());
        concurrency.raise(maxVersion);
        KeyFailure inMemory = concurrency.first(
                range, (key, lock) -> Ts.isAfter(lock.startTs(), maxVersion) ? null : KeyFailure.locked(key, lock));
        if (inMemory != null) {
            return CompletableFuture.completedFuture(
                    ScanLockResponse.newBuilder().setError(inMemory.error()).build());
        }
        return pool.read(ctx, snapshot -> {
            AnswerBudget budget = new AnswerBudget(ctx, answerBytesMax);
            ScanLockResponse.Builder answer = ScanLockResponse.newBuilder();
            long left = request.getLimit() == 0 ? Long.MAX_VALUE : Integer.toUnsignedLong(request.getLimit());
            try (KvCursor cursor = snapshot.coldCursor(Cf.LOCK, range)) {
                for (cursor.seekToFirst(); left > 0 && cursor.isValid(); cursor.next()) {
                    budget.look();
                    Lock lock = Lock.decode(cursor.value());
                    if (!Ts.isAfter(lock.startTs(), maxVersion)) {
                        LockInfo info =
                                lock.toInfo(MvccKey.ofEncoded(cursor.key()).user());
                        budget.take(0, info.getSerializedSize());
                        answer.addLocks(info);
                        left--;
                    }
                }
            }
            return answer.build();
        });
    }
}
