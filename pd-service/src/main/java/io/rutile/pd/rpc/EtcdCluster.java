package io.rutile.pd.rpc;

import io.grpc.stub.StreamObserver;
import io.rutile.pd.meta.MetaStore;
import io.rutile.pd.meta.PdMember;
import io.rutile.protocol.etcdserverpb.ClusterGrpc;
import io.rutile.protocol.etcdserverpb.Member;
import io.rutile.protocol.etcdserverpb.MemberListRequest;
import io.rutile.protocol.etcdserverpb.MemberListResponse;
import io.rutile.protocol.etcdserverpb.ResponseHeader;

/** The members as an etcd client sees them: clients that were built around an etcd inside PD ask for them when they start. */
final class EtcdCluster extends ClusterGrpc.ClusterImplBase {

    private final PdMember member;
    private final MetaStore meta;

    EtcdCluster(PdMember member, MetaStore meta) {
        this.member = member;
        this.meta = meta;
    }

    @Override
    public void memberList(MemberListRequest request, StreamObserver<MemberListResponse> out) {
        MemberListResponse.Builder response = MemberListResponse.newBuilder().setHeader(header(member, meta));
        for (var known : member.members()) {
            response.addMembers(Member.newBuilder()
                    .setID(known.getMemberId())
                    .setName(known.getName())
                    .addAllPeerURLs(known.getPeerUrlsList())
                    .addAllClientURLs(known.getClientUrlsList()));
        }
        out.onNext(response.build());
        out.onCompleted();
    }

    /** The revision grows with the log, from 1. */
    static ResponseHeader header(PdMember member, MetaStore meta) {
        return ResponseHeader.newBuilder()
                .setClusterId(member.clusterId())
                .setMemberId(member.self().getMemberId())
                .setRevision(Math.max(1, meta.state().appliedIndex()))
                .setRaftTerm(meta.log().term())
                .build();
    }
}
