package io.rutile.storage.txn;

import com.google.protobuf.UnsafeByteOperations;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.kvrpcpb.MvccGetByKeyRequest;
import io.rutile.protocol.kvrpcpb.MvccGetByKeyResponse;
import io.rutile.protocol.kvrpcpb.MvccGetByStartTsRequest;
import io.rutile.protocol.kvrpcpb.MvccGetByStartTsResponse;
import io.rutile.protocol.kvrpcpb.MvccInfo;
import io.rutile.protocol.kvrpcpb.MvccLock;
import io.rutile.protocol.kvrpcpb.MvccValue;
import io.rutile.protocol.kvrpcpb.MvccWrite;
import io.rutile.storage.command.AnswerBudget;
import io.rutile.storage.command.ReadPool;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.mvcc.Lock;
import io.rutile.storage.mvcc.MvccKey;
import io.rutile.storage.mvcc.MvccReader;
import io.rutile.storage.mvcc.MvccScanner;
import io.rutile.storage.mvcc.Ts;
import io.rutile.storage.mvcc.Version;
import io.rutile.storage.mvcc.WriteKind;
import java.util.concurrent.CompletableFuture;

/** MvccGetByKey and MvccGetByStartTs: everything that is stored about a key, for whoever asks why. */
public final class MvccInspection {

    /** Records of one key that are shown. */
    private static final int RECORDS_MAX = 1024;

    private final ReadPool pool;
    private final long answerBytesMax;

    public MvccInspection(ReadPool pool, long answerBytesMax) {
        this.pool = pool;
        this.answerBytesMax = answerBytesMax;
    }

    public CompletableFuture<MvccGetByKeyResponse> byKey(KvContext ctx, MvccGetByKeyRequest request) {
        MvccKey key = MvccKey.of(request.getKey());
        return pool.read(ctx, snapshot -> {
            try (MvccReader reader = new MvccReader(snapshot)) {
                return MvccGetByKeyResponse.newBuilder()
                        .setInfo(of(reader, key))
                        .build();
            }
        });
    }

    /** The Region's first key with a record of that transaction; a lock alone isn't one. */
    public CompletableFuture<MvccGetByStartTsResponse> byStartTs(KvContext ctx, MvccGetByStartTsRequest request) {
        return pool.read(ctx, snapshot -> {
            AnswerBudget budget = new AnswerBudget(ctx, answerBytesMax);
            try (MvccReader reader = new MvccReader(snapshot);
                    MvccScanner keys = new MvccScanner(snapshot, KeyRange.ALL, false)) {
                for (MvccScanner.Found found = keys.next(); found != null; found = keys.next()) {
                    budget.look();
                    if (hasRecord(reader, found.key(), request.getStartTs())) {
                        return MvccGetByStartTsResponse.newBuilder()
                                .setKey(found.key().user().toByteString())
                                .setInfo(of(reader, found.key()))
                                .build();
                    }
                }
                return MvccGetByStartTsResponse.newBuilder()
                        .setInfo(MvccInfo.getDefaultInstance())
                        .build();
            }
        });
    }

    private static boolean hasRecord(MvccReader reader, MvccKey key, long startTs) {
        for (Version version = reader.seek(key, Ts.MAX); version != null; version = reader.next(key)) {
            if (version.write().startTs() == startTs) {
                return true;
            }
        }
        return false;
    }

    static MvccInfo of(MvccReader reader, MvccKey key) {
        MvccInfo.Builder info = MvccInfo.newBuilder();
        Lock lock = reader.lock(key);
        if (lock != null) {
            info.setLock(shown(lock));
        }
        int shown = 0;
        for (Version version = reader.seek(key, Ts.MAX);
                version != null && shown < RECORDS_MAX;
                version = reader.next(key)) {
            info.addWrites(shown(version));
            if (version.kind() == WriteKind.PUT && version.write().shortValue() == null) {
                info.addValues(MvccValue.newBuilder()
                        .setStartTs(version.write().startTs())
                        .setValue(UnsafeByteOperations.unsafeWrap(reader.value(key, version))));
            }
            shown++;
        }
        return info.build();
    }

    private static MvccLock shown(Lock lock) {
        MvccLock.Builder shown = MvccLock.newBuilder()
                .setType(lock.kind().op())
                .setStartTs(lock.startTs())
                .setPrimary(lock.primary().toByteString())
                .setTtl(lock.ttlMs())
                .setForUpdateTs(lock.forUpdateTs())
                .setTxnSize(lock.txnSize())
                .setUseAsyncCommit(lock.isAsyncCommit())
                .addAllRollbackTs(lock.rolledBack());
        lock.secondaries().forEach(secondary -> shown.addSecondaries(secondary.toByteString()));
        byte[] value = lock.shortValue();
        if (value != null) {
            shown.setShortValue(UnsafeByteOperations.unsafeWrap(value));
        }
        return shown.build();
    }

    private static MvccWrite shown(Version version) {
        MvccWrite.Builder shown = MvccWrite.newBuilder()
                .setType(version.kind().op())
                .setStartTs(version.write().startTs())
                .setCommitTs(version.ts())
                .setHasOverlappedRollback(version.write().overlappedRollback());
        byte[] value = version.write().shortValue();
        if (value != null) {
            shown.setShortValue(UnsafeByteOperations.unsafeWrap(value));
        }
        return shown.build();
    }
}
