package io.rutile.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The web console in a browser, in front of a cluster, by keyboard. Screenshots are in {@code target/console}. */
@Tag("cluster")
@ExtendWith(SharedHouse.class)
class ConsoleIT {

    private static final String PREFIX = "console/";
    private static final String HOSTILE = PREFIX + "<img src=x onerror=\"window.owned=1\">";
    private static final Path SHOTS = Path.of("target", "console");
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private static TestHouse house;

    @BeforeAll
    static void up(TestHouse shared) throws Exception {
        house = shared;
        for (int i = 0; i < 30; i++) {
            put(PREFIX + "%02d".formatted(i), "value " + i);
        }
        put(HOSTILE, "<b>bold</b>");
    }

    @AfterAll
    static void clean() throws Exception {
        for (int i = 0; i < 30; i++) {
            send("DELETE", raw(PREFIX + "%02d".formatted(i)), "");
        }
        send("DELETE", raw(HOSTILE), "");
    }

    @Test
    void everyViewShowsTheClusterByKeyboardInDarkAndLight() throws Exception {
        try (Browser browser = Browser.require()) {
            browser.resize(1280, 800);
            browser.prefer("light");
            browser.open(house.gatewayUrl() + "/console/");

            seesTheCluster(browser);
            showsLabelsAsTheyAre(browser);
            signsInAndIsToldWhatIsWrong(browser);
            findsARegionByItsKey(browser);
            walksThroughTheHeatMap(browser);
            seesWhyNothingMoves(browser);
            readsAndWritesData(browser);
            meetsAConflict(browser);
            triesCallsOfTheApi(browser);
            fitsASmallScreen(browser);
            bytesAreReadAndWritten(browser);

            assertThat(browser.troubles()).isEmpty();
        }
    }

    /** What the page tells people to type works. */
    @Test
    void commandsOfThePageWork() throws Exception {
        List<String> commands = Files.readAllLines(Path.of("..", "docs", "operations", "console.md")).stream()
                .map(line -> line.strip().replace("'", ""))
                .filter(line -> line.startsWith("curl http"))
                .toList();
        assertThat(commands).hasSizeGreaterThan(10);
        String management = house.cluster().process("gateway").spec().managementUrl();
        String region =
                text(house.gatewayUrl() + "/v1/cluster/regions?limit=1").replaceAll("(?s).*?\"id\":(\\d+).*", "$1");

        for (String command : commands) {
            String url = command.substring("curl ".length())
                    .replace("http://127.0.0.1:8080", house.gatewayUrl())
                    .replace("http://127.0.0.1:8081", management)
                    .replace("/regions/4", "/regions/" + region);
            assertThat(send("GET", url, "")).as(command).isEqualTo(200);
        }
    }

    private static void seesTheCluster(Browser browser) throws IOException {
        waitFor(browser, "document.querySelectorAll('main tbody tr[data-id]').length === 3");
        assertThat(browser.text("document.querySelector('.tiles').textContent")).contains("3 of 3Stores up");
        waitFor(browser, "document.querySelectorAll('.matrix rect.c-leader').length > 0");
        assertThat(browser.text("document.querySelector('main').textContent"))
                .contains("pd-1", "pd-2", "pd-3", "leads");
        assertThat(browser.text("getComputedStyle(document.documentElement).colorScheme"))
                .isEqualTo("light");
        browser.screenshot(SHOTS.resolve("cluster-light.png"));
        browser.prefer("dark");
        assertThat(browser.text("getComputedStyle(document.documentElement).colorScheme"))
                .isEqualTo("dark");
        browser.screenshot(SHOTS.resolve("cluster-dark.png"));
        browser.press("t");
        assertThat(browser.text("document.documentElement.dataset.theme")).isEqualTo("light");
        browser.press("t", "t");
        assertThat(browser.text("document.documentElement.dataset.theme")).isEqualTo("undefined");
    }

    /** PD takes no such label over HTTP, but a store may say what it likes. */
    private static void showsLabelsAsTheyAre(Browser browser) {
        String label = "<img src=x onerror=window.owned=1><script>window.owned=1</script>";
        intercept(
                browser,
                "const answer = await real(url, asked);"
                        + " if (!String(url).endsWith('/v1/cluster/stores')) return answer;"
                        + " const stores = await answer.json();"
                        + " stores[0].labels = [{key: 'shelf', value: '" + label + "'}];"
                        + " return new Response(JSON.stringify(stores));");
        browser.press("r");
        waitFor(browser, "document.querySelector('main .tag')");
        assertThat(browser.text("document.querySelector('main .tag').textContent"))
                .isEqualTo("shelf=" + label);
        assertThat(browser.is("document.querySelector('main img, main script') || window.owned"))
                .isFalse();
    }

    /** As a gateway answers that asks, or whose PD is away; that it does so is tested there. */
    private static void signsInAndIsToldWhatIsWrong(Browser browser) throws IOException {
        intercept(
                browser,
                "const token = asked.headers.Authorization; window.said = token;"
                        + " const problem = (status, detail) => new Response(JSON.stringify({status, detail}), {status});"
                        + " if (token !== 'Bearer good/token') return problem(401, 'the token is not known here');"
                        + " if (String(url).endsWith('/v1/caller'))"
                        + "   return new Response(JSON.stringify({name: 'token:shop', asked: true, admin: false}));"
                        + " return problem(403, 'this needs the permission admin');");
        browser.press("r");
        waitFor(browser, "document.getElementById('signin').open && document.activeElement.id === 'token'");
        browser.screenshot(SHOTS.resolve("signin-dark.png"));
        browser.type("good/token");
        browser.press("Enter");
        waitFor(browser, "document.getElementById('who').textContent === 'token:shop'");
        waitFor(
                browser,
                "document.getElementById('trouble').textContent.includes('token:shop may not see this: this needs the permission admin')");
        assertThat(browser.text("window.said")).isEqualTo("Bearer good/token");
        assertThat(browser.text("sessionStorage.getItem('rutile.token')")).isEqualTo("good/token");
        assertThat(browser.is("Object.values(localStorage).includes('good/token') || document.cookie"))
                .isFalse();

        intercept(
                browser,
                "return new Response(JSON.stringify({detail: 'the Placement Driver does not answer'}), {status: 503});");
        browser.press("r");
        waitFor(
                browser,
                "document.getElementById('trouble').textContent.includes('No answer: the Placement Driver does not answer. What is shown is as of')");
        assertThat(browser.is("document.querySelectorAll('main tbody tr[data-id]').length === 3"))
                .isTrue();

        intercept(browser, "return real(url, asked);");
        assertThat(browser.value("sessionStorage.removeItem('rutile.token')")).isNotNull();
        browser.press("r");
        waitFor(browser, "document.getElementById('trouble').hidden");
    }

    /** Stands between the page and the gateway. @param body of a function of {@code real}, {@code url} and {@code asked} */
    private static void intercept(Browser browser, String body) {
        assertThat(browser.value("(() => { const real = window.real ??= window.fetch;"
                        + " window.fetch = async (url, asked) => { " + body + " }; })()"))
                .isNotNull();
    }

    private static void findsARegionByItsKey(Browser browser) throws IOException {
        browser.press("/");
        assertThat(browser.text("document.activeElement.id")).isEqualTo("q");
        browser.type(PREFIX + "17");
        browser.press("Enter");
        waitFor(browser, "location.hash.startsWith('#/regions?key=') && document.activeElement.matches('tbody tr')");
        String region = browser.text("document.activeElement.dataset.id");
        browser.press("Enter");
        waitFor(
                browser,
                "document.querySelector('section[aria-label=Region]')?.textContent.includes('Region " + region + "')");
        assertThat(browser.text("document.querySelector('section[aria-label=Region]').textContent"))
                .contains("Replicas", "Voter", "epoch");
        browser.screenshot(SHOTS.resolve("regions-dark.png"));
        browser.press("Escape");
        waitFor(browser, "document.querySelector('section[aria-label=Region]').hidden");
        browser.press("/");
        browser.type("#99999999");
        browser.press("Enter");
        waitFor(browser, "document.getElementById('trouble').textContent.includes('region 99999999 is not known')");
        browser.press("Escape");
    }

    private static void walksThroughTheHeatMap(Browser browser) throws IOException {
        browser.press("g", "h");
        waitFor(
                browser,
                "document.querySelector('main canvas[tabindex]') && document.querySelector('.read-out').textContent");
        assertThat(browser.is("document.getElementById('trouble').hidden")).isTrue();
        assertThat(browser.value("document.querySelector('main canvas[tabindex]').focus()"))
                .isNotNull();
        browser.press("ArrowLeft", "ArrowLeft", "ArrowRight", "ArrowUp");
        waitFor(browser, "/Region \\d+/.test(document.querySelector('.read-out').textContent)");
        // Stores report every ten seconds; what was written before the test began is on the map.
        await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> {
            browser.press("r");
            assertThat(browser.text("document.querySelector('.legend').textContent"))
                    .doesNotContain("nothing yet");
        });
        browser.screenshot(SHOTS.resolve("heat-dark.png"));
    }

    private static void seesWhyNothingMoves(Browser browser) throws IOException {
        browser.press("g", "o");
        waitFor(
                browser,
                "document.querySelectorAll('table[aria-label=\"What stores get\"] tbody tr[data-id]').length === 3");
        browser.screenshot(SHOTS.resolve("scheduling-dark.png"));
    }

    private static void readsAndWritesData(Browser browser) throws Exception {
        browser.press("g", "d");
        waitFor(browser, "document.activeElement.id === 'data-from'");
        browser.type(PREFIX);
        browser.press("Enter");
        waitFor(browser, "document.querySelectorAll('main tbody tr[data-id]').length === 31");
        assertThat(browser.text("document.querySelector('main').textContent")).contains(HOSTILE, "<b>bold</b>");
        assertThat(browser.is(
                        "document.querySelector('main img') || document.querySelector('main tbody b') || window.owned"))
                .isFalse();
        waitFor(browser, "document.activeElement.matches('tbody tr')");
        browser.press("ArrowDown", "ArrowDown", "Enter");
        waitFor(browser, "document.activeElement.id === 'data-value'");
        assertThat(browser.text("document.getElementById('data-key').value")).isEqualTo(PREFIX + "02");
        assertThat(browser.text("document.getElementById('data-value').value")).isEqualTo("value 2");
        assertThat(browser.value("document.activeElement.select()")).isNotNull();
        browser.type("new \\xff\\x00");
        browser.press("Tab", "Tab", "Tab", "Enter");
        waitFor(browser, "document.querySelector('form.panel').textContent.includes('Written.')");
        assertThat(bytes(raw(PREFIX + "02"))).isEqualTo(new byte[] {'n', 'e', 'w', ' ', (byte) 0xff, 0});
        browser.screenshot(SHOTS.resolve("data-dark.png"));
        browser.press("Tab");
        assertThat(browser.text("document.activeElement.textContent")).isEqualTo("Delete");
        browser.press("Enter");
        assertThat(browser.text("document.activeElement.textContent")).isEqualTo("Delete for good?");
        assertThat(send("GET", raw(PREFIX + "02"), "")).isEqualTo(200);
        browser.press("Enter");
        waitFor(browser, "document.querySelector('form.panel').textContent.includes('Deleted.')");
        assertThat(send("GET", raw(PREFIX + "02"), "")).isEqualTo(404);
        browser.press("Escape", "x");
        waitFor(
                browser,
                "document.querySelector('main tbody tr[data-id] td').textContent.startsWith('636f6e736f6c65')");
        browser.press("x");
    }

    private static void meetsAConflict(Browser browser) throws IOException {
        browser.press("g", "t");
        waitFor(browser, "document.getElementById('txn-A-begin')");
        for (String name : List.of("A", "B")) {
            click(browser, "txn-" + name + "-begin");
            waitFor(browser, "!document.getElementById('txn-" + name + "-commit').disabled");
            enter(browser, "txn-" + name + "-key", PREFIX + "txn");
            enter(browser, "txn-" + name + "-value", "of " + name);
            click(browser, "txn-" + name + "-put");
            waitFor(
                    browser,
                    "document.querySelector('[aria-label=\"What " + name
                            + " did\"]').textContent.includes('buffered')");
        }
        click(browser, "txn-B-commit");
        waitFor(browser, "document.querySelector('[aria-label=\"What B did\"]').textContent.includes('commitTs')");
        click(browser, "txn-A-commit");
        waitFor(browser, "document.querySelector('[aria-label=\"What A did\"]').textContent.includes('WriteConflict')");
        browser.screenshot(SHOTS.resolve("txn-dark.png"));
    }

    private static void triesCallsOfTheApi(Browser browser) throws Exception {
        browser.press("Escape", "g", "a");
        waitFor(browser, "document.querySelectorAll('main tbody tr[data-id]').length > 20");
        waitFor(browser, "document.activeElement.matches('tbody tr')");
        assertThat(browser.value("document.querySelector('tr[data-id=rawPut]').focus()"))
                .isNotNull();
        browser.press("Enter");
        waitFor(browser, "document.activeElement.id === 'try-path-key'");
        browser.type(PREFIX + "a/ü 1");
        enter(browser, "try-header-If-None-Match", "*");
        enter(browser, "try-body", "tried \\x00");
        click(browser, "try-send");
        waitFor(browser, "document.getElementById('try-status')?.textContent === '201'");
        assertThat(bytes(raw(PREFIX + "a/ü 1"))).isEqualTo(new byte[] {'t', 'r', 'i', 'e', 'd', ' ', 0});
        assertThat(browser.text("document.querySelector('[aria-label=Answer]').textContent"))
                .contains("etag", "curl -i -X PUT", "If-None-Match: *");
        browser.screenshot(SHOTS.resolve("api-dark.png"));

        click(browser, "try-send");
        waitFor(browser, "document.getElementById('try-status')?.textContent === '412'");
        assertThat(browser.text("document.querySelector('[aria-label=Answer]').textContent"))
                .contains("urn:rutile:problem:precondition-failed");

        // The token of whoever looks goes with it, and is none of what is shown.
        intercept(browser, "window.said = asked.headers.Authorization; return real(url, asked);");
        assertThat(browser.value("sessionStorage.setItem('rutile.token', 'secret/token')"))
                .isNotNull();
        assertThat(browser.value("location.hash = '#/api?op=rawDelete'")).isNotNull();
        waitFor(browser, "document.querySelector('form.panel').textContent.includes('DELETE /v1/raw/{key}')");
        enter(browser, "try-path-key", PREFIX + "a/ü 1");
        click(browser, "try-send");
        waitFor(browser, "document.getElementById('try-status')?.textContent === '204'");
        assertThat(browser.text("window.said")).isEqualTo("Bearer secret/token");
        assertThat(browser.text("document.querySelector('[aria-label=Answer]').textContent"))
                .contains("$TOKEN")
                .doesNotContain("secret/token");
        assertThat(browser.value("sessionStorage.removeItem('rutile.token')")).isNotNull();
        intercept(browser, "return real(url, asked);");
        assertThat(send("GET", raw(PREFIX + "a/ü 1"), "")).isEqualTo(404);
    }

    private static void fitsASmallScreen(Browser browser) throws IOException {
        browser.resize(360, 740);
        for (String view : List.of("c", "r", "h", "o", "d", "t", "a")) {
            browser.press("Escape", "g", view);
            waitFor(browser, "document.querySelector('nav a[aria-current]')?.title === 'g " + view + "'");
            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(browser.value("document.documentElement.scrollWidth")
                                    .getAsInt())
                            .as(view)
                            .isLessThanOrEqualTo(360));
            browser.screenshot(SHOTS.resolve("small-" + view + ".png"));
        }
        browser.press("Escape", "?");
        waitFor(browser, "document.getElementById('help').open");
        browser.press("Escape");
        waitFor(browser, "!document.getElementById('help').open");
    }

    /** What the pages do with bytes, in the engine that does it. */
    private static void bytesAreReadAndWritten(Browser browser) {
        assertThat(browser.text("import('/console/bytes.js').then(b => JSON.stringify(["
                        + "b.escaped(Uint8Array.from([97, 0, 255, 0xc3, 0xa9, 92, 0xe2, 0x80, 0xae])),"
                        + "Array.from(b.unescaped('a\\\\x00\\\\\\\\é')),"
                        + "b.border('6162630000000000fa'), b.border('616263'), b.border('6162630000000001fa'),"
                        + "b.toHex(b.fromHex('00FFab')),"
                        + "['0', 'zz'].map(text => { try { return b.fromHex(text).length; } catch (e) { return e.name; } })]))"
                        + ".then(all => { window.bytesSaid = all; }) && ''"))
                .isEmpty();
        waitFor(browser, "window.bytesSaid");
        assertThat(browser.text("window.bytesSaid"))
                .isEqualTo(
                        "[\"a\\\\x00\\\\xffé\\\\\\\\\\\\xe2\\\\x80\\\\xae\",[97,0,92,195,169],\"⟨abc⟩\",\"abc\","
                                + "\"abc\\\\x00\\\\x00\\\\x00\\\\x00\\\\x01\\\\xfa\",\"00ffab\",[\"SyntaxError\",\"SyntaxError\"]]");
    }

    private static void waitFor(Browser browser, String expression) {
        await().atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(50))
                .untilAsserted(
                        () -> assertThat(browser.is(expression)).as(expression).isTrue());
    }

    private static void click(Browser browser, String id) {
        assertThat(browser.value("document.getElementById('" + id + "').click()"))
                .isNotNull();
    }

    private static void enter(Browser browser, String id, String text) {
        assertThat(browser.value("document.getElementById('" + id + "').focus()"))
                .isNotNull();
        browser.type(text);
    }

    private static void put(String key, String value) throws Exception {
        assertThat(send("PUT", raw(key), value)).isEqualTo(204);
    }

    private static String raw(String key) {
        return house.gatewayUrl() + "/v1/raw/"
                + URLEncoder.encode(key, StandardCharsets.UTF_8).replace("+", "%20");
    }

    private static int send(String method, String url, String body) throws Exception {
        return HTTP.send(
                        request(url)
                                .method(method, BodyPublishers.ofString(body))
                                .build(),
                        BodyHandlers.discarding())
                .statusCode();
    }

    private static byte[] bytes(String url) throws Exception {
        return HTTP.send(request(url).build(), BodyHandlers.ofByteArray()).body();
    }

    private static String text(String url) throws Exception {
        return new String(bytes(url), StandardCharsets.UTF_8);
    }

    private static HttpRequest.Builder request(String url) {
        return HttpRequest.newBuilder(URI.create(url)).timeout(PATIENCE);
    }
}
