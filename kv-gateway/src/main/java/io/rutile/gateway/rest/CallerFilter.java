package io.rutile.gateway.rest;

import io.rutile.gateway.access.AccessException;
import io.rutile.gateway.access.Authenticator;
import io.rutile.gateway.access.CallAccess;
import io.rutile.gateway.access.CallOrigin;
import io.rutile.gateway.access.Refusal;
import io.rutile.gateway.console.ConsolePages;
import io.rutile.gateway.kv.Failure;
import io.rutile.gateway.kv.FailureException;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.core.Ordered;
import org.springframework.http.HttpHeaders;

/**
 * Asks who calls, before anything is done for them (E2). The API is for whoever is known; which keys they may touch is asked further down,
 * where keys are known. The management's paths are for admins, but those that are open; the console's pages are for everybody. The body of
 * who is refused stays unread.
 */
public final class CallerFilter implements Filter {

    private static final String ACCESS = CallerFilter.class.getName();
    static final Set<String> METHODS = Set.of("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE");
    private static final List<String> API_NAMES = List.of("raw", "txn", "cluster");

    private final Authenticator authenticator;
    private final ManagementPaths management;
    private final boolean managementOnly;

    /** @param managementOnly whether every path of this port is the management's */
    public CallerFilter(Authenticator authenticator, ManagementPaths management, boolean managementOnly) {
        this.authenticator = authenticator;
        this.management = management;
        this.managementOnly = managementOnly;
    }

    /** Behind the filters that observe requests, in front of all others. Dispatched again, a request is the one that was asked about. */
    public static FilterRegistrationBean<CallerFilter> registration(CallerFilter filter) {
        FilterRegistrationBean<CallerFilter> registration = new FilterRegistrationBean<>(filter);
        registration.setDispatcherTypes(DispatcherType.REQUEST);
        registration.setAsyncSupported(true);
        registration.setOrder(Ordered.HIGHEST_PRECEDENCE + 90);
        return registration;
    }

    /** What this request may touch. There is none for what everybody may see, such as a page of the console. */
    static CallAccess access(HttpServletRequest request) {
        return (CallAccess) request.getAttribute(ACCESS);
    }

    @Override
    public void doFilter(ServletRequest plainRequest, ServletResponse plainResponse, FilterChain chain)
            throws IOException, ServletException {
        HttpServletRequest request = (HttpServletRequest) plainRequest;
        HttpServletResponse response = (HttpServletResponse) plainResponse;
        String path = request.getRequestURI().substring(request.getContextPath().length());
        boolean isManagement = managementOnly || management.isManagement(path);
        if (isManagement && management.isOpen(path)) {
            chain.doFilter(request, response);
            return;
        }
        if (!isManagement && ConsolePages.isPage(path)) {
            // The same for everybody: what they show is asked for by another call, in the name of whoever looks.
            chain.doFilter(request, response);
            return;
        }
        if (isManagement && isOfAWebSite(request)) {
            ProblemWriter.write(
                    response,
                    ProblemType.PERMISSION_DENIED.problem(
                            "pages of web sites may not change the gateway or the cluster"));
            return;
        }
        try {
            CallAccess access = authenticator.authenticate(authorization(request), origin(request, path, isManagement));
            if (isManagement) {
                access.requireAdmin();
            }
            request.setAttribute(ACCESS, access);
        } catch (AccessException stranger) {
            Failure told = stranger.refusal().failure();
            if (told.kind() == Failure.Kind.UNAUTHENTICATED && stranger.refusal() != Refusal.NO_CREDENTIALS) {
                response.setHeader(
                        HttpHeaders.WWW_AUTHENTICATE,
                        Problem.CHALLENGE + ", error=\"invalid_token\", error_description=\"" + told.detail() + "\"");
            }
            refuse(response, told);
            return;
        } catch (FailureException notAllowed) {
            refuse(response, notAllowed.failure());
            return;
        }
        chain.doFilter(request, response);
    }

    /**
     * A change that some page asks for through its visitor's browser, which sends this header with it. Where nobody is asked who they are,
     * that would be enough to drain a store.
     */
    private static boolean isOfAWebSite(HttpServletRequest request) {
        return !request.getMethod().equals("GET")
                && !request.getMethod().equals("HEAD")
                && request.getHeader(HttpHeaders.ORIGIN) != null;
    }

    private static void refuse(HttpServletResponse response, Failure failure) throws IOException {
        ProblemWriter.write(response, Problems.of(failure));
    }

    /** Given twice, it is none: what a proxy has checked must be what is checked here. */
    private static String authorization(HttpServletRequest request) {
        List<String> values = Collections.list(request.getHeaders(HttpHeaders.AUTHORIZATION));
        return String.join(", ", values);
    }

    private CallOrigin origin(HttpServletRequest request, String path, boolean isManagement) {
        String method = METHODS.contains(request.getMethod()) ? request.getMethod() : "OTHER";
        String where = isManagement
                ? management.told(path)
                : API_NAMES.stream()
                        .filter(name -> path.startsWith("/v1/" + name))
                        .findFirst()
                        .orElse("other");
        return new CallOrigin(isManagement ? "management" : "rest", request.getRemoteAddr(), method + " " + where);
    }
}
