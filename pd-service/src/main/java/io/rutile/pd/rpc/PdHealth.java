package io.rutile.pd.rpc;

import io.grpc.Status;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.stub.StreamObserver;
import io.rutile.pd.leader.Leadership;
import io.rutile.pd.meta.PdMember;
import java.util.Set;

/**
 * {@code grpc.health.v1}: a leader serves once timestamps flow, a follower while it knows whom to name. client-java does not
 * turn to a leader that does not say so.
 */
final class PdHealth extends HealthGrpc.HealthImplBase {

    private static final Set<String> SERVICES = Set.of("", "pdpb.PD");

    private final Leadership leadership;
    private final PdMember member;

    PdHealth(Leadership leadership, PdMember member) {
        this.leadership = leadership;
        this.member = member;
    }

    @Override
    public void check(HealthCheckRequest request, StreamObserver<HealthCheckResponse> out) {
        if (!SERVICES.contains(request.getService())) {
            out.onError(Status.NOT_FOUND.withDescription("unknown service").asRuntimeException());
            return;
        }
        out.onNext(HealthCheckResponse.newBuilder()
                .setStatus(isServing(leadership, member) ? ServingStatus.SERVING : ServingStatus.NOT_SERVING)
                .build());
        out.onCompleted();
    }

    static boolean isServing(Leadership leadership, PdMember member) {
        boolean followsOther = member.leader()
                .filter(leader -> leader.getMemberId() != member.self().getMemberId())
                .isPresent();
        return leadership.failure().isEmpty() && (leadership.current().isPresent() || followsOther);
    }
}
