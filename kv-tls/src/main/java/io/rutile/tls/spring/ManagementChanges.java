package io.rutile.tls.spring;

import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.core.Ordered;

/**
 * Who may change something at the management port of a process that knows no tokens, its log levels for instance: who is on its machine, which
 * is what {@code kubectl port-forward} comes from, too, or shows a certificate that the port believes. Everybody may look, as far as the network
 * lets them. Pages of web sites, which come from their visitor's machine, may change nothing (E2).
 */
public final class ManagementChanges implements Filter {

    private static final Set<String> LOOKS = Set.of("GET", "HEAD", "OPTIONS");
    /** Where a servlet container keeps what its client has shown, once that is believed. */
    private static final String CERTIFICATES = "jakarta.servlet.request.X509Certificate";

    private static final byte[] REFUSAL = """
            {"error": "changes are made from the machine itself, or with a certificate: docs/operations/security.md"}
            """.getBytes(StandardCharsets.UTF_8);

    private final Set<String> harmless;

    private ManagementChanges(Set<String> harmless) {
        this.harmless = harmless;
    }

    /**
     * In front of everything at the port.
     *
     * @param harmless paths at and below which everybody may do what there is to do
     */
    public static FilterRegistrationBean<ManagementChanges> registration(String... harmless) {
        FilterRegistrationBean<ManagementChanges> registration =
                new FilterRegistrationBean<>(new ManagementChanges(Set.of(harmless)));
        registration.setOrder(Ordered.HIGHEST_PRECEDENCE);
        return registration;
    }

    @Override
    public void doFilter(ServletRequest plainRequest, ServletResponse plainResponse, FilterChain chain)
            throws IOException, ServletException {
        HttpServletRequest request = (HttpServletRequest) plainRequest;
        HttpServletResponse response = (HttpServletResponse) plainResponse;
        if (LOOKS.contains(request.getMethod()) || isHarmless(request) || mayChange(request)) {
            chain.doFilter(request, response);
            return;
        }
        response.setStatus(HttpServletResponse.SC_FORBIDDEN);
        response.setContentType("application/json");
        response.getOutputStream().write(REFUSAL);
    }

    /** The path as the container understands it, decoded and without detours. */
    private boolean isHarmless(HttpServletRequest request) {
        String path = request.getServletPath();
        return harmless.stream().anyMatch(open -> path.equals(open) || path.startsWith(open + "/"));
    }

    private static boolean mayChange(HttpServletRequest request) throws IOException {
        if (request.getHeader("Origin") != null) {
            return false;
        }
        return InetAddress.getByName(request.getRemoteAddr()).isLoopbackAddress()
                || request.getAttribute(CERTIFICATES) != null;
    }
}
