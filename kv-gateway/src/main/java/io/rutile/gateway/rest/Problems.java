package io.rutile.gateway.rest;

import io.rutile.client.rpc.Futures;
import io.rutile.gateway.kv.Failure;
import io.rutile.gateway.kv.Failures;
import java.util.function.Function;

/** Failures as problems. What a failure means is decided in {@link Failures}; here it gets its type and status. */
final class Problems {

    private Problems() {}

    static Problem of(Throwable failure) {
        return told(failure, Failures::of);
    }

    /** A step of a transaction. */
    static Problem ofTransaction(Throwable failure) {
        return told(failure, Failures::ofTransaction);
    }

    /** The end of a transaction. */
    static Problem ofCommit(Throwable failure) {
        return told(failure, Failures::ofCommit);
    }

    static Problem ofAtomicCall(Throwable failure) {
        return told(failure, Failures::ofAtomicCall);
    }

    /** The end of a transaction, with a name of its own. */
    static Problem ofNamedCommit(Throwable failure) {
        return told(failure, Failures::ofNamedCommit);
    }

    /** A write with a name of its own. */
    static Problem ofIdempotent(Throwable failure) {
        return told(failure, Failures::ofIdempotent);
    }

    /** A compare-and-swap. */
    static Problem ofConditional(Throwable failure) {
        return told(failure, Failures::ofConditional);
    }

    private static Problem told(Throwable failure, Function<Throwable, Failure> meaning) {
        Throwable cause = Futures.causeOf(failure);
        return cause instanceof ProblemException known ? known.problem() : of(meaning.apply(cause));
    }

    static Problem of(Failure failure) {
        Problem problem = ProblemType.of(failure.kind())
                .problem(failure.detail(), failure.error())
                .withRetryable(failure.retryable());
        return failure.key() == null ? problem : problem.withKey(failure.key());
    }
}
