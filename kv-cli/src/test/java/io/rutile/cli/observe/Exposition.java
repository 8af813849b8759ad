package io.rutile.cli.observe;

import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a process exposes, in Prometheus' text format.
 *
 * @param types of its metrics
 * @param labels of all series of a metric together, {@code le} left out; of a histogram's or summary's maximum: under that name
 */
public record Exposition(Map<String, String> types, Map<String, Set<String>> labels) {

    private static final Pattern LABEL = Pattern.compile("([a-zA-Z_][a-zA-Z0-9_]*)=\"(?:[^\"\\\\]|\\\\.)*\"");
    private static final Pattern PART = Pattern.compile("(.*)_(bucket|count|sum)");

    public static Exposition parse(String text) {
        Map<String, String> types = new TreeMap<>();
        Map<String, Set<String>> labels = new TreeMap<>();
        text.lines().forEach(line -> {
            if (line.startsWith("# TYPE ")) {
                String[] words = line.split(" ");
                types.put(words[2], words[3]);
            } else if (!line.startsWith("#") && !line.isBlank()) {
                String series = line.split("[{ ]", 2)[0];
                Set<String> of = labels.computeIfAbsent(metric(series, types), name -> new TreeSet<>());
                LABEL.matcher(line).results().map(match -> match.group(1)).forEach(of::add);
                of.remove("le");
            }
        });
        return new Exposition(types, labels);
    }

    private static String metric(String series, Map<String, String> types) {
        Matcher part = PART.matcher(series);
        return !types.containsKey(series) && part.matches() && types.containsKey(part.group(1))
                ? part.group(1)
                : series;
    }

    /** Without those of {@code …_max}, which belong to a histogram or summary. */
    public Set<String> metrics() {
        Set<String> own = new TreeSet<>(types.keySet());
        own.removeIf(name -> name.endsWith("_max") && types.containsKey(name.substring(0, name.length() - 4)));
        return own;
    }
}
