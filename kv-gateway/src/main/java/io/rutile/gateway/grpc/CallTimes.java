package io.rutile.gateway.grpc;

import io.grpc.Context;
import io.rutile.gateway.kv.Deadline;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * How long the cluster may take for a call: what is left of the call's own deadline, within bounds.
 *
 * @param byDefault for a call that has none
 * @param max longest, whatever the call asks for
 */
record CallTimes(Duration byDefault, Duration max) {

    private static final Duration MIN = Duration.ofMillis(1);

    /** Of the call whose handler runs on this thread. */
    Duration timeout() {
        io.grpc.Deadline asked = Context.current().getDeadline();
        if (asked == null) {
            return byDefault;
        }
        Duration left = Duration.ofNanos(asked.timeRemaining(TimeUnit.NANOSECONDS));
        return left.compareTo(max) > 0 ? max : left.compareTo(MIN) < 0 ? MIN : left;
    }

    Deadline deadline() {
        return Deadline.after(timeout());
    }
}
