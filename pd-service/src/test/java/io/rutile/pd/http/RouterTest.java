package io.rutile.pd.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class RouterTest {

    private final Router router = new Router(List.of(
            route("GET", "/stores"),
            route("GET", "/stores/check"),
            route("GET", "/store/{id}"),
            route("DELETE", "/store/{id}"),
            route("GET", "/region/key/{key}"),
            route("GET", "/regions/{order}/x")));

    @Test
    void literalGoesBeforeAnySegment() {
        assertThat(router.find("GET", "/stores/check").route().path()).isEqualTo("/stores/check");
        assertThat(router.find("GET", "/store/4").parameters()).containsEntry("id", "4");
        assertThat(router.find("GET", "/stores/").route().path()).isEqualTo("/stores");
    }

    @Test
    void keyMayBeAnyBytes() {
        assertThat(key("/region/key/a%2Fb%00%ff+")).isEqualTo("a/b\u0000\u00ff ");
        assertThat(key("/region/key/")).isEmpty();
    }

    @Test
    void whatIsNotThereIsSaidSo() {
        assertStatus(404, () -> router.find("GET", "/nothing"));
        assertStatus(404, () -> router.find("GET", "/store"));
        assertStatus(404, () -> router.find("GET", "/store/4/5"));
        assertStatus(404, () -> router.find("GET", "/regions/x"));
        assertStatus(405, () -> router.find("PUT", "/store/4"));
        assertStatus(400, () -> router.find("GET", "/region/key/%zz"));
        assertStatus(400, () -> router.find("GET", "/region/key/%4"));
    }

    @Test
    void twoRoutesForOneCallAreABug() {
        assertThatThrownBy(() -> new Router(List.of(route("GET", "/a/{x}"), route("GET", "/a/{y}"))))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private String key(String path) {
        return router.find("GET", path).parameters().getOrDefault("key", "absent");
    }

    private static Route route(String method, String path) {
        return Route.anywhere(method, path, request -> HttpAnswer.empty());
    }

    private static void assertStatus(int status, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        ApiError.class, e -> assertThat(e.status()).isEqualTo(status));
    }
}
