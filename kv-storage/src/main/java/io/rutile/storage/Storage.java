package io.rutile.storage;

import com.google.protobuf.Message;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.PairBytes;
import io.rutile.protocol.RegionException;
import io.rutile.protocol.kvrpcpb.BatchGetRequest;
import io.rutile.protocol.kvrpcpb.BatchGetResponse;
import io.rutile.protocol.kvrpcpb.BatchRollbackRequest;
import io.rutile.protocol.kvrpcpb.BatchRollbackResponse;
import io.rutile.protocol.kvrpcpb.BufferBatchGetRequest;
import io.rutile.protocol.kvrpcpb.BufferBatchGetResponse;
import io.rutile.protocol.kvrpcpb.CheckSecondaryLocksRequest;
import io.rutile.protocol.kvrpcpb.CheckSecondaryLocksResponse;
import io.rutile.protocol.kvrpcpb.CheckTxnStatusRequest;
import io.rutile.protocol.kvrpcpb.CheckTxnStatusResponse;
import io.rutile.protocol.kvrpcpb.ChecksumAlgorithm;
import io.rutile.protocol.kvrpcpb.CleanupRequest;
import io.rutile.protocol.kvrpcpb.CleanupResponse;
import io.rutile.protocol.kvrpcpb.CommitRequest;
import io.rutile.protocol.kvrpcpb.CommitResponse;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.DeleteRangeRequest;
import io.rutile.protocol.kvrpcpb.DeleteRangeResponse;
import io.rutile.protocol.kvrpcpb.FlushRequest;
import io.rutile.protocol.kvrpcpb.FlushResponse;
import io.rutile.protocol.kvrpcpb.GetLockWaitInfoRequest;
import io.rutile.protocol.kvrpcpb.GetLockWaitInfoResponse;
import io.rutile.protocol.kvrpcpb.GetRequest;
import io.rutile.protocol.kvrpcpb.GetResponse;
import io.rutile.protocol.kvrpcpb.MvccGetByKeyRequest;
import io.rutile.protocol.kvrpcpb.MvccGetByKeyResponse;
import io.rutile.protocol.kvrpcpb.MvccGetByStartTsRequest;
import io.rutile.protocol.kvrpcpb.MvccGetByStartTsResponse;
import io.rutile.protocol.kvrpcpb.PessimisticLockRequest;
import io.rutile.protocol.kvrpcpb.PessimisticLockResponse;
import io.rutile.protocol.kvrpcpb.PessimisticRollbackRequest;
import io.rutile.protocol.kvrpcpb.PessimisticRollbackResponse;
import io.rutile.protocol.kvrpcpb.PrewriteRequest;
import io.rutile.protocol.kvrpcpb.PrewriteResponse;
import io.rutile.protocol.kvrpcpb.ResolveLockRequest;
import io.rutile.protocol.kvrpcpb.ResolveLockResponse;
import io.rutile.protocol.kvrpcpb.ScanLockRequest;
import io.rutile.protocol.kvrpcpb.ScanLockResponse;
import io.rutile.protocol.kvrpcpb.ScanRequest;
import io.rutile.protocol.kvrpcpb.TxnHeartBeatRequest;
import io.rutile.protocol.kvrpcpb.TxnHeartBeatResponse;
import io.rutile.storage.command.CommandScheduler;
import io.rutile.storage.command.ConcurrencyManager;
import io.rutile.storage.command.DeadlockDetection;
import io.rutile.storage.command.DeadlockDetector;
import io.rutile.storage.command.Latches;
import io.rutile.storage.command.LockWaitQueue;
import io.rutile.storage.command.ReadPool;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.ReplicatedKv;
import io.rutile.storage.mvcc.GcProgress;
import io.rutile.storage.raw.RawCasRequest;
import io.rutile.storage.raw.RawCasResult;
import io.rutile.storage.raw.RawChecksum;
import io.rutile.storage.raw.RawChecksumResult;
import io.rutile.storage.raw.RawCompareAndSwap;
import io.rutile.storage.raw.RawFailure;
import io.rutile.storage.raw.RawFormat;
import io.rutile.storage.raw.RawPair;
import io.rutile.storage.raw.RawReads;
import io.rutile.storage.raw.RawScan;
import io.rutile.storage.raw.RawScans;
import io.rutile.storage.raw.RawTtlSweeper;
import io.rutile.storage.raw.RawWrites;
import io.rutile.storage.txn.BatchRollback;
import io.rutile.storage.txn.CheckSecondaryLocks;
import io.rutile.storage.txn.CheckTxnStatus;
import io.rutile.storage.txn.Cleanup;
import io.rutile.storage.txn.Commit;
import io.rutile.storage.txn.DeleteRange;
import io.rutile.storage.txn.Flush;
import io.rutile.storage.txn.GarbageCollection;
import io.rutile.storage.txn.LockSweep;
import io.rutile.storage.txn.LockWaitInfo;
import io.rutile.storage.txn.MvccInspection;
import io.rutile.storage.txn.PessimisticLocking;
import io.rutile.storage.txn.Prewrite;
import io.rutile.storage.txn.ScanLock;
import io.rutile.storage.txn.TxnHeartBeat;
import io.rutile.storage.txn.TxnReads;
import io.rutile.storage.txn.TxnScans;
import io.rutile.storage.txn.TxnScheduler;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The front door of a store's data: one method per RPC, each of which only forwards.
 *
 * <p>Every future fails with {@link io.rutile.storage.raw.RawFailure} for what becomes the response's {@code error}, and with
 * {@link io.rutile.protocol.RegionException} for what becomes its {@code region_error}; anything else is a bug or a broken disk.
 * Transactional requests and responses are the protocol's own messages: what becomes of a key is in the response's errors.
 * Futures complete on the store's own threads: hand over, don't work. Safe from every thread.
 *
 * <p>{@code cf} is the request's text: {@code ""}, {@code default}, {@code write} or {@code lock}.
 */
public final class Storage implements AutoCloseable {

    private final ReadPool pool;
    private final RawReads reads;
    private final RawScans scans;
    private final RawChecksum checksum;
    private final RawWrites writes;
    private final RawCompareAndSwap compareAndSwap;
    private final @Nullable RawTtlSweeper sweeper;
    private final ConcurrencyManager concurrency;
    private final LockWaitQueue lockWaits;
    private final TxnReads txnReads;
    private final TxnScans txnScans;
    private final TxnScheduler transactions;
    private final PessimisticLocking pessimisticLocking;
    private final LockSweep lockSweep;
    private final ScanLock scanLock;
    private final DeleteRange deleteRange;
    private final MvccInspection inspection;
    private final LockWaitInfo lockWaitInfo;
    private final GarbageCollection garbageCollection;

    /** A store that is a cluster of its own: its timestamps have no limit, and it finds its deadlocks itself. */
    public Storage(ReplicatedKv kv, StorageOptions options, Clock clock, MeterRegistry metrics) {
        this(
                kv,
                ConcurrencyManager.unlimited(),
                new DeadlockDetector(options.lockWaitDefault().multipliedBy(2), options.lockWaitersMax()),
                options,
                clock,
                metrics);
    }

    /**
     * Starts its read threads; the sweeper of expired pairs waits for {@link #startTtlSweeper}.
     *
     * @param kv consistent reads and replicated writes; not closed here
     * @param concurrency max_ts of this store
     * @param deadlocks finds circles over the whole cluster; not closed here
     * @param clock tells which pairs have expired
     */
    public Storage(
            ReplicatedKv kv,
            ConcurrencyManager concurrency,
            DeadlockDetection deadlocks,
            StorageOptions options,
            Clock clock,
            MeterRegistry metrics) {
        RawFormat format = new RawFormat(options.apiVersion(), clock);
        pool = new ReadPool(kv, options.readThreads(), options.readQueueMax(), metrics);
        Latches latches = new Latches(options.latchSlots(), options.latchWaitersMax());
        CommandScheduler scheduler = new CommandScheduler(kv, latches, pool, options.pendingWriteBytesMax(), metrics);
        reads = new RawReads(pool, format, options.answerBytesMax());
        scans = new RawScans(pool, format, options.answerBytesMax());
        checksum = new RawChecksum(pool, format);
        writes = new RawWrites(scheduler, format);
        compareAndSwap = new RawCompareAndSwap(scheduler, format);
        sweeper = options.apiVersion().hasTtl()
                ? new RawTtlSweeper(
                        pool, scheduler, format, options.ttlSweepInterval(), options.ttlSweepPairsPerSecond(), metrics)
                : null;
        this.concurrency = concurrency;
        lockWaits = new LockWaitQueue(options.lockWaitersMax(), metrics);
        txnReads = new TxnReads(pool, concurrency, options.apiVersion(), options.answerBytesMax());
        txnScans = new TxnScans(pool, concurrency, options.apiVersion(), options.answerBytesMax());
        transactions = new TxnScheduler(scheduler, concurrency, lockWaits, options.apiVersion());
        pessimisticLocking = new PessimisticLocking(transactions, lockWaits, deadlocks, options.lockWaitDefault());
        lockSweep = new LockSweep(pool, transactions);
        scanLock = new ScanLock(pool, concurrency, options.answerBytesMax());
        deleteRange = new DeleteRange(scheduler);
        inspection = new MvccInspection(pool, options.answerBytesMax());
        lockWaitInfo = new LockWaitInfo(lockWaits);
        garbageCollection = new GarbageCollection(pool, transactions);
    }

    /**
     * Reads one key.
     *
     * @return the value, or empty if the key is absent or expired
     */
    public CompletableFuture<Optional<byte[]>> rawGet(KvContext ctx, String cf, ByteKey key) {
        return checked(() -> reads.get(ctx, cf, key));
    }

    /**
     * Reads some keys of one Region, at most 10,240.
     *
     * @return the pairs found, in the order of {@code keys}
     */
    public CompletableFuture<List<RawPair>> rawBatchGet(KvContext ctx, String cf, List<ByteKey> keys) {
        return checked(() -> reads.batchGet(ctx, cf, keys));
    }

    /**
     * Writes one pair, whatever was there.
     *
     * @param ttlSeconds unsigned seconds until it expires; 0 for never
     */
    public CompletableFuture<Void> rawPut(KvContext ctx, String cf, ByteKey key, byte[] value, long ttlSeconds) {
        return checked(() -> writes.put(ctx, cf, key, value, ttlSeconds));
    }

    /**
     * Writes some pairs of one Region, all of them or none.
     *
     * @param ttlsSeconds none for never, one for all pairs, or one for each
     */
    public CompletableFuture<Void> rawBatchPut(KvContext ctx, String cf, List<RawPair> pairs, List<Long> ttlsSeconds) {
        return checked(() -> writes.batchPut(ctx, cf, pairs, ttlsSeconds));
    }

    /** Deletes one key; an absent one is fine. */
    public CompletableFuture<Void> rawDelete(KvContext ctx, String cf, ByteKey key) {
        return checked(() -> writes.delete(ctx, cf, key));
    }

    /** Deletes some keys of one Region, all of them or none. */
    public CompletableFuture<Void> rawBatchDelete(KvContext ctx, String cf, List<ByteKey> keys) {
        return checked(() -> writes.batchDelete(ctx, cf, keys));
    }

    /** Deletes {@code range}, which must lie inside the Region; an empty end only fits the last Region. */
    public CompletableFuture<Void> rawDeleteRange(KvContext ctx, String cf, KeyRange range) {
        return checked(() -> writes.deleteRange(ctx, cf, range));
    }

    /** Walks over one Region. The answer is complete, or refused with {@code RaftEntryTooLarge} because it would be too large. */
    public CompletableFuture<PairBytes> rawScan(KvContext ctx, String cf, RawScan scan) {
        return checked(() -> scans.scan(ctx, cf, scan));
    }

    /**
     * One scan after the other. Ranges are as the request has them: start and end in the direction of the walk; an empty end is
     * the next range's start.
     */
    public CompletableFuture<PairBytes> rawBatchScan(
            KvContext ctx, String cf, List<KeyRange> ranges, long eachLimit, boolean reverse, boolean keyOnly) {
        return checked(() -> scans.batchScan(ctx, cf, ranges, eachLimit, reverse, keyOnly));
    }

    /**
     * How long a pair still lives.
     *
     * @return seconds, 0 if it never expires; empty if the key is absent or expired
     */
    public CompletableFuture<OptionalLong> rawGetKeyTtl(KvContext ctx, String cf, ByteKey key) {
        return checked(() -> reads.ttl(ctx, cf, key));
    }

    /** Changes a key if its value is as expected; linearizable with every other write. */
    public CompletableFuture<RawCasResult> rawCompareAndSwap(KvContext ctx, String cf, RawCasRequest request) {
        return checked(() -> compareAndSwap.swap(ctx, cf, request));
    }

    /** A digest of the pairs in some ranges of one Region, default column family. */
    public CompletableFuture<RawChecksumResult> rawChecksum(
            KvContext ctx, ChecksumAlgorithm algorithm, List<KeyRange> ranges) {
        return checked(() -> checksum.checksum(ctx, algorithm, ranges));
    }

    /** Reads one key at a version. */
    public CompletableFuture<GetResponse> kvGet(KvContext ctx, GetRequest request) {
        return checked(() -> txnReads.get(ctx, request));
    }

    /** Reads some keys of one Region at a version. */
    public CompletableFuture<BatchGetResponse> kvBatchGet(KvContext ctx, BatchGetRequest request) {
        return checked(() -> txnReads.batchGet(ctx, request));
    }

    /** Walks over one Region at a version, in either direction. */
    public CompletableFuture<Message> kvScan(KvContext ctx, ScanRequest request) {
        return checked(() -> txnScans.scan(ctx, request));
    }

    /** Locks keys with what will be written there, or commits at once. */
    public CompletableFuture<PrewriteResponse> kvPrewrite(KvContext ctx, PrewriteRequest request) {
        return checked(() -> transactions.run(ctx, new Prewrite(concurrency, request)));
    }

    /** Locks keys before anything is written, waiting for others. */
    public CompletableFuture<PessimisticLockResponse> kvPessimisticLock(KvContext ctx, PessimisticLockRequest request) {
        return checked(() -> pessimisticLocking.lock(ctx, request));
    }

    /** Lets go of pessimistic locks. */
    public CompletableFuture<PessimisticRollbackResponse> kvPessimisticRollback(
            KvContext ctx, PessimisticRollbackRequest request) {
        return checked(() -> lockSweep.rollback(ctx, request));
    }

    /** Turns locks into records. */
    public CompletableFuture<CommitResponse> kvCommit(KvContext ctx, CommitRequest request) {
        return checked(() -> transactions.run(ctx, new Commit(request)));
    }

    /** Rolls a transaction back on one key, unless it lives. */
    public CompletableFuture<CleanupResponse> kvCleanup(KvContext ctx, CleanupRequest request) {
        return checked(() -> transactions.run(ctx, new Cleanup(request)));
    }

    /** Rolls a transaction back on some keys. */
    public CompletableFuture<BatchRollbackResponse> kvBatchRollback(KvContext ctx, BatchRollbackRequest request) {
        return checked(() -> transactions.run(ctx, new BatchRollback(request)));
    }

    /** Lets a primary's lock live longer. */
    public CompletableFuture<TxnHeartBeatResponse> kvTxnHeartBeat(KvContext ctx, TxnHeartBeatRequest request) {
        return checked(() -> transactions.run(ctx, new TxnHeartBeat(request)));
    }

    /** What became of a transaction; a dead one is rolled back. */
    public CompletableFuture<CheckTxnStatusResponse> kvCheckTxnStatus(KvContext ctx, CheckTxnStatusRequest request) {
        return checked(() -> transactions.run(ctx, new CheckTxnStatus(request)));
    }

    /** Whether keys of an async commit are all prewritten. */
    public CompletableFuture<CheckSecondaryLocksResponse> kvCheckSecondaryLocks(
            KvContext ctx, CheckSecondaryLocksRequest request) {
        return checked(() -> transactions.run(ctx, new CheckSecondaryLocks(request)));
    }

    /** The locks of old transactions in one Region. */
    public CompletableFuture<ScanLockResponse> kvScanLock(KvContext ctx, ScanLockRequest request) {
        return checked(() -> scanLock.scan(ctx, request));
    }

    /** Ends what ended transactions have left. */
    public CompletableFuture<ResolveLockResponse> kvResolveLock(KvContext ctx, ResolveLockRequest request) {
        return checked(() -> lockSweep.resolve(ctx, request));
    }

    /** Deletes a range for readers at every version. */
    public CompletableFuture<DeleteRangeResponse> kvDeleteRange(KvContext ctx, DeleteRangeRequest request) {
        return checked(() -> deleteRange.delete(ctx, request));
    }

    /** Prewrites a piece of a transaction that is still growing. */
    public CompletableFuture<FlushResponse> kvFlush(KvContext ctx, FlushRequest request) {
        return checked(() -> transactions.run(ctx, new Flush(request)));
    }

    /** What a transaction has flushed itself. */
    public CompletableFuture<BufferBatchGetResponse> kvBufferBatchGet(KvContext ctx, BufferBatchGetRequest request) {
        return checked(() -> txnReads.bufferBatchGet(ctx, request));
    }

    /** Everything that is stored about a key. */
    public CompletableFuture<MvccGetByKeyResponse> mvccGetByKey(KvContext ctx, MvccGetByKeyRequest request) {
        return checked(() -> inspection.byKey(ctx, request));
    }

    /** Everything that is stored about the first key that a transaction has written. */
    public CompletableFuture<MvccGetByStartTsResponse> mvccGetByStartTs(
            KvContext ctx, MvccGetByStartTsRequest request) {
        return checked(() -> inspection.byStartTs(ctx, request));
    }

    /** Who waits for which lock on this store. */
    public CompletableFuture<GetLockWaitInfoResponse> getLockWaitInfo(KvContext ctx, GetLockWaitInfoRequest request) {
        return checked(() -> CompletableFuture.completedFuture(lockWaitInfo.get()));
    }

    /** Drops the versions of one Region that nobody may read any more (P7): one bounded pass from {@code from} on. */
    public CompletableFuture<GcProgress> gc(KvContext ctx, long safePoint, ByteKey from) {
        return checked(() -> garbageCollection.collect(ctx, safePoint, from));
    }

    /** max_ts and the in-memory locks of this store. */
    public ConcurrencyManager concurrency() {
        return concurrency;
    }

    /**
     * Begins to remove expired pairs in the background; does nothing on a store without TTL.
     *
     * @param ledRegions what a request to each Region led by this store would say; asked once a pass
     */
    public void startTtlSweeper(Supplier<List<Context>> ledRegions) {
        if (sweeper != null) {
            sweeper.start(ledRegions);
        }
    }

    /** Refuses new work, lets running reads end, stops the sweeper. */
    @Override
    public void close() {
        if (sweeper != null) {
            sweeper.close();
        }
        lockWaits.close();
        pool.close();
    }

    /** What is wrong with a request fails its future, like everything else. */
    private static <T> CompletableFuture<T> checked(Supplier<CompletableFuture<T>> request) {
        try {
            return request.get();
        } catch (RawFailure | RegionException e) {
            return CompletableFuture.failedFuture(e);
        }
    }
}
