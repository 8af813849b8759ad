package io.rutile.gateway.rest;

import io.rutile.gateway.access.TxnDoor;
import io.rutile.gateway.kv.IdempotencyKey;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.HandlerInterceptor;

/**
 * The header {@code Idempotency-Key} of requests that write. It is read where it is kept, and refused where it could not be: whoever sends one
 * counts on it.
 */
final class Idempotency implements HandlerInterceptor {

    static final String HEADER = "Idempotency-Key";

    private static final Set<String> METHODS_THAT_READ = Set.of("GET", "HEAD", "OPTIONS");

    @Override
    public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler) {
        boolean promised = request.getHeader(HEADER) != null && !METHODS_THAT_READ.contains(request.getMethod());
        if (promised && handler instanceof HandlerMethod method && !keeps(method)) {
            throw ProblemType.INVALID_REQUEST.because(
                    "an " + HEADER + " is kept by /v1/txn/execute and by the commit of a transaction alone");
        }
        return true;
    }

    private static boolean keeps(HandlerMethod method) {
        String name = method.getMethod().getName();
        return TxnController.class.isAssignableFrom(method.getBeanType())
                && (name.equals("execute") || name.equals("commit"));
    }

    /**
     * The key of a request; null if it has none.
     *
     * @param what distinguishes it from other requests under the same name
     * @throws ProblemException if the header makes no sense
     */
    static @Nullable IdempotencyKey of(HttpServletRequest request, TxnDoor door, String path, byte[] what) {
        List<String> headers = Collections.list(request.getHeaders(HEADER));
        if (headers.isEmpty()) {
            return null;
        }
        IdempotencyKey key = headers.size() > 1
                ? null
                : door.idempotencyKey(bare(headers.get(0).strip()), path.getBytes(StandardCharsets.UTF_8), what);
        if (key == null) {
            throw ProblemType.INVALID_REQUEST.because("an " + HEADER + " is given once, 1 to "
                    + IdempotencyKey.LENGTH_MAX + " printable characters of ASCII without spaces");
        }
        return key;
    }

    /** Structured headers have strings in quotation marks; many clients leave them out. */
    private static String bare(String name) {
        boolean quoted = name.length() > 1 && name.startsWith("\"") && name.endsWith("\"");
        return quoted ? name.substring(1, name.length() - 1) : name;
    }
}
