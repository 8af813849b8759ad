package io.rutile.node.rpc;

import io.grpc.Deadline;
import io.rutile.protocol.kvrpcpb.Context;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What every call at this door shares: whose store it is and how long anybody waits.
 *
 * @param clusterId requests that name another one are refused
 * @param storeId this store
 * @param timeoutDefault for a request that brings no deadline
 * @param timeoutMax for a request that brings a longer one
 * @param metrics where calls are counted
 * @param slow who is told of those that took long
 * @param traces of those whose callers trace them
 */
record RpcScope(
        long clusterId,
        long storeId,
        Duration timeoutDefault,
        Duration timeoutMax,
        RpcMetrics metrics,
        SlowRequests slow,
        RpcTraces traces) {

    /** E07: zero means that the client doesn't say. */
    void requireCluster(Context asked) {
        if (asked.getClusterId() != 0 && asked.getClusterId() != clusterId) {
            throw new ClusterMismatchException(asked.getClusterId(), clusterId);
        }
    }

    /** The earlier of the request's own limit and the call's deadline, never later than {@link #timeoutMax}. */
    long deadlineNanos(Context asked) {
        @Nullable Deadline call = io.grpc.Context.current().getDeadline();
        long left = timeoutMax.toNanos();
        if (asked.getMaxExecutionDurationMs() > 0) {
            left = Math.min(left, TimeUnit.MILLISECONDS.toNanos(asked.getMaxExecutionDurationMs()));
        } else if (call == null) {
            left = Math.min(left, timeoutDefault.toNanos());
        }
        if (call != null) {
            left = Math.min(left, call.timeRemaining(TimeUnit.NANOSECONDS));
        }
        return System.nanoTime() + left;
    }
}
