package io.rutile.pd.rpc;

import com.google.protobuf.Message;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.pd.leader.LeaderTerm;
import io.rutile.pd.meta.MetaState;
import io.rutile.pd.meta.MetaStore;
import io.rutile.protocol.pdpb.RequestHeader;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Streams that tell a part of the hard state: all of it first, then what has changed. Whoever reads slowly is told less
 * often, with several changes in one; nothing is kept for him but the state that he was told last.
 *
 * <p>Bounded in number. One timer tells; a stream ends when the term does in which it began.
 */
final class StateStreams {

    /** Streams open at once; one more is refused. */
    static final int STREAMS_MAX = 256;

    private final PdCalls calls;
    private final MetaStore meta;
    private final Set<Stream<?>> open = ConcurrentHashMap.newKeySet();
    private final Counter refused;

    /** What is told. */
    interface News {
        /**
         * A message with what is new, or empty.
         *
         * @param told what the caller knows, null if nothing
         */
        Optional<? extends Message.Builder> since(@Nullable MetaState told, MetaState state);
    }

    StateStreams(PdCalls calls, MetaStore meta, MeterRegistry metrics) {
        this.calls = calls;
        this.meta = meta;
        Gauge.builder("kv.pd.rpc.watches", open, Set::size)
                .description("Streams that tell a part of the hard state")
                .register(metrics);
        this.refused = Counter.builder("kv.pd.rpc.watches.refused")
                .description("Streams refused because there are too many")
                .register(metrics);
    }

    /** The checks of a unary call first; NOT_BOOTSTRAPPED is a message and the end of the stream. */
    <R extends Message> void open(RequestHeader header, R empty, StreamObserver<R> out, News news) {
        try {
            LeaderTerm term = calls.leader();
            calls.headers().checkCluster(header);
            calls.checkBootstrapped();
            if (open.size() >= STREAMS_MAX) {
                refused.increment();
                throw Status.RESOURCE_EXHAUSTED
                        .withDescription("there are " + STREAMS_MAX + " watches already")
                        .asRuntimeException();
            }
            Stream<R> stream = new Stream<>(term, (ServerCallStreamObserver<R>) out, news);
            stream.out.setOnCancelHandler(() -> open.remove(stream));
            open.add(stream);
            stream.tell();
        } catch (RuntimeException e) {
            calls.fail(empty, out, e);
        }
    }

    /** Tells every stream what is new for it; does not wait. */
    void tell() {
        open.forEach(Stream::tell);
    }

    private final class Stream<R extends Message> {

        private final LeaderTerm term;
        private final ServerCallStreamObserver<R> out;
        private final News news;
        /** Guarded by this, as is every call of {@code out}. */
        private @Nullable MetaState told;

        private Stream(LeaderTerm term, ServerCallStreamObserver<R> out, News news) {
            this.term = term;
            this.out = out;
            this.news = news;
        }

        @SuppressWarnings("unchecked") // A builder of R builds an R; protobuf's own types do not say so.
        private synchronized void tell() {
            if (!open.contains(this)) {
                return;
            }
            try {
                if (!term.isCurrent()) {
                    end(PdHeaders.notLeader());
                    return;
                }
                MetaState state = meta.state();
                if ((told != null && told.appliedIndex() == state.appliedIndex()) || !out.isReady()) {
                    return;
                }
                Optional<? extends Message.Builder> message = news.since(told, state);
                told = state;
                message.ifPresent(builder -> {
                    PdHeaders.put(builder, calls.headers().ok());
                    out.onNext((R) builder.build());
                });
            } catch (RuntimeException e) {
                // One stream's trouble must not end the timer that tells all of them.
                end(PdHeaders.status(e).asRuntimeException());
            }
        }

        private void end(StatusRuntimeException why) {
            if (open.remove(this) && !out.isCancelled()) {
                out.onError(why);
            }
        }
    }
}
