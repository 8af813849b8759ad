package io.rutile.gateway.rest;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.gateway.RunningGateway;
import io.rutile.gateway.console.ConsolePages;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The console's pages over the port. */
class ConsoleHandlerTest {

    private final RunningGateway gateway = RunningGateway.shared();

    @ParameterizedTest
    @CsvSource({
        "/console/,text/html;charset=UTF-8",
        "/console/index.html,text/html;charset=UTF-8",
        "/console/app.js,text/javascript;charset=UTF-8",
        "/console/console.css,text/css;charset=UTF-8",
        "/console/icon.svg,image/svg+xml"
    })
    void pagesHaveTheirTypeAndAStrictPolicy(String path, String mediaType) {
        HttpResponse<byte[]> page = gateway.get(path);

        assertThat(page.statusCode()).isEqualTo(200);
        assertThat(page.headers().firstValue("Content-Type")).hasValue(mediaType);
        assertThat(page.body()).isNotEmpty();
        ConsolePages.responseHeaders()
                .forEach((name, value) ->
                        assertThat(page.headers().allValues(name)).as(name).containsExactly(value));
        assertThat(page.headers().firstValue("Content-Security-Policy").orElseThrow())
                .startsWith("default-src 'none'; script-src 'self';");
    }

    @Test
    void whoHasAPageIsToldSo() {
        HttpResponse<byte[]> page = gateway.get("/console/app.js");
        String tag = page.headers().firstValue("ETag").orElseThrow();

        HttpResponse<byte[]> again = gateway.get("/console/app.js", "If-None-Match", tag);

        assertThat(again.statusCode()).isEqualTo(304);
        assertThat(again.body()).isEmpty();
        assertThat(again.headers().firstValue("ETag")).hasValue(tag);
        assertThat(again.headers().firstValue("Content-Security-Policy")).isPresent();
        assertThat(gateway.get("/console/app.js", "If-None-Match", "\"other\"").statusCode())
                .isEqualTo(200);
        assertThat(gateway.get("/console/app.js", "If-None-Match", "no tag").statusCode())
                .isEqualTo(400);
    }

    @Test
    void withoutItsSlashTheConsoleIsElsewhere() {
        HttpResponse<byte[]> answer = gateway.get("/console");

        assertThat(answer.statusCode()).isEqualTo(308);
        assertThat(answer.headers().firstValue("Location").orElseThrow()).endsWith("console/");
    }

    @ParameterizedTest
    @CsvSource({
        "GET,/console/no-such.js,404",
        "GET,/console/api/stores,404",
        "GET,/console/%61pp.js,404",
        "POST,/console/,405",
        "PUT,/console/app.js,405",
        "HEAD,/console/app.js,200"
    })
    void nothingElseIsThere(String method, String path, int status) {
        HttpResponse<byte[]> answer =
                gateway.send(gateway.request(path).method(method, HttpRequest.BodyPublishers.noBody()));

        assertThat(answer.statusCode()).isEqualTo(status);
        if (status >= 400) {
            assertThat(answer.headers().firstValue("Content-Type")).hasValue("application/problem+json");
        }
    }

    @Test
    void noPathLeadsOutOfTheConsole() throws IOException {
        for (String path : new String[] {
            "/console/../application.yml",
            "/console/..%2fapplication.yml",
            "/console/..;/v1/raw/k",
            "/console/./app.js",
            "/console//app.js",
            "/console/app.js;x=1",
            "/console/..\\application.yml"
        }) {
            String answer = gateway.raw("GET " + path + " HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n");

            assertThat(answer).as(path).startsWith("HTTP/1.1 4").doesNotContain("spring:", "import ");
        }
    }

    @Test
    void theIndexLeadsToTheConsole() {
        assertThat(new String(gateway.get("/").body(), StandardCharsets.UTF_8)).contains("\"console\":\"/console/\"");
    }
}
