package io.rutile.trace;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;

/**
 * What spans tell, under OpenTelemetry's names where it has one; docs/operations/tracing.md explains each. Never a key or a value of a user
 * (E3), nor a message that may quote one.
 */
public final class SpanAttributes {

    public static final AttributeKey<String> RPC_SYSTEM = AttributeKey.stringKey("rpc.system");
    public static final AttributeKey<String> RPC_SERVICE = AttributeKey.stringKey("rpc.service");
    public static final AttributeKey<String> RPC_METHOD = AttributeKey.stringKey("rpc.method");
    public static final AttributeKey<Long> GRPC_STATUS = AttributeKey.longKey("rpc.grpc.status_code");
    public static final AttributeKey<String> HTTP_METHOD = AttributeKey.stringKey("http.request.method");
    public static final AttributeKey<String> HTTP_ROUTE = AttributeKey.stringKey("http.route");
    public static final AttributeKey<Long> HTTP_STATUS = AttributeKey.longKey("http.response.status_code");
    public static final AttributeKey<String> ERROR_TYPE = AttributeKey.stringKey("error.type");

    public static final AttributeKey<Long> REGION = AttributeKey.longKey("rutile.region");
    public static final AttributeKey<Long> PEER = AttributeKey.longKey("rutile.peer");
    public static final AttributeKey<Long> STORE = AttributeKey.longKey("rutile.store");
    public static final AttributeKey<Long> ATTEMPTS = AttributeKey.longKey("rutile.attempts");
    public static final AttributeKey<String> REASON = AttributeKey.stringKey("rutile.reason");
    public static final AttributeKey<Long> PAUSE_MS = AttributeKey.longKey("rutile.pause_ms");

    public static final String GRPC = "grpc";

    private SpanAttributes() {}

    /** @param type one of few words */
    public static void failed(Span span, String type) {
        span.setAttribute(ERROR_TYPE, type);
        span.setStatus(StatusCode.ERROR);
    }
}
