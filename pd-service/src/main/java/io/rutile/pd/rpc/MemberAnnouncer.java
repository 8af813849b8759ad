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
import io.rutile.pd.meta.MemberRecord;
import io.rutile.pd.meta.MetaOutcome;
import io.rutile.pd.meta.MetaRecord;
import io.rutile.pd.meta.PdMember;
import io.rutile.protocol.pdpb.Member;
import io.rutile.protocol.pdpb.ResponseHeader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings each member's URLs, and the incarnation of its data directory (R3), into the log, so that every member can name all of them: a
 * follower tells the leader by an RPC of our own, and again until the log says so.
 */
final class MemberAnnouncer implements BindableService {

    private static final Logger log = LoggerFactory.getLogger(MemberAnnouncer.class);
    private static final Duration CALL_MAX = Duration.ofSeconds(2);
    private static final int URLS_MAX = 8;

    /** Longer than any announcement with its {@link #URLS_MAX} URLs. */
    private static final int RECORD_BYTES_MAX = 64 << 10;

    /** What the member wants in the log, as it will stand there; answered with the cluster's header. */
    static final MethodDescriptor<MemberRecord, ResponseHeader> IDENTIFY =
            MethodDescriptor.<MemberRecord, ResponseHeader>newBuilder()
                    .setType(MethodType.UNARY)
                    .setFullMethodName(MethodDescriptor.generateFullMethodName("rutile.pd.Members", "Identify"))
                    .setRequestMarshaller(new RecordMarshaller())
                    .setResponseMarshaller(ProtoUtils.marshaller(ResponseHeader.getDefaultInstance()))
                    .build();

    private final PdMember member;
    private final Leadership leadership;
    private final MemberChannels channels;
    private final Consumer<String> putOut;

    /** @param putOut told why, if the cluster does not take this member for one any more */
    MemberAnnouncer(PdMember member, Leadership leadership, MemberChannels channels, Consumer<String> putOut) {
        this.member = member;
        this.leadership = leadership;
        this.channels = channels;
        this.putOut = putOut;
    }

    private static final class RecordMarshaller implements MethodDescriptor.Marshaller<MemberRecord> {

        @Override
        public InputStream stream(MemberRecord record) {
            return new ByteArrayInputStream(record.encode());
        }

        @Override
        public MemberRecord parse(InputStream in) {
            try {
                byte[] bytes = in.readNBytes(RECORD_BYTES_MAX + 1);
                if (bytes.length <= RECORD_BYTES_MAX && MetaRecord.decode(bytes) instanceof MemberRecord record) {
                    return record;
                }
            } catch (IOException e) {
                throw Status.INVALID_ARGUMENT
                        .withDescription("not a record about members")
                        .withCause(e)
                        .asRuntimeException();
            }
            throw Status.INVALID_ARGUMENT
                    .withDescription("not a record about members")
                    .asRuntimeException();
        }
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
                            IDENTIFY,
                            CallOptions.DEFAULT.withDeadlineAfter(CALL_MAX.toMillis(), TimeUnit.MILLISECONDS));
            ClientCalls.asyncUnaryCall(call, member.announcement(), new StreamObserver<>() {
                @Override
                public void onNext(ResponseHeader header) {}

                @Override
                public void onError(Throwable failure) {
                    log.debug("announce failed leader={}", leader.getName(), failure);
                    Status status = Status.fromThrowable(failure);
                    if (status.getCode() == Status.Code.FAILED_PRECONDITION) {
                        putOut.accept(String.valueOf(status.getDescription()));
                    }
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
                .addMethod(IDENTIFY, ServerCalls.asyncUnaryCall(this::announced))
                .build();
    }

    private void announced(MemberRecord record, StreamObserver<ResponseHeader> out) {
        try {
            if (!(record instanceof MemberRecord.IdentifyMember announced)) {
                throw Status.INVALID_ARGUMENT
                        .withDescription("not what a member announces")
                        .asRuntimeException();
            }
            LeaderTerm term = leadership.current().orElseThrow(PdHeaders::notLeader);
            check(announced.member());
            CompletableFuture<?> unused = term.propose(announced).whenComplete((outcome, failure) -> {
                if (failure != null) {
                    out.onError(PdHeaders.status(failure).asRuntimeException());
                    return;
                }
                if (outcome instanceof MetaOutcome.Refused refused) {
                    out.onError(refusal(refused).asRuntimeException());
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

    /** One that was removed votes until the group goes on without it, and must not stop before. */
    private static Status refusal(MetaOutcome.Refused refused) {
        return (refused.reason() == MetaOutcome.Reason.MEMBER_REPLACED
                        ? Status.FAILED_PRECONDITION
                        : Status.UNAVAILABLE)
                .withDescription(refused.message());
    }

    private void check(Member announced) {
        long id = announced.getMemberId();
        if (member.isGone(id)) {
            throw Status.FAILED_PRECONDITION
                    .withDescription(PdMember.goneWords(id))
                    .asRuntimeException();
        }
        if (member.directory().name(id).filter(announced.getName()::equals).isEmpty()) {
            throw Status.PERMISSION_DENIED
                    .withDescription("no such member in this cluster")
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
