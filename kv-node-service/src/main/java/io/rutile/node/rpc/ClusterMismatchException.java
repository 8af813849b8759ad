package io.rutile.node.rpc;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;

/** A request that was meant for another cluster. It ends the call, and a whole stream, with {@code INVALID_ARGUMENT}. */
final class ClusterMismatchException extends RuntimeException {

    private final long asked;
    private final long actual;

    ClusterMismatchException(long asked, long actual) {
        super("cluster id mismatch: the request is for " + asked + ", this is " + actual, null, false, false);
        this.asked = asked;
        this.actual = actual;
    }

    StatusRuntimeException asStatus() {
        return Status.INVALID_ARGUMENT
                .withDescription("mismatch cluster id, need " + Long.toUnsignedString(actual) + " but got "
                        + Long.toUnsignedString(asked))
                .asRuntimeException();
    }
}
