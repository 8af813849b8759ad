package io.rutile.pd.rpc;

import io.grpc.BindableService;
import io.grpc.CallOptions;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import io.rutile.pd.leader.LeaderTerm;
import io.rutile.pd.leader.Leadership;
import io.rutile.pd.meta.InitialCluster;
import io.rutile.pd.meta.MetaRecord;
import io.rutile.pd.meta.PdMember;
import io.rutile.protocol.pdpb.Member;
import io.rutile.protocol.pdpb.ResponseHeader;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings each member's client URLs into the log, so that every member can name all of them: a follower tells the leader by an
 * RPC of our own, and asks again until the log says so.
 */
final class MemberAnnouncer implements BindableService {

    private static final Logger log = LoggerFactory.getLogger(MemberAnnouncer.class);
    private static final Duration CALL_MAX = Duration.ofSeconds(2);
    private static final int URLS_MAX = 8;

    /** The announcing member; answered with the cluster's header. */
    static final MethodDescriptor<Member, ResponseHeader> ANNOUNCE =
            MethodDescriptor.<Member, ResponseHeader>newBuilder()
                    .setType(MethodType.UNARY)
                    .setFullMethodName(MethodDescriptor.generateFullMethodName("rutile.pd.Members", "Announce"))
                    .setRequestMarshaller(ProtoUtils.marshaller(Member.getDefaultInstance()))
                    .setResponseMarshaller(ProtoUtils.marshaller(ResponseHeader.getDefaultInstance()))
                    .build();

    private final InitialCluster cluster;
    private final PdMember member;
    private final Leadership leadership;
    private final MemberChannels channels;

    MemberAnnouncer(InitialCluster cluster, PdMember member, Leadership leadership, MemberChannels channels) {
        this.cluster = cluster;
        this.member = member;
        this.leadership = leadership;
        this.channels = channels;
    }

    /** Tells the leader about this member if the log does not know it yet. Called by one timer; does not wait. */
    void announce() {
        try {
            announceOnce();
        } catch (RuntimeException e) {
            // A round that throws would be the last one of its timer.
            log.error("announce failed", e);
        }
    }

    private void announceOnce() {
        if (!member.mustAnnounce() || leadership.current().isPresent()) {
            return;
        }
        member.leader().ifPresent(leader -> {
            var call = channels.to(MemberChannels.address(leader.getClientUrls(0)))
                    .newCall(
                            ANNOUNCE,
                            CallOptions.DEFAULT.withDeadlineAfter(CALL_MAX.toMillis(), TimeUnit.MILLISECONDS));
            ClientCalls.asyncUnaryCall(call, member.self(), new StreamObserver<>() {
                @Override
                public void onNext(ResponseHeader header) {}

                @Override
                public void onError(Throwable failure) {
                    log.debug("announce failed leader={}", leader.getName(), failure);
                }

                @Override
                public void onCompleted() {
                    log.info("announced leader={}", leader.getName());
                }
            });
        });
    }

    @Override
    public ServerServiceDefinition bindService() {
        return ServerServiceDefinition.builder("rutile.pd.Members")
                .addMethod(ANNOUNCE, ServerCalls.asyncUnaryCall(this::announced))
                .build();
    }

    private void announced(Member announced, StreamObserver<ResponseHeader> out) {
        try {
            check(announced);
            LeaderTerm term = leadership.current().orElseThrow(PdHeaders::notLeader);
            CompletableFuture<?> unused = term.propose(new MetaRecord.AnnounceMember(announced))
                    .whenComplete((done, failure) -> {
                        if (failure != null) {
                            out.onError(PdHeaders.status(failure).asRuntimeException());
                            return;
                        }
                        out.onNext(ResponseHeader.newBuilder()
                                .setClusterId(member.clusterId())
                                .build());
                        out.onCompleted();
                    });
        } catch (RuntimeException e) {
            out.onError(PdHeaders.status(e).asRuntimeException());
        }
    }

    private void check(Member announced) {
        if (!cluster.contains(announced.getMemberId())
                || !cluster.member(announced.getMemberId()).name().equals(announced.getName())) {
            throw Status.PERMISSION_DENIED
                    .withDescription("no such member in initial-cluster")
                    .asRuntimeException();
        }
        if (announced.getClientUrlsCount() < 1 || announced.getClientUrlsCount() > URLS_MAX) {
            throw Status.INVALID_ARGUMENT
                    .withDescription("a member has 1 to " + URLS_MAX + " client URLs")
                    .asRuntimeException();
        }
        announced.getClientUrlsList().forEach(MemberChannels::address);
    }
}
