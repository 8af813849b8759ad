package io.rutile.client.txn;

import io.grpc.MethodDescriptor;
import io.rutile.client.region.Anchor;
import io.rutile.client.region.CachedRegion;
import io.rutile.client.region.KeySpace;
import io.rutile.client.region.RegionCall;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.ScanPage;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.kvrpcpb.BatchGetRequest;
import io.rutile.protocol.kvrpcpb.BatchGetResponse;
import io.rutile.protocol.kvrpcpb.BatchRollbackRequest;
import io.rutile.protocol.kvrpcpb.BatchRollbackResponse;
import io.rutile.protocol.kvrpcpb.CheckSecondaryLocksRequest;
import io.rutile.protocol.kvrpcpb.CheckSecondaryLocksResponse;
import io.rutile.protocol.kvrpcpb.CheckTxnStatusRequest;
import io.rutile.protocol.kvrpcpb.CheckTxnStatusResponse;
import io.rutile.protocol.kvrpcpb.CommitRequest;
import io.rutile.protocol.kvrpcpb.CommitResponse;
import io.rutile.protocol.kvrpcpb.CommitRole;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.GetRequest;
import io.rutile.protocol.kvrpcpb.GetResponse;
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
import io.rutile.protocol.tikvpb.TikvGrpc;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Puts transactional requests into the words of the protocol. Keys are in wire form. All of them may be carried out twice (P5), so
 * every one is repeated while its deadline lasts.
 */
final class TxnCalls {

    private static final MethodDescriptor<ScanRequest, ScanPage> SCAN = ScanPage.answersOf(TikvGrpc.getKvScanMethod());

    private final KeySpace keys;

    TxnCalls(KeySpace keys) {
        this.keys = keys;
    }

    RegionCall<GetRequest, GetResponse> get(ByteKey key, TimeStamp version, PassedLocks passed) {
        return get(key, version, context -> reading(context, passed), false);
    }

    /** A read that says when its value was committed. It passes no lock: what is in one has no such moment yet. */
    RegionCall<GetRequest, GetResponse> getVersioned(ByteKey key, TimeStamp version) {
        return get(key, version, keys::stamp, true);
    }

    private RegionCall<GetRequest, GetResponse> get(
            ByteKey key, TimeStamp version, UnaryOperator<Context> reading, boolean needCommitTs) {
        return new RegionCall<>(
                TikvGrpc.getKvGetMethod(),
                (context, region) -> GetRequest.newBuilder()
                        .setContext(reading.apply(context))
                        .setKey(key.toByteString())
                        .setVersion(version.value())
                        .setNeedCommitTs(needCommitTs)
                        .build(),
                holding(key, key),
                errorIn(GetResponse::hasRegionError, GetResponse::getRegionError),
                true);
    }

    RegionCall<BatchGetRequest, BatchGetResponse> batchGet(
            List<ByteKey> sorted, TimeStamp version, PassedLocks passed) {
        return new RegionCall<>(
                TikvGrpc.getKvBatchGetMethod(),
                (context, region) -> {
                    BatchGetRequest.Builder request = BatchGetRequest.newBuilder()
                            .setContext(reading(context, passed))
                            .setVersion(version.value());
                    sorted.forEach(key -> request.addKeys(key.toByteString()));
                    return request.build();
                },
                holding(sorted.get(0), sorted.get(sorted.size() - 1)),
                errorIn(BatchGetResponse::hasRegionError, BatchGetResponse::getRegionError),
                true);
    }

    /**
     * A page upwards. A bound that is given must lie inside the Region, so an end behind it is left out: then the Region's end is
     * the end.
     */
    RegionCall<ScanRequest, ScanPage> scanUp(
            KeyRange range, int limit, boolean keysOnly, TimeStamp version, PassedLocks passed) {
        return new RegionCall<>(
                SCAN,
                (context, region) -> {
                    ScanRequest.Builder request = scan(context, limit, keysOnly, version, passed)
                            .setStartKey(range.start().toByteString());
                    ByteKey border = region.range().end();
                    boolean inside = !range.end().isEmpty()
                            && (border.isEmpty() || keys.border(range.end()).compareTo(border) <= 0);
                    return inside
                            ? request.setEndKey(range.end().toByteString()).build()
                            : request.build();
                },
                region -> true,
                ScanPage::regionError,
                true);
    }

    /** A page downwards: it starts at its upper end, exclusive, and an empty start is nothing, hence {@code ABOVE_ALL}. */
    RegionCall<ScanRequest, ScanPage> scanDown(
            KeyRange range, int limit, boolean keysOnly, TimeStamp version, PassedLocks passed) {
        return new RegionCall<>(
                SCAN,
                (context, region) -> {
                    ByteKey upper = range.end().isEmpty() ? Anchor.ABOVE_ALL : range.end();
                    ScanRequest.Builder request = scan(context, limit, keysOnly, version, passed)
                            .setReverse(true)
                            .setStartKey(upper.toByteString());
                    boolean inside =
                            keys.border(range.start()).compareTo(region.range().start()) >= 0;
                    return inside
                            ? request.setEndKey(range.start().toByteString()).build()
                            : request.build();
                },
                region -> true,
                ScanPage::regionError,
                true);
    }

    private ScanRequest.Builder scan(
            Context context, int limit, boolean keysOnly, TimeStamp version, PassedLocks passed) {
        return ScanRequest.newBuilder()
                .setContext(reading(context, passed))
                .setLimit(limit)
                .setKeyOnly(keysOnly)
                .setVersion(version.value());
    }

    /**
     * A prewrite.
     *
     * @param template everything but context and mutations
     */
    RegionCall<PrewriteRequest, PrewriteResponse> prewrite(List<TxnMutation> sorted, PrewriteRequest template) {
        return new RegionCall<>(
                TikvGrpc.getKvPrewriteMethod(),
                (context, region) -> {
                    PrewriteRequest.Builder request = template.toBuilder().setContext(keys.stamp(context));
                    for (TxnMutation mutation : sorted) {
                        request.addMutations(mutation.toProto());
                        if (template.getForUpdateTs() != 0) {
                            request.addPessimisticActions(
                                    mutation.locked()
                                            ? PrewriteRequest.PessimisticAction.DO_PESSIMISTIC_CHECK
                                            : PrewriteRequest.PessimisticAction.DO_CONSTRAINT_CHECK);
                        }
                    }
                    return request.build();
                },
                holding(sorted.get(0).key(), sorted.get(sorted.size() - 1).key()),
                errorIn(PrewriteResponse::hasRegionError, PrewriteResponse::getRegionError),
                true);
    }

    RegionCall<CommitRequest, CommitResponse> commit(
            List<ByteKey> sorted, ByteKey primary, TimeStamp startTs, TimeStamp commitTs, boolean async) {
        return new RegionCall<>(
                TikvGrpc.getKvCommitMethod(),
                (context, region) -> {
                    CommitRequest.Builder request = CommitRequest.newBuilder()
                            .setContext(keys.stamp(context))
                            .setStartVersion(startTs.value())
                            .setCommitVersion(commitTs.value())
                            .setPrimaryKey(primary.toByteString())
                            .setCommitRole(sorted.contains(primary) ? CommitRole.Primary : CommitRole.Secondary)
                            .setUseAsyncCommit(async);
                    sorted.forEach(key -> request.addKeys(key.toByteString()));
                    return request.build();
                },
                holding(sorted.get(0), sorted.get(sorted.size() - 1)),
                errorIn(CommitResponse::hasRegionError, CommitResponse::getRegionError),
                true);
    }

    RegionCall<BatchRollbackRequest, BatchRollbackResponse> rollback(List<ByteKey> sorted, TimeStamp startTs) {
        return new RegionCall<>(
                TikvGrpc.getKvBatchRollbackMethod(),
                (context, region) -> {
                    BatchRollbackRequest.Builder request = BatchRollbackRequest.newBuilder()
                            .setContext(keys.stamp(context))
                            .setStartVersion(startTs.value());
                    sorted.forEach(key -> request.addKeys(key.toByteString()));
                    return request.build();
                },
                holding(sorted.get(0), sorted.get(sorted.size() - 1)),
                errorIn(BatchRollbackResponse::hasRegionError, BatchRollbackResponse::getRegionError),
                true);
    }

    /**
     * A pessimistic lock.
     *
     * @param request everything but the context
     */
    RegionCall<PessimisticLockRequest, PessimisticLockResponse> pessimisticLock(
            List<ByteKey> sorted, PessimisticLockRequest request) {
        return new RegionCall<>(
                TikvGrpc.getKvPessimisticLockMethod(),
                (context, region) ->
                        request.toBuilder().setContext(keys.stamp(context)).build(),
                holding(sorted.get(0), sorted.get(sorted.size() - 1)),
                errorIn(PessimisticLockResponse::hasRegionError, PessimisticLockResponse::getRegionError),
                true);
    }

    /** Takes away pessimistic locks up to this for-update timestamp; other locks stay. */
    RegionCall<PessimisticRollbackRequest, PessimisticRollbackResponse> pessimisticRollback(
            List<ByteKey> sorted, TimeStamp startTs, TimeStamp forUpdateTs) {
        return new RegionCall<>(
                TikvGrpc.getKVPessimisticRollbackMethod(),
                (context, region) -> {
                    PessimisticRollbackRequest.Builder request = PessimisticRollbackRequest.newBuilder()
                            .setContext(keys.stamp(context))
                            .setStartVersion(startTs.value())
                            .setForUpdateTs(forUpdateTs.value());
                    sorted.forEach(key -> request.addKeys(key.toByteString()));
                    return request.build();
                },
                holding(sorted.get(0), sorted.get(sorted.size() - 1)),
                errorIn(PessimisticRollbackResponse::hasRegionError, PessimisticRollbackResponse::getRegionError),
                true);
    }

    RegionCall<TxnHeartBeatRequest, TxnHeartBeatResponse> heartBeat(ByteKey primary, TimeStamp startTs, long ttlMs) {
        return new RegionCall<>(
                TikvGrpc.getKvTxnHeartBeatMethod(),
                (context, region) -> TxnHeartBeatRequest.newBuilder()
                        .setContext(keys.stamp(context))
                        .setPrimaryLock(primary.toByteString())
                        .setStartVersion(startTs.value())
                        .setAdviseLockTtl(ttlMs)
                        .build(),
                holding(primary, primary),
                errorIn(TxnHeartBeatResponse::hasRegionError, TxnHeartBeatResponse::getRegionError),
                true);
    }

    /**
     * A question to a primary.
     *
     * @param question everything but the context
     */
    RegionCall<CheckTxnStatusRequest, CheckTxnStatusResponse> checkTxnStatus(
            ByteKey primary, CheckTxnStatusRequest question) {
        return new RegionCall<>(
                TikvGrpc.getKvCheckTxnStatusMethod(),
                (context, region) -> question.toBuilder()
                        .setContext(keys.stamp(context))
                        .setPrimaryKey(primary.toByteString())
                        .build(),
                holding(primary, primary),
                errorIn(CheckTxnStatusResponse::hasRegionError, CheckTxnStatusResponse::getRegionError),
                true);
    }

    RegionCall<CheckSecondaryLocksRequest, CheckSecondaryLocksResponse> checkSecondaryLocks(
            List<ByteKey> sorted, TimeStamp startTs) {
        return new RegionCall<>(
                TikvGrpc.getKvCheckSecondaryLocksMethod(),
                (context, region) -> {
                    CheckSecondaryLocksRequest.Builder request = CheckSecondaryLocksRequest.newBuilder()
                            .setContext(keys.stamp(context))
                            .setStartVersion(startTs.value());
                    sorted.forEach(key -> request.addKeys(key.toByteString()));
                    return request.build();
                },
                holding(sorted.get(0), sorted.get(sorted.size() - 1)),
                errorIn(CheckSecondaryLocksResponse::hasRegionError, CheckSecondaryLocksResponse::getRegionError),
                true);
    }

    /**
     * Carries out what a transaction's primary has decided.
     *
     * @param sorted the locks' keys; empty for every lock of the transaction in the Region
     * @param anchor a key of the Region
     * @param commitTs zero to roll back
     */
    RegionCall<ResolveLockRequest, ResolveLockResponse> resolveLock(
            List<ByteKey> sorted, ByteKey anchor, TimeStamp startTs, TimeStamp commitTs) {
        return new RegionCall<>(
                TikvGrpc.getKvResolveLockMethod(),
                (context, region) -> {
                    ResolveLockRequest.Builder request = ResolveLockRequest.newBuilder()
                            .setContext(keys.stamp(context))
                            .setStartVersion(startTs.value())
                            .setCommitVersion(commitTs.value());
                    sorted.forEach(key -> request.addKeys(key.toByteString()));
                    return request.build();
                },
                sorted.isEmpty() ? holding(anchor, anchor) : holding(sorted.get(0), sorted.get(sorted.size() - 1)),
                errorIn(ResolveLockResponse::hasRegionError, ResolveLockResponse::getRegionError),
                true);
    }

    /** Locks of the Region at the anchor, those of this keyspace. @param upTo of their start timestamps */
    RegionCall<ScanLockRequest, ScanLockResponse> scanLock(TimeStamp upTo, int limit) {
        KeyRange all = keys.toWire(KeyRange.ALL);
        return new RegionCall<>(
                TikvGrpc.getKvScanLockMethod(),
                (context, region) -> ScanLockRequest.newBuilder()
                        .setContext(keys.stamp(context))
                        .setMaxVersion(upTo.value())
                        .setStartKey(keys.laterStart(all.start(), region.range().start())
                                .toByteString())
                        .setEndKey(
                                keys.earlierEnd(all.end(), region.range().end()).toByteString())
                        .setLimit(limit)
                        .build(),
                region -> true,
                errorIn(ScanLockResponse::hasRegionError, ScanLockResponse::getRegionError),
                true);
    }

    private Context reading(Context context, PassedLocks passed) {
        return passed.stamp(keys.stamp(context));
    }

    private Predicate<CachedRegion> holding(ByteKey first, ByteKey last) {
        ByteKey firstBorder = keys.border(first);
        ByteKey lastBorder = keys.border(last);
        return region -> region.range().contains(firstBorder) && region.range().contains(lastBorder);
    }

    private static <R> Function<R, @Nullable Error> errorIn(Predicate<R> has, Function<R, Error> error) {
        return response -> has.test(response) ? error.apply(response) : null;
    }
}
