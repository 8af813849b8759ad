package io.rutile.node;

import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** A node that can't start says why in one sentence, not in a wall of frames. */
final class NodeStartFailureAnalyzer extends AbstractFailureAnalyzer<NodeStartException> {

    @Override
    protected FailureAnalysis analyze(Throwable rootFailure, NodeStartException cause) {
        return new FailureAnalysis(String.valueOf(cause.getMessage()), null, cause);
    }
}
