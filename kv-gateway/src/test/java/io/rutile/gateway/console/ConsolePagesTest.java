package io.rutile.gateway.console;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The files themselves: few, small, without anything from elsewhere. */
class ConsolePagesTest {

    private static final Path FILES = Path.of("src", "main", "resources", "console");
    private static final int ALL_BYTES_MAX = 150_000;

    /** What the container sends in one go, without a thread that waits for the client. */
    private static final int FILE_BYTES_MAX = 32 << 10;

    private final ConsolePages pages = new ConsolePages();

    @Test
    void everyFileOfTheDirectoryIsServedAndNoOther() throws IOException {
        try (Stream<Path> files = Files.list(FILES)) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrderElementsOf(ConsolePages.NAMES);
        }
        for (String path : new String[] {
            "/console/app.java", "/console/../app.js", "/console//app.js", "/console/app.js/", "/consoleapp.js", "", "/"
        }) {
            assertThat(pages.find(path)).as(path).isEmpty();
            assertThat(ConsolePages.isPage(path)).as(path).isFalse();
        }
        assertThat(pages.find("/console/")).isEqualTo(pages.find("/console/index.html"));
    }

    @Test
    void theConsoleIsSmall() {
        int all = 0;
        for (String name : ConsolePages.NAMES) {
            int bytes = content(name).getBytes(StandardCharsets.UTF_8).length;
            assertThat(bytes).as(name).isLessThanOrEqualTo(FILE_BYTES_MAX);
            all += bytes;
        }
        assertThat(all).isLessThan(ALL_BYTES_MAX);
    }

    @Test
    void nothingComesFromElsewhereAndNothingIsInline() {
        Pattern elsewhere = Pattern.compile("(?:https?:)?//(?!www\\.w3\\.org/2000/svg)[\\w-]+\\.[\\w.-]+");
        Pattern inline = Pattern.compile("<script(?![^>]*\\bsrc=)|<style|\\sstyle=|\\son[a-z]+=[\"']|javascript:");
        for (String name : ConsolePages.NAMES) {
            assertThat(content(name)).as(name).doesNotContainPattern(elsewhere);
            if (name.endsWith(".html") || name.endsWith(".svg")) {
                assertThat(content(name)).as(name).doesNotContainPattern(inline);
            }
        }
        assertThat(ConsolePages.CONTENT_SECURITY_POLICY)
                .contains("default-src 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'")
                .doesNotContain("unsafe", "http", "*", "data:");
    }

    /** A key may spell markup: no script has a way to make elements from text. */
    @Test
    void textNeverBecomesMarkup() {
        Pattern ways = Pattern.compile(
                "innerHTML|outerHTML|insertAdjacentHTML|document\\.write|DOMParser|setHTML|createContextualFragment|srcdoc"
                        + "|\\beval\\(|new Function|setTimeout\\(['\"`]");
        for (String name : ConsolePages.NAMES) {
            assertThat(content(name)).as(name).doesNotContainPattern(ways);
        }
    }

    /** A token is for this tab; what is kept for longer are likings. */
    @Test
    void tokensAreKeptForTheSessionOnly() {
        assertThat(content("api.js")).contains("sessionStorage").doesNotContain("localStorage", "cookie");
        for (String name : ConsolePages.NAMES) {
            assertThat(content(name))
                    .as(name)
                    .doesNotContainPattern("localStorage\\.setItem\\((?!'rutile\\.(theme|hex)')");
        }
    }

    private String content(String name) {
        return new String(pages.find("/console/" + name).orElseThrow().content(), StandardCharsets.UTF_8);
    }
}
