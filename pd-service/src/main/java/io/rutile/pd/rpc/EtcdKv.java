package io.rutile.pd.rpc;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import io.rutile.pd.meta.MetaStore;
import io.rutile.pd.meta.PdMember;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.etcdserverpb.KVGrpc;
import io.rutile.protocol.etcdserverpb.RangeRequest;
import io.rutile.protocol.etcdserverpb.RangeResponse;
import io.rutile.protocol.etcdserverpb.ResponseHeader;
import io.rutile.protocol.mvccpb.KeyValue;
import java.nio.charset.StandardCharsets;

/**
 * An etcd key space with one key, which nobody can write to: the safe point that clients before GetGCState look for. Its
 * value is the transaction safe point in decimal; it is absent until that has first moved, which they read as 0.
 */
final class EtcdKv extends KVGrpc.KVImplBase {

    static final ByteKey SAFE_POINT =
            ByteKey.wrap("/tidb/store/gcworker/saved_safe_point".getBytes(StandardCharsets.UTF_8));

    /** As the end of a range: every key from its start on. */
    private static final ByteString NO_END = ByteString.copyFrom(new byte[] {0});

    private final PdMember member;
    private final MetaStore meta;

    EtcdKv(PdMember member, MetaStore meta) {
        this.member = member;
        this.meta = meta;
    }

    @Override
    public void range(RangeRequest request, StreamObserver<RangeResponse> out) {
        if (request.getKey().isEmpty()) {
            out.onError(Status.INVALID_ARGUMENT
                    .withDescription("etcdserver: key is not provided")
                    .asRuntimeException());
            return;
        }
        if (!request.getSerializable() && !member.knowsLeader()) {
            // Behind a follower that hears of its leader a client lags by moments, which the grace time of GC allows
            // for (P7).
            out.onError(
                    Status.UNAVAILABLE.withDescription("etcdserver: no leader").asRuntimeException());
            return;
        }
        ResponseHeader header = EtcdCluster.header(member, meta);
        RangeResponse.Builder response = RangeResponse.newBuilder().setHeader(header);
        long safePoint = meta.state().gc().txnSafePoint();
        if (safePoint != 0 && range(request).contains(SAFE_POINT)) {
            response.setCount(1);
            if (!request.getCountOnly()) {
                response.addKvs(keyValue(safePoint, request.getKeysOnly(), header.getRevision()));
            }
        }
        out.onNext(response.build());
        out.onCompleted();
    }

    private static KeyRange range(RangeRequest request) {
        ByteKey key = ByteKey.of(request.getKey());
        if (request.getRangeEnd().isEmpty()) {
            return new KeyRange(key, key.next());
        }
        return new KeyRange(
                key, request.getRangeEnd().equals(NO_END) ? ByteKey.EMPTY : ByteKey.of(request.getRangeEnd()));
    }

    private static KeyValue keyValue(long safePoint, boolean keyOnly, long revision) {
        KeyValue.Builder pair = KeyValue.newBuilder()
                .setKey(SAFE_POINT.toByteString())
                .setCreateRevision(1)
                .setModRevision(revision)
                .setVersion(1);
        return (keyOnly ? pair : pair.setValue(ByteString.copyFromUtf8(Long.toUnsignedString(safePoint)))).build();
    }
}
