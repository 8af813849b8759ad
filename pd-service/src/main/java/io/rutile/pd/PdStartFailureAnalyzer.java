package io.rutile.pd;

import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Says what keeps a member from starting in one sentence instead of a stack trace. */
final class PdStartFailureAnalyzer extends AbstractFailureAnalyzer<PdStartException> {

    @Override
    protected FailureAnalysis analyze(Throwable rootFailure, PdStartException cause) {
        return new FailureAnalysis(cause.getMessage(), cause.action(), cause);
    }
}
