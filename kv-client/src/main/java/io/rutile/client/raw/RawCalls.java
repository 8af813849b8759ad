package io.rutile.client.raw;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.grpc.MethodDescriptor;
import io.rutile.client.raw.RawKv.Pair;
import io.rutile.client.region.Anchor;
import io.rutile.client.region.CachedRegion;
import io.rutile.client.region.KeySpace;
import io.rutile.client.region.RegionCall;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.ScanPage;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.kvrpcpb.KvPair;
import io.rutile.protocol.kvrpcpb.RawBatchDeleteRequest;
import io.rutile.protocol.kvrpcpb.RawBatchDeleteResponse;
import io.rutile.protocol.kvrpcpb.RawBatchGetRequest;
import io.rutile.protocol.kvrpcpb.RawBatchGetResponse;
import io.rutile.protocol.kvrpcpb.RawBatchPutRequest;
import io.rutile.protocol.kvrpcpb.RawBatchPutResponse;
import io.rutile.protocol.kvrpcpb.RawCASRequest;
import io.rutile.protocol.kvrpcpb.RawCASResponse;
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
import io.rutile.protocol.tikvpb.TikvGrpc;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Puts raw requests into the words of the protocol. Keys are in wire form. */
final class RawCalls {

    private static final MethodDescriptor<RawScanRequest, ScanPage> SCAN =
            ScanPage.answersOf(TikvGrpc.getRawScanMethod());

    private final KeySpace keys;

    RawCalls(KeySpace keys) {
        this.keys = keys;
    }

    RegionCall<RawGetRequest, RawGetResponse> get(ByteKey key) {
        return new RegionCall<>(
                TikvGrpc.getRawGetMethod(),
                (context, region) -> RawGetRequest.newBuilder()
                        .setContext(keys.stamp(context))
                        .setKey(key.toByteString())
                        .build(),
                region -> holds(region, key),
                errorIn(RawGetResponse::hasRegionError, RawGetResponse::getRegionError),
                true);
    }

    RegionCall<RawPutRequest, RawPutResponse> put(ByteKey key, byte[] value, long ttlSeconds) {
        return new RegionCall<>(
                TikvGrpc.getRawPutMethod(),
                (context, region) -> RawPutRequest.newBuilder()
                        .setContext(keys.stamp(context))
                        .setKey(key.toByteString())
                        .setValue(wrap(value))
                        .setTtl(ttlSeconds)
                        .build(),
                region -> holds(region, key),
                errorIn(RawPutResponse::hasRegionError, RawPutResponse::getRegionError),
                true);
    }

    RegionCall<RawDeleteRequest, RawDeleteResponse> delete(ByteKey key) {
        return new RegionCall<>(
                TikvGrpc.getRawDeleteMethod(),
                (context, region) -> RawDeleteRequest.newBuilder()
                        .setContext(keys.stamp(context))
                        .setKey(key.toByteString())
                        .build(),
                region -> holds(region, key),
                errorIn(RawDeleteResponse::hasRegionError, RawDeleteResponse::getRegionError),
                true);
    }

    RegionCall<RawBatchGetRequest, RawBatchGetResponse> batchGet(List<ByteKey> sorted) {
        return new RegionCall<>(
                TikvGrpc.getRawBatchGetMethod(),
                (context, region) -> {
                    RawBatchGetRequest.Builder request =
                            RawBatchGetRequest.newBuilder().setContext(keys.stamp(context));
                    sorted.forEach(key -> request.addKeys(key.toByteString()));
                    return request.build();
                },
                region -> holds(region, sorted.get(0)) && holds(region, sorted.get(sorted.size() - 1)),
                errorIn(RawBatchGetResponse::hasRegionError, RawBatchGetResponse::getRegionError),
                true);
    }

    RegionCall<RawBatchPutRequest, RawBatchPutResponse> batchPut(List<Pair> sorted, long ttlSeconds) {
        return new RegionCall<>(
                TikvGrpc.getRawBatchPutMethod(),
                (context, region) -> {
                    RawBatchPutRequest.Builder request =
                            RawBatchPutRequest.newBuilder().setContext(keys.stamp(context));
                    for (Pair pair : sorted) {
                        request.addPairs(KvPair.newBuilder()
                                .setKey(pair.key().toByteString())
                                .setValue(wrap(pair.value())));
                    }
                    if (ttlSeconds > 0) {
                        request.addTtls(ttlSeconds);
                    }
                    return request.build();
                },
                region -> holds(region, sorted.get(0).key())
                        && holds(region, sorted.get(sorted.size() - 1).key()),
                errorIn(RawBatchPutResponse::hasRegionError, RawBatchPutResponse::getRegionError),
                true);
    }

    RegionCall<RawBatchDeleteRequest, RawBatchDeleteResponse> batchDelete(List<ByteKey> sorted) {
        return new RegionCall<>(
                TikvGrpc.getRawBatchDeleteMethod(),
                (context, region) -> {
                    RawBatchDeleteRequest.Builder request =
                            RawBatchDeleteRequest.newBuilder().setContext(keys.stamp(context));
                    sorted.forEach(key -> request.addKeys(key.toByteString()));
                    return request.build();
                },
                region -> holds(region, sorted.get(0)) && holds(region, sorted.get(sorted.size() - 1)),
                errorIn(RawBatchDeleteResponse::hasRegionError, RawBatchDeleteResponse::getRegionError),
                true);
    }

    /** Deletes what the Region holds of the range: stores do not clip, they refuse an end beyond the Region. */
    RegionCall<RawDeleteRangeRequest, RawDeleteRangeResponse> deleteRange(KeyRange range) {
        return new RegionCall<>(
                TikvGrpc.getRawDeleteRangeMethod(),
                (context, region) -> RawDeleteRangeRequest.newBuilder()
                        .setContext(keys.stamp(context))
                        .setStartKey(range.start().toByteString())
                        .setEndKey(keys.earlierEnd(range.end(), region.range().end())
                                .toByteString())
                        .build(),
                region -> true,
                errorIn(RawDeleteRangeResponse::hasRegionError, RawDeleteRangeResponse::getRegionError),
                true);
    }

    RegionCall<RawScanRequest, ScanPage> scanUp(KeyRange range, int limit, boolean keysOnly) {
        return new RegionCall<>(
                SCAN,
                (context, region) -> RawScanRequest.newBuilder()
                        .setContext(keys.stamp(context))
                        .setStartKey(range.start().toByteString())
                        .setEndKey(keys.earlierEnd(range.end(), region.range().end())
                                .toByteString())
                        .setLimit(limit)
                        .setKeyOnly(keysOnly)
                        .build(),
                region -> true,
                ScanPage::regionError,
                true);
    }

    /** On the wire a reverse scan starts at its upper end, exclusive, and an empty start is nothing: see {@code ABOVE_ALL}. */
    RegionCall<RawScanRequest, ScanPage> scanDown(KeyRange range, int limit, boolean keysOnly) {
        return new RegionCall<>(
                SCAN,
                (context, region) -> {
                    ByteKey upper = keys.earlierEnd(range.end(), region.range().end());
                    ByteKey lower =
                            keys.laterStart(range.start(), region.range().start());
                    return RawScanRequest.newBuilder()
                            .setContext(keys.stamp(context))
                            .setStartKey((upper.isEmpty() ? Anchor.ABOVE_ALL : upper).toByteString())
                            .setEndKey(lower.toByteString())
                            .setLimit(limit)
                            .setKeyOnly(keysOnly)
                            .setReverse(true)
                            .build();
                },
                region -> true,
                ScanPage::regionError,
                true);
    }

    RegionCall<RawGetKeyTTLRequest, RawGetKeyTTLResponse> timeToLive(ByteKey key) {
        return new RegionCall<>(
                TikvGrpc.getRawGetKeyTTLMethod(),
                (context, region) -> RawGetKeyTTLRequest.newBuilder()
                        .setContext(keys.stamp(context))
                        .setKey(key.toByteString())
                        .build(),
                region -> holds(region, key),
                errorIn(RawGetKeyTTLResponse::hasRegionError, RawGetKeyTTLResponse::getRegionError),
                true);
    }

    /** Not repeatable: the second time it would meet what the first one wrote. */
    RegionCall<RawCASRequest, RawCASResponse> compareAndSwap(
            ByteKey key, byte @Nullable [] expected, byte @Nullable [] update, long ttlSeconds) {
        return new RegionCall<>(
                TikvGrpc.getRawCompareAndSwapMethod(),
                (context, region) -> {
                    RawCASRequest.Builder request = RawCASRequest.newBuilder()
                            .setContext(keys.stamp(context))
                            .setKey(key.toByteString())
                            .setPreviousNotExist(expected == null)
                            .setDelete(update == null);
                    if (expected != null) {
                        request.setPreviousValue(wrap(expected));
                    }
                    if (update != null) {
                        request.setValue(wrap(update)).setTtl(ttlSeconds);
                    }
                    return request.build();
                },
                region -> holds(region, key),
                errorIn(RawCASResponse::hasRegionError, RawCASResponse::getRegionError),
                false);
    }

    private static ByteString wrap(byte[] bytes) {
        return UnsafeByteOperations.unsafeWrap(bytes);
    }

    private boolean holds(CachedRegion region, ByteKey key) {
        return region.range().contains(keys.border(key));
    }

    private static <R> Function<R, @Nullable Error> errorIn(Predicate<R> has, Function<R, Error> error) {
        return response -> has.test(response) ? error.apply(response) : null;
    }
}
