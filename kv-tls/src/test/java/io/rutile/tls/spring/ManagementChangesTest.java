package io.rutile.tls.spring;

import static org.assertj.core.api.Assertions.assertThat;

import java.security.cert.X509Certificate;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.mock.web.MockFilterChain;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.mock.web.MockHttpServletResponse;

/** E2. */
class ManagementChangesTest {

    private final ManagementChanges filter = Objects.requireNonNull(
            ManagementChanges.registration("/actuator/consistency").getFilter());

    @ParameterizedTest(name = "{0} {1} from {2}")
    @CsvSource({
        "GET,    /actuator/loggers,       10.0.0.7,        200",
        "HEAD,   /actuator/loggers,       10.0.0.7,        200",
        "POST,   /actuator/loggers/ROOT,  10.0.0.7,        403",
        "POST,   /actuator/loggers/ROOT,  127.0.0.1,       200",
        "POST,   /actuator/loggers/ROOT,  0:0:0:0:0:0:0:1, 200",
        "DELETE, /actuator/anything,      10.0.0.7,        403",
        "PATCH,  /,                       10.0.0.7,        403",
        "POST,   /actuator/consistency,   10.0.0.7,        200",
        "POST,   /actuator/consistency/7, 10.0.0.7,        200",
        "POST,   /actuator/consistencyx,  10.0.0.7,        403",
        "POST,   /actuator/loggers/actuator/consistency, 10.0.0.7, 403",
    })
    void whoIsOnTheMachineMayChange(String method, String path, String peer, int status) throws Exception {
        assertThat(answer(request(method, path, peer))).isEqualTo(status);
    }

    @Test
    void aCertificateThatWasBelievedMayChange() throws Exception {
        MockHttpServletRequest request = request("POST", "/actuator/loggers/ROOT", "10.0.0.7");
        request.setAttribute("jakarta.servlet.request.X509Certificate", new X509Certificate[0]);

        assertThat(answer(request)).isEqualTo(200);
    }

    @Test
    void aPageOfSomeSiteChangesNothing() throws Exception {
        MockHttpServletRequest request = request("POST", "/actuator/loggers/ROOT", "127.0.0.1");
        request.addHeader("Origin", "https://site.example");

        assertThat(answer(request)).isEqualTo(403);
    }

    private static MockHttpServletRequest request(String method, String path, String peer) {
        MockHttpServletRequest request = new MockHttpServletRequest(method, path);
        request.setServletPath(path);
        request.setRemoteAddr(peer);
        return request;
    }

    private int answer(MockHttpServletRequest request) throws Exception {
        MockHttpServletResponse response = new MockHttpServletResponse();
        MockFilterChain chain = new MockFilterChain();
        filter.doFilter(request, response, chain);
        assertThat(chain.getRequest() != null).isEqualTo(response.getStatus() == 200);
        return response.getStatus();
    }
}
