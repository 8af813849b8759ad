package io.rutile.gateway.grpc;

import io.grpc.Context;
import io.grpc.ServerStreamTracer;
import io.grpc.Status;
import io.rutile.gateway.access.CallAccess;
import io.rutile.gateway.kv.CallerGoneException;
import io.rutile.gateway.kv.Failure;
import io.rutile.gateway.kv.FailureException;
import io.rutile.gateway.kv.GatewayLimits.Permit;
import java.util.Objects;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * What one call holds, from its first header to its last byte: a place among the requests in flight, and room for its bytes as they
 * arrive. It is given back when the stream has ended <em>and</em> the work that was begun for it is done, so that callers who leave early
 * do not make room for more work than allowed.
 *
 * <p>Threads: gRPC calls the methods of the tracer from its own; everything is guarded by this object.
 */
final class CallGuard extends ServerStreamTracer implements MessageStream.Watch {

    /** A call that is none of the API's, such as a health check, has no business being longer. */
    private static final long OTHER_BYTES_MAX = 64 << 10;

    private static final Context.Key<CallGuard> KEY = Context.key("rutile-gateway-call");
    private static final long NOT_WAITING = Long.MIN_VALUE;

    private final CallGuards owner;
    private final @Nullable Permit permit;
    private final @Nullable Failure refusal;
    private final Runnable onEnd;
    private final long begunNanos = System.nanoTime();

    /** Written and read by the threads that run the call's handlers, one after the other. */
    private @Nullable CallAccess access;

    private Context.@Nullable CancellableContext context;
    private String method = "unknown";
    private long wireBytes;
    private long plainBytes;
    private long arrivedBytes;
    private long waitingSinceNanos = begunNanos;
    /** The stream, and the work. */
    private int holders = 1;

    /**
     * @param permit what the call was let in with; null if it is none of the API's, or was refused
     * @param refusal why it was not let in
     * @param onEnd runs once, when the stream has ended
     */
    CallGuard(CallGuards owner, @Nullable Permit permit, @Nullable Failure refusal, Runnable onEnd) {
        this.owner = owner;
        this.permit = permit;
        this.refusal = refusal;
        this.onEnd = onEnd;
    }

    /** That of the call whose handler runs on this thread. */
    static CallGuard current() {
        return Objects.requireNonNull(KEY.get(), "not inside a call");
    }

    /** Why the call must not be served; null if it may. */
    @Nullable Failure refusal() {
        return refusal;
    }

    /** For calls of the API that were let in. */
    Permit permit() {
        return Objects.requireNonNull(permit, "not let in");
    }

    /** Who makes the call, once that is known. Before its handler runs. */
    void callBy(CallAccess caller) {
        access = caller;
    }

    /** For calls of the API. */
    CallAccess access() {
        return Objects.requireNonNull(access, "nobody was asked");
    }

    // ---- what gRPC tells

    @Override
    public synchronized Context filterContext(Context parent) {
        context = parent.withValue(KEY, this).withCancellation();
        return context;
    }

    @Override
    public synchronized void serverCallStarted(ServerCallInfo<?, ?> call) {
        method = call.getMethodDescriptor().getFullMethodName();
    }

    @Override
    public void inboundWireSize(long bytes) {
        arrived(bytes, 0);
    }

    @Override
    public void inboundUncompressedSize(long bytes) {
        arrived(0, bytes);
    }

    /** Counts a message while it comes in. What is thrown ends the stream with its status. */
    private synchronized void arrived(long wire, long plain) {
        wireBytes += wire;
        plainBytes += plain;
        // Of a compressed message the larger form counts, of any other both are the same bytes.
        long more = Math.max(wireBytes, plainBytes) - arrivedBytes;
        if (more <= 0) {
            return;
        }
        if (permit == null) {
            if (arrivedBytes + more > OTHER_BYTES_MAX) {
                throw Status.RESOURCE_EXHAUSTED
                        .withDescription("the request is too large")
                        .asRuntimeException();
            }
        } else {
            try {
                permit.reserve(more);
            } catch (FailureException full) {
                throw RpcErrors.of(full.failure());
            } catch (CallerGoneException gone) {
                return;
            }
        }
        arrivedBytes += more;
    }

    @Override
    public void streamClosed(Status status) {
        synchronized (this) {
            waitingSinceNanos = NOT_WAITING;
            if (permit != null) {
                permit.abandon();
            }
            owner.closed(this, method, status.getCode(), System.nanoTime() - begunNanos);
        }
        onEnd.run();
        letGo();
    }

    // ---- what the handlers tell

    /** The whole request is there. */
    void requestArrived() {
        clientMoved();
    }

    /** Something is being done for the call, until {@link #letGo}. */
    synchronized void hold() {
        holders++;
    }

    /** The work is done, or the stream has ended. */
    synchronized void letGo() {
        holders--;
        assert holders >= 0 : "let go more often than held";
        if (holders == 0 && permit != null) {
            permit.close();
        }
    }

    /** From now on it is the client's turn, until it has moved or the stream has ended. */
    @Override
    public synchronized void waitForClient() {
        waitingSinceNanos = System.nanoTime();
    }

    @Override
    public synchronized void clientMoved() {
        waitingSinceNanos = NOT_WAITING;
    }

    // ---- what the sweeper asks

    synchronized boolean hasWaitedLongerThan(long nanos, long nowNanos) {
        return waitingSinceNanos != NOT_WAITING && nowNanos - waitingSinceNanos > nanos;
    }

    /** Resets the stream. A deadline that passes is the one way from outside that gRPC has for that. */
    void abort(String why) {
        Context.CancellableContext cancelled;
        synchronized (this) {
            cancelled = context;
            waitingSinceNanos = NOT_WAITING;
        }
        if (cancelled != null) {
            cancelled.cancel(new TimeoutException(why));
        }
    }
}
