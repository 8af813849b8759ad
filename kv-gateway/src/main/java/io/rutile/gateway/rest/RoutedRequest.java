package io.rutile.gateway.rest;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import java.util.Enumeration;

/**
 * A request whose path is good for routing only. A key may spell anything, {@code ../} and {@code %2F} included, while containers
 * and frameworks normalise, refuse and log such paths whenever they dispatch. So they are shown one fixed path for all keys,
 * and the key is read from the path as it came.
 */
final class RoutedRequest extends HttpServletRequestWrapper {

    private static final String PATH_AS_IT_CAME = RoutedRequest.class.getName();
    /** As other gateways call it: what {@link TimeParameters#TIMEOUT_HEADER} is, where that is not sent. */
    private static final String TIMEOUT_HEADER_ELSEWHERE = "X-Request-Timeout";

    private static final String NOWHERE = "/no-such-path";

    private final String route;

    RoutedRequest(HttpServletRequest request) {
        super(request);
        String path = request.getRequestURI();
        request.setAttribute(PATH_AS_IT_CAME, path);
        String prefix = RequestKeys.pathPrefix(path);
        route = prefix != null ? prefix + "key" : isPlain(path) ? path : NOWHERE;
    }

    /** The path as the client sent it, of this request or of one that it was dispatched to. */
    static String pathAsItCame(HttpServletRequest request) {
        return (String) request.getAttribute(PATH_AS_IT_CAME);
    }

    @Override
    public String getRequestURI() {
        return route;
    }

    @Override
    public Enumeration<String> getHeaders(String name) {
        Enumeration<String> values = super.getHeaders(name);
        return values.hasMoreElements() || !name.equalsIgnoreCase(TimeParameters.TIMEOUT_HEADER)
                ? values
                : super.getHeaders(TIMEOUT_HEADER_ELSEWHERE);
    }

    private static boolean isPlain(String path) {
        return path.startsWith("/")
                && path.indexOf('%') < 0
                && path.indexOf(';') < 0
                && !path.contains("//")
                && !path.contains("/.");
    }
}
