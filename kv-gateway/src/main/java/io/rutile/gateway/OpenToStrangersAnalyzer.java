package io.rutile.gateway;

import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Says what to do about an {@link OpenToStrangersException}. Named in {@code META-INF/spring.factories}. */
final class OpenToStrangersAnalyzer extends AbstractFailureAnalyzer<OpenToStrangersException> {

    @Override
    protected FailureAnalysis analyze(Throwable root, OpenToStrangersException cause) {
        return new FailureAnalysis(
                "The gateway does not start: " + cause.getMessage() + ".",
                "One of:\n"
                        + "- say who may call: rutile.gateway.security.access-file (API tokens) or rutile.gateway.security.jwt.*; see"
                        + " docs/operations/security.md\n"
                        + "- serve this machine only: 127.0.0.1\n"
                        + "- let everybody in who reaches it: rutile.gateway.security.insecure=true",
                cause);
    }
}
