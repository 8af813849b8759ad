package io.rutile.gateway.rest;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.http.server.PathContainer;
import org.springframework.web.util.pattern.PathPatternParser;

class RouteMappingTest {

    @ParameterizedTest
    @CsvSource({
        "/v1/raw, /v1/raw",
        "/v1/raw/{*key}, /v1/raw",
        "/v1/txn/{id}/commit, /v1/txn",
        "/v1/raw:batchGet, /v1/raw:batchGet",
        "/v1/file-{name}, /v1/file-",
        "/**, ''",
        "'', ''",
        "{*all}, ''",
        "/console/*.js, /console"
    })
    void whatEveryPathOfAPatternBeginsWith(String pattern, String beginning) {
        assertThat(RouteMapping.beginning(pattern)).isEqualTo(beginning);
    }

    @Test
    void nothingThatMatchesIsLeftOut() {
        List<String> paths = List.of(
                "",
                "/",
                "/v1",
                "/v1/",
                "/v1/raw",
                "/v1/raw/",
                "/v1/raw/key",
                "/v1/raw/a/b",
                "/v1/raw:batchGet",
                "/v1/txn/7",
                "/v1/txn/7/commit");
        List<String> patterns = List.of(
                "/",
                "/v1/raw",
                "/v1/raw/{*key}",
                "/v1/raw/*",
                "/v1/raw/**",
                "/v1/{what}",
                "/v1/{what}/**",
                "/v1/txn/{id}",
                "/v1/txn/{id}/commit",
                "/**");

        for (String pattern : patterns) {
            for (String path : paths) {
                if (PathPatternParser.defaultInstance.parse(pattern).matches(PathContainer.parsePath(path))) {
                    assertThat(path).as(pattern).startsWith(RouteMapping.beginning(pattern));
                }
            }
        }
    }
}
