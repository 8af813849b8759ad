package io.rutile.gateway.rest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.rutile.gateway.RunningGateway;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What docs/operations/rest-api.md tells people to type works, and it names every problem there is. */
class RestApiDocTest {

    private static final Path PAGE = Path.of("..", "docs", "operations", "rest-api.md");

    @Test
    void everyCommandOfThePageWorks() throws Exception {
        assumeTrue(run("curl --version") != null, "no curl here");
        RunningGateway gateway = RunningGateway.shared();
        List<String> commands = Files.readAllLines(PAGE).stream()
                .map(String::strip)
                .filter(line -> line.startsWith("curl ") || line.startsWith("printf ") || line.startsWith("TXN="))
                .map(line -> line.replace("127.0.0.1:8080", "127.0.0.1:" + gateway.port))
                .toList();
        assertThat(commands).hasSizeGreaterThan(25);

        String transaction = "";
        for (String command : commands) {
            if (command.startsWith("TXN=")) {
                transaction =
                        "TXN=" + String.valueOf(run(command + "; echo $TXN")).strip();
                assertThat(transaction).as(command).matches("TXN=[0-9a-f]{32}");
            } else {
                assertThat(run(transaction + "\n" + command + " -sS"))
                        .as(command)
                        .isNotNull()
                        .doesNotContain("urn:rutile:problem", "HTTP/1.1 4", "HTTP/1.1 5");
            }
        }
    }

    @Test
    void everyProblemIsOnThePage() throws IOException {
        String page = Files.readString(PAGE);

        for (ProblemType type : ProblemType.values()) {
            String name = type.problem("").type().replace("urn:rutile:problem:", "");
            assertThat(page)
                    .contains("| `%s` | %d | "
                            .formatted(
                                    name.toLowerCase(Locale.ROOT), type.status().value()));
        }
    }

    /** What it printed; null if it failed. */
    private static @Nullable String run(String command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder("sh", "-c", command)
                .redirectErrorStream(true)
                .start();
        process.getOutputStream().close();
        String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return process.waitFor() == 0 ? printed : null;
    }
}
