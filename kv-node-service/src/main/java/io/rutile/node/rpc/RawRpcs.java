package io.rutile.node.rpc;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import com.google.protobuf.UnsafeByteOperations;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.SharedBytes;
import io.rutile.protocol.WireLimits;
import io.rutile.protocol.kvrpcpb.KvPair;
import io.rutile.protocol.kvrpcpb.RawBatchDeleteRequest;
import io.rutile.protocol.kvrpcpb.RawBatchDeleteResponse;
import io.rutile.protocol.kvrpcpb.RawBatchGetRequest;
import io.rutile.protocol.kvrpcpb.RawBatchGetResponse;
import io.rutile.protocol.kvrpcpb.RawBatchPutRequest;
import io.rutile.protocol.kvrpcpb.RawBatchPutResponse;
import io.rutile.protocol.kvrpcpb.RawBatchScanRequest;
import io.rutile.protocol.kvrpcpb.RawBatchScanResponse;
import io.rutile.protocol.kvrpcpb.RawCASRequest;
import io.rutile.protocol.kvrpcpb.RawCASResponse;
import io.rutile.protocol.kvrpcpb.RawChecksumRequest;
import io.rutile.protocol.kvrpcpb.RawChecksumResponse;
import io.rutile.protocol.kvrpcpb.RawDeleteRangeRequest;
import io.rutile.protocol.kvrpcpb.RawDeleteRangeResponse;
import io.rutile.protocol.kvrpcpb.RawDeleteRequest;
import io.rutile.protocol.kvrpcpb.RawDeleteResponse;
import io.rutile.protocol.kvrpcpb.RawGetKeyTTLRequest;
import io.rutile.protocol.kvrpcpb.RawGetKeyTTLResponse;
import io.rutile.protocol.kvrpcpb.RawGetRequest;
import io.rutile.protocol.kvrpcpb.RawGetResponse;
import io.rutile.protocol.kvrpcpb.RawPutRequest;
import io.rutile.protocol.kvrpcpb.RawPutResponse;
import io.rutile.protocol.kvrpcpb.RawScanRequest;
import io.rutile.protocol.kvrpcpb.RawScanResponse;
import io.rutile.storage.Storage;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.raw.RawCasRequest;
import io.rutile.storage.raw.RawCasResult;
import io.rutile.storage.raw.RawPair;
import io.rutile.storage.raw.RawScan;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** The raw API: from a request's fields to {@link Storage} and from its answer to a response's fields. Decides nothing. */
final class RawRpcs {

    private final Storage storage;

    final Rpc<RawGetRequest, RawGetResponse> get =
            new Rpc<>("RawGet", RawGetRequest::getContext, this::get, RawGetResponse.getDefaultInstance());
    final Rpc<RawBatchGetRequest, RawBatchGetResponse> batchGet = new Rpc<>(
            "RawBatchGet", RawBatchGetRequest::getContext, this::batchGet, RawBatchGetResponse.getDefaultInstance());
    final Rpc<RawPutRequest, RawPutResponse> put =
            new Rpc<>("RawPut", RawPutRequest::getContext, this::put, RawPutResponse.getDefaultInstance());
    final Rpc<RawBatchPutRequest, RawBatchPutResponse> batchPut = new Rpc<>(
            "RawBatchPut", RawBatchPutRequest::getContext, this::batchPut, RawBatchPutResponse.getDefaultInstance());
    final Rpc<RawDeleteRequest, RawDeleteResponse> delete =
            new Rpc<>("RawDelete", RawDeleteRequest::getContext, this::delete, RawDeleteResponse.getDefaultInstance());
    final Rpc<RawBatchDeleteRequest, RawBatchDeleteResponse> batchDelete = new Rpc<>(
            "RawBatchDelete",
            RawBatchDeleteRequest::getContext,
            this::batchDelete,
            RawBatchDeleteResponse.getDefaultInstance());
    final Rpc<RawDeleteRangeRequest, RawDeleteRangeResponse> deleteRange = new Rpc<>(
            "RawDeleteRange",
            RawDeleteRangeRequest::getContext,
            this::deleteRange,
            RawDeleteRangeResponse.getDefaultInstance());
    final Rpc<RawScanRequest, Message> scan =
            new Rpc<>("RawScan", RawScanRequest::getContext, this::scan, RawScanResponse.getDefaultInstance());
    final Rpc<RawBatchScanRequest, Message> batchScan = new Rpc<>(
            "RawBatchScan",
            RawBatchScanRequest::getContext,
            this::batchScan,
            RawBatchScanResponse.getDefaultInstance());
    final Rpc<RawGetKeyTTLRequest, RawGetKeyTTLResponse> getKeyTtl = new Rpc<>(
            "RawGetKeyTTL",
            RawGetKeyTTLRequest::getContext,
            this::getKeyTtl,
            RawGetKeyTTLResponse.getDefaultInstance());
    final Rpc<RawCASRequest, RawCASResponse> compareAndSwap = new Rpc<>(
            "RawCompareAndSwap",
            RawCASRequest::getContext,
            this::compareAndSwap,
            RawCASResponse.getDefaultInstance(),
            false);
    final Rpc<RawChecksumRequest, RawChecksumResponse> checksum = new Rpc<>(
            "RawChecksum", RawChecksumRequest::getContext, this::checksum, RawChecksumResponse.getDefaultInstance());

    RawRpcs(Storage storage) {
        this.storage = storage;
    }

    private CompletableFuture<RawGetResponse> get(KvContext ctx, RawGetRequest request) {
        return storage.rawGet(ctx, request.getCf(), ByteKey.of(request.getKey()))
                .thenApply(
                        found -> found.map(value -> RawGetResponse.newBuilder().setValue(bytes(value)))
                                .orElseGet(() -> RawGetResponse.newBuilder().setNotFound(true))
                                .build());
    }

    private CompletableFuture<RawBatchGetResponse> batchGet(KvContext ctx, RawBatchGetRequest request) {
        requireItems(request.getKeysCount());
        return storage.rawBatchGet(ctx, request.getCf(), keys(request.getKeysList()))
                .thenApply(pairs -> RawBatchGetResponse.newBuilder()
                        .addAllPairs(pairs.stream().map(RawRpcs::pair).toList())
                        .build());
    }

    private CompletableFuture<RawPutResponse> put(KvContext ctx, RawPutRequest request) {
        return storage.rawPut(
                        ctx,
                        request.getCf(),
                        ByteKey.of(request.getKey()),
                        SharedBytes.of(request.getValue()),
                        request.getTtl())
                .thenApply(done -> RawPutResponse.getDefaultInstance());
    }

    /** {@code ttl} is the old field for one time to live of all pairs; {@code ttls} wins. */
    @SuppressWarnings("deprecation") // old clients still fill it
    private CompletableFuture<RawBatchPutResponse> batchPut(KvContext ctx, RawBatchPutRequest request) {
        requireItems(request.getPairsCount());
        List<RawPair> pairs = request.getPairsList().stream()
                .map(pair -> new RawPair(ByteKey.of(pair.getKey()), SharedBytes.of(pair.getValue())))
                .toList();
        List<Long> ttls = request.getTtlsCount() == 0 && request.getTtl() != 0
                ? List.of(request.getTtl())
                : request.getTtlsList();
        return storage.rawBatchPut(ctx, request.getCf(), pairs, ttls)
                .thenApply(done -> RawBatchPutResponse.getDefaultInstance());
    }

    private CompletableFuture<RawDeleteResponse> delete(KvContext ctx, RawDeleteRequest request) {
        return storage.rawDelete(ctx, request.getCf(), ByteKey.of(request.getKey()))
                .thenApply(done -> RawDeleteResponse.getDefaultInstance());
    }

    private CompletableFuture<RawBatchDeleteResponse> batchDelete(KvContext ctx, RawBatchDeleteRequest request) {
        requireItems(request.getKeysCount());
        return storage.rawBatchDelete(ctx, request.getCf(), keys(request.getKeysList()))
                .thenApply(done -> RawBatchDeleteResponse.getDefaultInstance());
    }

    private CompletableFuture<RawDeleteRangeResponse> deleteRange(KvContext ctx, RawDeleteRangeRequest request) {
        return storage.rawDeleteRange(ctx, request.getCf(), range(request.getStartKey(), request.getEndKey()))
                .thenApply(done -> RawDeleteRangeResponse.getDefaultInstance());
    }

    private CompletableFuture<Message> scan(KvContext ctx, RawScanRequest request) {
        RawScan scan = new RawScan(
                ByteKey.of(request.getStartKey()),
                ByteKey.of(request.getEndKey()),
                Integer.toUnsignedLong(request.getLimit()),
                request.getReverse(),
                request.getKeyOnly());
        return storage.rawScan(ctx, request.getCf(), scan)
                .thenApply(pairs -> pairs.toMessage(RawScanResponse.getDefaultInstance()));
    }

    private CompletableFuture<Message> batchScan(KvContext ctx, RawBatchScanRequest request) {
        requireItems(request.getRangesCount());
        return storage.rawBatchScan(
                        ctx,
                        request.getCf(),
                        ranges(request.getRangesList()),
                        Integer.toUnsignedLong(request.getEachLimit()),
                        request.getReverse(),
                        request.getKeyOnly())
                .thenApply(pairs -> pairs.toMessage(RawBatchScanResponse.getDefaultInstance()));
    }

    private CompletableFuture<RawGetKeyTTLResponse> getKeyTtl(KvContext ctx, RawGetKeyTTLRequest request) {
        return storage.rawGetKeyTtl(ctx, request.getCf(), ByteKey.of(request.getKey()))
                .thenApply(ttl -> ttl.isPresent()
                        ? RawGetKeyTTLResponse.newBuilder()
                                .setTtl(ttl.getAsLong())
                                .build()
                        : RawGetKeyTTLResponse.newBuilder().setNotFound(true).build());
    }

    private CompletableFuture<RawCASResponse> compareAndSwap(KvContext ctx, RawCASRequest request) {
        RawCasRequest swap = new RawCasRequest(
                ByteKey.of(request.getKey()),
                request.getPreviousNotExist() ? null : SharedBytes.of(request.getPreviousValue()),
                request.getDelete() ? null : SharedBytes.of(request.getValue()),
                request.getTtl());
        return storage.rawCompareAndSwap(ctx, request.getCf(), swap).thenApply(RawRpcs::casAnswer);
    }

    private static RawCASResponse casAnswer(RawCasResult result) {
        RawCASResponse.Builder answer = RawCASResponse.newBuilder().setSucceed(result.succeeded());
        byte[] previous = result.previous();
        if (previous == null) {
            answer.setPreviousNotExist(true);
        } else {
            answer.setPreviousValue(bytes(previous));
        }
        return answer.build();
    }

    private CompletableFuture<RawChecksumResponse> checksum(KvContext ctx, RawChecksumRequest request) {
        requireItems(request.getRangesCount());
        return storage.rawChecksum(ctx, request.getAlgorithm(), ranges(request.getRangesList()))
                .thenApply(sum -> RawChecksumResponse.newBuilder()
                        .setChecksum(sum.checksum())
                        .setTotalKvs(sum.totalKvs())
                        .setTotalBytes(sum.totalBytes())
                        .build());
    }

    /** R10: a batch is bounded in items, too; its bytes are bounded by the message. */
    private static void requireItems(int count) {
        if (count > WireLimits.BATCH_ITEMS_MAX) {
            throw RegionErrors.message("a batch of " + count + " items is larger than " + WireLimits.BATCH_ITEMS_MAX);
        }
    }

    private static List<ByteKey> keys(List<ByteString> keys) {
        return keys.stream().map(ByteKey::of).toList();
    }

    private static List<KeyRange> ranges(List<io.rutile.protocol.kvrpcpb.KeyRange> ranges) {
        return ranges.stream().map(r -> range(r.getStartKey(), r.getEndKey())).toList();
    }

    private static KeyRange range(ByteString start, ByteString end) {
        return new KeyRange(ByteKey.of(start), ByteKey.of(end));
    }

    private static KvPair pair(RawPair pair) {
        return KvPair.newBuilder()
                .setKey(pair.key().toByteString())
                .setValue(bytes(pair.value()))
                .build();
    }

    /** Without a copy: nobody changes a value that was read. */
    private static ByteString bytes(byte[] value) {
        return UnsafeByteOperations.unsafeWrap(value);
    }
}
