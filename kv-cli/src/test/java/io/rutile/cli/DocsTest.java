package io.rutile.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the pages under docs say of each other, of metrics and of tests is so. */
class DocsTest {

    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
    private static final Path SECURITY = ROOT.resolve(Path.of("docs", "operations", "security.md"));
    private static final Path CATALOGUE = ROOT.resolve(Path.of("docs", "operations", "metrics.md"));
    private static final Pattern LINK = Pattern.compile("\\]\\(([^)\\s]+)\\)");
    private static final Pattern METRIC = Pattern.compile("`(kv_[a-z0-9_]+)");
    private static final Pattern TEST = Pattern.compile("`([A-Z]\\w+(?:Test|IT))\\.(\\w+)`");

    @Test
    void everyLinkLeadsSomewhere() throws IOException {
        List<String> broken = new ArrayList<>();
        for (Path page : pages()) {
            Matcher link = LINK.matcher(prose(page));
            while (link.find()) {
                String target = link.group(1);
                if (target.contains("://")) {
                    continue;
                }
                String[] parts = target.split("#", 2);
                Path file = parts[0].isEmpty()
                        ? page
                        : page.resolveSibling(parts[0]).normalize();
                if (!Files.exists(file) || (parts.length == 2 && !anchors(file).contains(parts[1]))) {
                    broken.add(ROOT.relativize(page) + " → " + target);
                }
            }
        }

        assertThat(broken).isEmpty();
    }

    @Test
    void everyMetricIsInTheCatalogue() throws IOException {
        String catalogue = Files.readString(CATALOGUE);
        List<String> unknown = new ArrayList<>();
        for (Path page : pages()) {
            Matcher metric = METRIC.matcher(Files.readString(page));
            while (metric.find()) {
                String name = metric.group(1).replaceAll("_(count|sum|bucket|max)$", "");
                // A page may name a family by its beginning: kv_gateway_txn_*.
                if (!catalogue.contains(name)) {
                    unknown.add(ROOT.relativize(page) + ": " + metric.group(1));
                }
            }
        }

        assertThat(unknown).isEmpty();
    }

    private static List<Path> pages() throws IOException {
        try (Stream<Path> files = Files.walk(ROOT.resolve("docs"))) {
            return Stream.concat(
                            Stream.of("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")
                                    .map(ROOT::resolve),
                            files.filter(file -> file.toString().endsWith(".md")))
                    .toList();
        }
    }

    /** Without what is quoted as code. */
    private static String prose(Path page) throws IOException {
        return Files.readString(page)
                .replaceAll("(?s)```.*?```", "")
                .replaceAll("(?m)^    .*$", "")
                .replaceAll("`[^`\n]*`", "``");
    }

    /** Of headings, as they are made by who shows these pages. */
    private static Set<String> anchors(Path page) throws IOException {
        return Files.readAllLines(page).stream()
                .filter(line -> line.startsWith("#"))
                .map(line -> line.replaceFirst("^#+ ", "")
                        .toLowerCase(Locale.ROOT)
                        .replaceAll("[^\\p{L}\\p{N} _-]", "")
                        .replace(' ', '-'))
                .collect(Collectors.toSet());
    }

    @Test
    void everyRowOfBadInputIsShownByATestThatExists() throws IOException {
        Map<String, String> sources = sources();
        List<String> missing = new ArrayList<>();
        int rows = 0;
        for (String line : section()) {
            if (!line.startsWith("| ") || line.startsWith("| who comes")) {
                continue;
            }
            rows++;
            assertThat(line).contains("Test", "|");
            Matcher test = TEST.matcher(line);
            while (test.find()) {
                String source = sources.getOrDefault(test.group(1), "");
                if (!source.contains("void " + test.group(2) + "(")) {
                    missing.add(test.group());
                }
            }
        }

        assertThat(rows).isGreaterThan(15);
        assertThat(missing).isEmpty();
    }

    private static List<String> section() throws IOException {
        return Files.readAllLines(SECURITY).stream()
                .dropWhile(line -> !line.equals("## Bad input and bad people"))
                .skip(1)
                .takeWhile(line -> !line.startsWith("## "))
                .toList();
    }

    private static Map<String, String> sources() throws IOException {
        Map<String, String> sources = new HashMap<>();
        try (Stream<Path> modules = Files.list(ROOT)) {
            for (Path module : modules.map(path -> path.resolve(Path.of("src", "test", "java")))
                    .filter(Files::isDirectory)
                    .toList()) {
                try (Stream<Path> files = Files.walk(module)) {
                    for (Path file : files.filter(path -> path.toString().endsWith("Test.java")
                                    || path.toString().endsWith("IT.java"))
                            .toList()) {
                        sources.put(file.getFileName().toString().replace(".java", ""), Files.readString(file));
                    }
                }
            }
        }
        return sources;
    }
}
