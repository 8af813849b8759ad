package io.rutile.pd.rpc;

import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import io.rutile.pd.meta.MetaStore;
import io.rutile.pd.meta.PdMember;
import io.rutile.protocol.etcdserverpb.KVGrpc;
import io.rutile.protocol.etcdserverpb.RangeRequest;
import io.rutile.protocol.etcdserverpb.RangeResponse;

/**
 * An etcd key space that is always empty, because nothing can be put into it: the safe point that clients look for here is
 * absent, which they read as 0.
 */
final class EtcdKv extends KVGrpc.KVImplBase {

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
        out.onNext(RangeResponse.newBuilder()
                .setHeader(EtcdCluster.header(member, meta))
                .build());
        out.onCompleted();
    }
}
