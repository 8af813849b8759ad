package io.rutile.cli.observe;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/** Prometheus' own programs, where they are installed. */
public final class Prometheus {

    private Prometheus() {}

    /** The program on the PATH; skips the test, and says so, where there is none. */
    public static Path require(String program) {
        Optional<Path> found = Stream.of(
                        System.getenv().getOrDefault("PATH", "").split(Pattern.quote(File.pathSeparator)))
                .map(directory -> Path.of(directory, program))
                .filter(Files::isExecutable)
                .findFirst();
        Assumptions.assumeTrue(
                found.isPresent(), "not tested: there is no " + program + " here (Debian: apt-get install prometheus)");
        return found.get();
    }

    /** Runs promtool to its end; what it said if it was not content. */
    static Optional<String> promtool(String... arguments) {
        try {
            Process process = new ProcessBuilder(
                            Stream.concat(Stream.of(require("promtool").toString()), Stream.of(arguments))
                                    .toList())
                    .redirectErrorStream(true)
                    .start();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return process.waitFor() == 0 ? Optional.empty() : Optional.of(said);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** A configuration as docs/operations/metrics.md shows it, once a second. */
    public static String configuration(String job, Path rules, List<Target> targets) {
        StringBuilder yaml =
                new StringBuilder("""
                global: {scrape_interval: 1s, evaluation_interval: 1s}
                rule_files: ['%s']
                scrape_configs:
                  - job_name: %s
                    metrics_path: /actuator/prometheus
                    static_configs:
                """.formatted(rules.toAbsolutePath().normalize(), job));
        targets.forEach(target -> yaml.append("      - {targets: ['%s'], labels: {component: %s}}\n"
                .formatted(target.address(), target.component())));
        return yaml.toString();
    }

    /** @param component pd, node or gateway */
    public record Target(String component, String address) {}
}
