package io.rutile.storage.txn;

import static io.rutile.storage.StoreFixture.await;
import static io.rutile.storage.txn.TxnWords.MAX;
import static io.rutile.storage.txn.TxnWords.utf8;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.MemComparable;
import io.rutile.protocol.deadlock.WaitForEntry;
import io.rutile.protocol.kvrpcpb.BatchRollbackRequest;
import io.rutile.protocol.kvrpcpb.BatchRollbackResponse;
import io.rutile.protocol.kvrpcpb.BufferBatchGetRequest;
import io.rutile.protocol.kvrpcpb.CheckSecondaryLocksRequest;
import io.rutile.protocol.kvrpcpb.CheckSecondaryLocksResponse;
import io.rutile.protocol.kvrpcpb.CheckTxnStatusRequest;
import io.rutile.protocol.kvrpcpb.CheckTxnStatusResponse;
import io.rutile.protocol.kvrpcpb.CleanupRequest;
import io.rutile.protocol.kvrpcpb.CleanupResponse;
import io.rutile.protocol.kvrpcpb.CommitRequest;
import io.rutile.protocol.kvrpcpb.CommitResponse;
import io.rutile.protocol.kvrpcpb.CommitRole;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.DeleteRangeRequest;
import io.rutile.protocol.kvrpcpb.DeleteRangeResponse;
import io.rutile.protocol.kvrpcpb.FlushRequest;
import io.rutile.protocol.kvrpcpb.FlushResponse;
import io.rutile.protocol.kvrpcpb.GetLockWaitInfoRequest;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.protocol.kvrpcpb.Mutation;
import io.rutile.protocol.kvrpcpb.MvccGetByKeyRequest;
import io.rutile.protocol.kvrpcpb.MvccGetByKeyResponse;
import io.rutile.protocol.kvrpcpb.MvccGetByStartTsRequest;
import io.rutile.protocol.kvrpcpb.MvccGetByStartTsResponse;
import io.rutile.protocol.kvrpcpb.MvccInfo;
import io.rutile.protocol.kvrpcpb.PessimisticRollbackRequest;
import io.rutile.protocol.kvrpcpb.ResolveLockRequest;
import io.rutile.protocol.kvrpcpb.ResolveLockResponse;
import io.rutile.protocol.kvrpcpb.ScanLockRequest;
import io.rutile.protocol.kvrpcpb.ScanLockResponse;
import io.rutile.protocol.kvrpcpb.TxnHeartBeatRequest;
import io.rutile.protocol.kvrpcpb.TxnHeartBeatResponse;
import io.rutile.protocol.kvrpcpb.TxnInfo;
import io.rutile.storage.ManualClock;
import io.rutile.storage.Storage;
import io.rutile.storage.StorageOptions;
import io.rutile.storage.StoreFixture;
import io.rutile.storage.command.ApiVersion;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.LocalKv;
import io.rutile.storage.mvcc.GcProgress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.UnaryOperator;
import org.awaitility.Awaitility;

/**
 * Transactions over one local engine, in the words of the conformance cases: {@code db.prewrite(put("k", "v")).at(10).ok()}.
 *
 * <p>Words without an answer must succeed. Keys and values are text.
 */
final class TxnFixture implements AutoCloseable {

    final LocalKv kv;
    final Storage storage;
    private final Path directory;

    private TxnFixture(Path directory, LocalKv kv) {
        this.directory = directory;
        this.kv = kv;
        this.storage = new Storage(kv, StorageOptions.of(ApiVersion.V1), new ManualClock(), new SimpleMeterRegistry());
    }

    static TxnFixture open(Path directory) {
        return open(directory, Runnable::run);
    }

    static TxnFixture open(Path directory, Executor apply) {
        return new TxnFixture(directory, LocalKv.open(directory, KeyRange.ALL, apply));
    }

    /** The same engine as a Region with borders; closes this fixture. */
    TxnFixture reopenedAsRegion(String start, String end) {
        close();
        return new TxnFixture(
                directory, LocalKv.open(directory, new KeyRange(encoded(start), encoded(end)), Runnable::run));
    }

    private static ByteKey encoded(String key) {
        return ByteKey.wrap(MemComparable.encode(StoreFixture.bytes(key)));
    }

    static Context context() {
        return StoreFixture.request();
    }

    static KvContext ctx() {
        return ctx(context());
    }

    static KvContext ctx(Context request) {
        return KvContext.of(request, System.nanoTime() + Duration.ofSeconds(30).toNanos());
    }

    // What is given

    /** {@code k=v@5→8}: prewritten and committed. */
    void wrote(String key, String value, long startTs, long commitTs) {
        given(TxnWords.put(key, value), startTs, commitTs);
    }

    void deleted(String key, long startTs, long commitTs) {
        given(TxnWords.del(key), startTs, commitTs);
    }

    void given(Mutation mutation, long startTs, long commitTs) {
        prewrite(mutation).at(startTs).ok();
        committed(startTs, commitTs, mutation.getKey().toStringUtf8());
    }

    /** A read of another key at this version happened. */
    void readAt(long version) {
        assertThat(get("elsewhere", version)).isEqualTo("not_found");
    }

    // What is done

    PrewriteCall prewrite(Mutation... mutations) {
        return new PrewriteCall(this, mutations);
    }

    LockCall lock(String... keys) {
        return new LockCall(this, keys);
    }

    CommitResponse commit(long startTs, long commitTs, String... keys) {
        return commit(startTs, commitTs, CommitRole.Unknown, keys);
    }

    CommitResponse commit(long startTs, long commitTs, CommitRole role, String... keys) {
        CommitRequest request = CommitRequest.newBuilder()
                .setContext(context())
                .setStartVersion(startTs)
                .setCommitVersion(commitTs)
                .setCommitRole(role)
                .addAllKeys(bytes(keys))
                .build();
        return await(storage.kvCommit(ctx(), request));
    }

    void committed(long startTs, long commitTs, String... keys) {
        CommitResponse response = commit(startTs, commitTs, keys);
        assertThat(response.hasError()).as("%s", response).isFalse();
        assertThat(response.getCommitVersion()).isEqualTo(commitTs);
    }

    BatchRollbackResponse batchRollback(long startTs, String... keys) {
        BatchRollbackRequest request = BatchRollbackRequest.newBuilder()
                .setContext(context())
                .setStartVersion(startTs)
                .addAllKeys(bytes(keys))
                .build();
        return await(storage.kvBatchRollback(ctx(), request));
    }

    void rolledBack(long startTs, String... keys) {
        BatchRollbackResponse response = batchRollback(startTs, keys);
        assertThat(response.hasError()).as("%s", response).isFalse();
    }

    void pessimisticRollback(long startTs, long forUpdateTs, String... keys) {
        PessimisticRollbackRequest request = PessimisticRollbackRequest.newBuilder()
                .setContext(context())
                .setStartVersion(startTs)
                .setForUpdateTs(forUpdateTs)
                .addAllKeys(bytes(keys))
                .build();
        assertThat(await(storage.kvPessimisticRollback(ctx(), request)).getErrorsList())
                .isEmpty();
    }

    CleanupResponse cleanup(String key, long startTs, long currentTs) {
        CleanupRequest request = CleanupRequest.newBuilder()
                .setContext(context())
                .setKey(utf8(key))
                .setStartVersion(startTs)
                .setCurrentTs(currentTs)
                .build();
        return await(storage.kvCleanup(ctx(), request));
    }

    void cleanedUp(String key, long startTs) {
        assertThat(cleanup(key, startTs, 0)).isEqualTo(CleanupResponse.getDefaultInstance());
    }

    TxnHeartBeatResponse heartBeat(String primary, long startTs, long adviseTtlMs, long minCommitTs) {
        TxnHeartBeatRequest request = TxnHeartBeatRequest.newBuilder()
                .setContext(context())
                .setPrimaryLock(utf8(primary))
                .setStartVersion(startTs)
                .setAdviseLockTtl(adviseTtlMs)
                .setMinCommitTs(minCommitTs)
                .build();
        return await(storage.kvTxnHeartBeat(ctx(), request));
    }

    CheckTxnStatusResponse check(String primary, long lockTs, long callerTs, long currentTs) {
        return check(primary, lockTs, callerTs, currentTs, request -> request);
    }

    CheckTxnStatusResponse check(
            String primary,
            long lockTs,
            long callerTs,
            long currentTs,
            UnaryOperator<CheckTxnStatusRequest.Builder> more) {
        CheckTxnStatusRequest.Builder request = CheckTxnStatusRequest.newBuilder()
                .setContext(context())
                .setPrimaryKey(utf8(primary))
                .setLockTs(lockTs)
                .setCallerStartTs(callerTs)
                .setCurrentTs(currentTs);
        return await(storage.kvCheckTxnStatus(ctx(), more.apply(request).build()));
    }

    CheckSecondaryLocksResponse checkSecondaries(long startTs, String... keys) {
        CheckSecondaryLocksRequest request = CheckSecondaryLocksRequest.newBuilder()
                .setContext(context())
                .setStartVersion(startTs)
                .addAllKeys(bytes(keys))
                .build();
        return await(storage.kvCheckSecondaryLocks(ctx(), request));
    }

    ResolveLockResponse resolve(long startTs, long commitTs, String... keys) {
        return resolve(ResolveLockRequest.newBuilder()
                .setStartVersion(startTs)
                .setCommitVersion(commitTs)
                .addAllKeys(bytes(keys)));
    }

    ResolveLockResponse resolve(ResolveLockRequest.Builder request) {
        return await(storage.kvResolveLock(ctx(), request.setContext(context()).build()));
    }

    void resolved(long startTs, long commitTs, String... keys) {
        assertThat(resolve(startTs, commitTs, keys)).isEqualTo(ResolveLockResponse.getDefaultInstance());
    }

    static TxnInfo outcome(long startTs, long commitTs) {
        return TxnInfo.newBuilder().setTxn(startTs).setStatus(commitTs).build();
    }

    CompletableFuture<DeleteRangeResponse> deleteRange(String start, String end, boolean notifyOnly) {
        DeleteRangeRequest request = DeleteRangeRequest.newBuilder()
                .setContext(context())
                .setStartKey(utf8(start))
                .setEndKey(utf8(end))
                .setNotifyOnly(notifyOnly)
                .build();
        return storage.kvDeleteRange(ctx(), request);
    }

    /** Passes until the end of the Region. */
    long gc(long safePoint) {
        long removed = 0;
        ByteKey from = ByteKey.EMPTY;
        while (from != null) {
            GcProgress pass = await(storage.gc(ctx(), safePoint, from));
            removed += pass.removedVersions();
            from = pass.next();
        }
        return removed;
    }

    FlushResponse flush(long startTs, long generation, String primary, Mutation... mutations) {
        FlushRequest request = FlushRequest.newBuilder()
                .setContext(context())
                .setStartTs(startTs)
                .setMinCommitTs(startTs + 1)
                .setGeneration(generation)
                .setPrimaryKey(utf8(primary))
                .setLockTtl(PrewriteCall.TTL_MS)
                .addAllMutations(List.of(mutations))
                .build();
        return await(storage.kvFlush(ctx(), request));
    }

    void flushed(long startTs, long generation, String primary, Mutation... mutations) {
        assertThat(flush(startTs, generation, primary, mutations).getErrorsList())
                .isEmpty();
    }

    // What is seen

    Reading reading(long version) {
        return new Reading(this, version);
    }

    /** The value at a version, {@code not_found}, or {@code locked@10}. */
    String get(String key, long version) {
        return reading(version).value(key);
    }

    List<String> buffered(long startTs, String... keys) {
        BufferBatchGetRequest request = BufferBatchGetRequest.newBuilder()
                .setContext(context())
                .setVersion(startTs)
                .addAllKeys(bytes(keys))
                .build();
        return TxnWords.shown(await(storage.kvBufferBatchGet(ctx(), request)).getPairsList());
    }

    ScanLockResponse scanLocks(String start, String end, long maxVersion, int limit) {
        ScanLockRequest request = ScanLockRequest.newBuilder()
                .setContext(context())
                .setStartKey(utf8(start))
                .setEndKey(utf8(end))
                .setMaxVersion(maxVersion)
                .setLimit(limit)
                .build();
        return await(storage.kvScanLock(ctx(), request));
    }

    /** Every lock, as {@code k@10}. */
    List<String> locks() {
        return scanLocks("", "", MAX, 0).getLocksList().stream()
                .map(TxnWords::shown)
                .toList();
    }

    /** The lock on a key, which must be there. */
    LockInfo lockOn(String key) {
        List<LockInfo> found = scanLocks(key, key + "\0", MAX, 0).getLocksList();
        assertThat(found).as("lock on %s", key).hasSize(1);
        return found.get(0);
    }

    MvccInfo records(String key) {
        MvccGetByKeyResponse response = await(storage.mvccGetByKey(
                ctx(),
                MvccGetByKeyRequest.newBuilder()
                        .setContext(context())
                        .setKey(utf8(key))
                        .build()));
        assertThat(response.getError()).isEmpty();
        return response.getInfo();
    }

    /** The write records of a key, newest first, as {@code Put 5→10}. */
    List<String> writes(String key) {
        return records(key).getWritesList().stream().map(TxnWords::shown).toList();
    }

    MvccGetByStartTsResponse recordsOf(long startTs) {
        MvccGetByStartTsResponse response = await(storage.mvccGetByStartTs(
                ctx(),
                MvccGetByStartTsRequest.newBuilder()
                        .setContext(context())
                        .setStartTs(startTs)
                        .build()));
        assertThat(response.getError()).isEmpty();
        return response;
    }

    /** Whether the Rollback at this timestamp, a key's newest record, survives that a later one is rolled back. Changes the key. */
    boolean isProtected(String key, long rollbackTs) {
        String record = "Rollback " + Long.toUnsignedString(rollbackTs) + "→" + Long.toUnsignedString(rollbackTs);
        assertThat(writes(key)).first().isEqualTo(record);
        rolledBack(rollbackTs + 1, key);
        return writes(key).contains(record);
    }

    long maxTs() {
        return storage.concurrency().maxTs();
    }

    void awaitWaiters(int count) {
        Awaitility.await().until(() -> waiters() == count);
    }

    int waiters() {
        return waits().size();
    }

    /** Who waits for whom. */
    List<WaitForEntry> waits() {
        return await(storage.getLockWaitInfo(
                        ctx(),
                        GetLockWaitInfoRequest.newBuilder()
                                .setContext(context())
                                .build()))
                .getEntriesList();
    }

    private static List<ByteString> bytes(String... keys) {
        return Arrays.stream(keys).map(TxnWords::utf8).toList();
    }

    @Override
    public void close() {
        storage.close();
        kv.close();
    }
}
