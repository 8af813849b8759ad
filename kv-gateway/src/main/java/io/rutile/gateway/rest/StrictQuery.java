package io.rutile.gateway.rest;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.HandlerInterceptor;

/**
 * Refuses query parameters that the path does not have, and parameters given twice: {@code limt=10} must not be a scan without
 * a limit.
 */
final class StrictQuery implements HandlerInterceptor {

    private final Map<HandlerMethod, Set<String>> known = new ConcurrentHashMap<>();

    @Override
    public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler) {
        if (handler instanceof HandlerMethod method && request.getQueryString() != null) {
            Set<String> names = known.computeIfAbsent(method, StrictQuery::parametersOf);
            request.getParameterMap().forEach((name, values) -> {
                if (!names.contains(name)) {
                    throw ProblemType.INVALID_REQUEST.because("unknown query parameter; this path takes "
                            + (names.isEmpty() ? "none" : String.join(", ", names)));
                }
                if (values.length > 1) {
                    throw ProblemType.INVALID_REQUEST.because("the query parameter " + name + " is given twice");
                }
            });
        }
        return true;
    }

    private static Set<String> parametersOf(HandlerMethod method) {
        return Arrays.stream(method.getMethodParameters())
                .filter(parameter -> parameter.hasParameterAnnotation(RequestParam.class))
                .map(parameter -> parameter.getParameter().getName())
                .collect(Collectors.toCollection(TreeSet::new));
    }
}
