package io.rutile.pd.rpc;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.rutile.pd.meta.HostPort;
import io.rutile.pd.meta.PdMember;
import io.rutile.protocol.pdpb.Member;
import org.jspecify.annotations.Nullable;

/**
 * Relays calls whose metadata names another member, for clients that cannot reach the leader themselves. Any RPC of this
 * port, streams included; flow control passes through both ways. Only members are relayed to.
 */
final class LeaderRelay implements ServerInterceptor {

    static final Metadata.Key<String> FORWARDED_HOST =
            Metadata.Key.of("pd-forwarded-host", Metadata.ASCII_STRING_MARSHALLER);

    private final PdMember member;
    private final MemberChannels channels;

    LeaderRelay(PdMember member, MemberChannels channels) {
        this.member = member;
        this.channels = channels;
    }

    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
        String host = headers.get(FORWARDED_HOST);
        if (host == null || host.isEmpty()) {
            return next.startCall(call, headers);
        }
        HostPort address = memberAddress(host);
        if (address == null) {
            call.close(
                    Status.INVALID_ARGUMENT.withDescription("pd-forwarded-host names no member of this cluster"),
                    new Metadata());
            return new ServerCall.Listener<>() {};
        }
        // Relayed once: the member that is named serves the call itself, whoever leads by then.
        headers.discardAll(FORWARDED_HOST);
        return isSelf(address) ? next.startCall(call, headers) : relay(call, headers, address);
    }

    private <Q, A> ServerCall.Listener<Q> relay(ServerCall<Q, A> call, Metadata headers, HostPort address) {
        Deadline deadline = Context.current().getDeadline();
        ClientCall<Q, A> onward =
                channels.to(address).newCall(call.getMethodDescriptor(), CallOptions.DEFAULT.withDeadline(deadline));
        Relay<Q, A> relay = new Relay<>(call, onward);
        onward.start(relay.answers, headers);
        onward.request(1);
        call.request(1);
        return relay.requests;
    }

    private @Nullable HostPort memberAddress(String host) {
        HostPort address;
        try {
            address = MemberChannels.address(host);
        } catch (IllegalArgumentException e) {
            return null;
        }
        boolean known = isSelf(address)
                || member.members().stream()
                        .flatMap(other -> other.getClientUrlsList().stream())
                        .anyMatch(url -> MemberChannels.address(url).equals(address));
        return known ? address : null;
    }

    private boolean isSelf(HostPort address) {
        Member self = member.self();
        return self.getClientUrlsList().stream()
                .anyMatch(url -> MemberChannels.address(url).equals(address));
    }

    /** Two calls tied together. A message is asked for on one side when the other can take it. */
    private static final class Relay<Q, A> {

        private final Requests requests;
        private final Answers answers;

        private Relay(ServerCall<Q, A> call, ClientCall<Q, A> onward) {
            this.requests = new Requests(call, onward);
            this.answers = new Answers(call, onward);
        }

        private final class Requests extends ServerCall.Listener<Q> {
            private final ServerCall<Q, A> call;
            private final ClientCall<Q, A> onward;
            private boolean wanted;

            private Requests(ServerCall<Q, A> call, ClientCall<Q, A> onward) {
                this.call = call;
                this.onward = onward;
            }

            @Override
            public void onMessage(Q request) {
                onward.sendMessage(request);
                synchronized (this) {
                    if (onward.isReady()) {
                        call.request(1);
                    } else {
                        wanted = true;
                    }
                }
            }

            private synchronized void onwardReady() {
                if (wanted) {
                    wanted = false;
                    call.request(1);
                }
            }

            @Override
            public void onHalfClose() {
                onward.halfClose();
            }

            @Override
            public void onCancel() {
                onward.cancel("caller cancelled", null);
            }

            @Override
            public void onReady() {
                answers.callReady();
            }
        }

        private final class Answers extends ClientCall.Listener<A> {
            private final ServerCall<Q, A> call;
            private final ClientCall<Q, A> onward;
            private boolean wanted;

            private Answers(ServerCall<Q, A> call, ClientCall<Q, A> onward) {
                this.call = call;
                this.onward = onward;
            }

            @Override
            public void onHeaders(Metadata headers) {
                call.sendHeaders(headers);
            }

            @Override
            public void onMessage(A answer) {
                call.sendMessage(answer);
                synchronized (this) {
                    if (call.isReady()) {
                        onward.request(1);
                    } else {
                        wanted = true;
                    }
                }
            }

            private synchronized void callReady() {
                if (wanted) {
                    wanted = false;
                    onward.request(1);
                }
            }

            @Override
            public void onClose(Status status, Metadata trailers) {
                call.close(status, trailers);
            }

            @Override
            public void onReady() {
                requests.onwardReady();
            }
        }
    }
}
