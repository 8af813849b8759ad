package io.rutile.tls.spring;

import io.rutile.tls.TlsException;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Says what keeps a service from starting in one sentence. Named in {@code META-INF/spring.factories}. */
final class TlsFailureAnalyzer extends AbstractFailureAnalyzer<TlsException> {

    @Override
    protected FailureAnalysis analyze(Throwable root, TlsException cause) {
        return new FailureAnalysis(
                "Connections cannot be secured: " + cause.getMessage() + ".",
                "Correct rutile.tls.* and the spring.ssl.bundle.* that it names; see docs/operations/security.md.",
                cause);
    }
}
