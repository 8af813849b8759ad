package io.rutile.cli.observe;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a PromQL expression asks for: as much of the language as rules and dashboards here use. Every metric has a selector in braces, so
 * that none forgets to say of which cluster.
 *
 * @param selectors in the order in which they stand there
 * @param grouping labels that it groups, joins or counts by
 */
public record PromQuery(List<Selector> selectors, Set<String> grouping) {

    /** @param labels that it looks at */
    public record Selector(String metric, Set<String> labels) {}

    private static final Pattern TOKEN = Pattern.compile(
            "\"(?:[^\"\\\\]|\\\\.)*\"|'(?:[^'\\\\]|\\\\.)*'|[a-zA-Z_:][a-zA-Z0-9_:]*|[0-9][0-9a-zA-Z.]*|=~|!~|!=|==|<=|>=|\\S");
    private static final Set<String> GROUPERS = Set.of("by", "without", "on", "ignoring", "group_left", "group_right");
    private static final Set<String> WORDS = Set.of("and", "or", "unless", "bool", "offset", "inf", "nan");

    public static PromQuery parse(String expression) {
        List<String> tokens = new ArrayList<>();
        Matcher matcher = TOKEN.matcher(expression);
        while (matcher.find()) {
            tokens.add(matcher.group());
        }
        List<Selector> selectors = new ArrayList<>();
        Set<String> grouping = new TreeSet<>();
        int at = 0;
        while (at < tokens.size()) {
            String token = tokens.get(at);
            String next = at + 1 < tokens.size() ? tokens.get(at + 1) : "";
            if (token.equals("[")) {
                at = tokens.subList(at, tokens.size()).indexOf("]") + at + 1;
            } else if (GROUPERS.contains(token) && next.equals("(")) {
                int end = tokens.subList(at, tokens.size()).indexOf(")") + at;
                tokens.subList(at + 2, end).stream()
                        .filter(label -> !label.equals(","))
                        .forEach(grouping::add);
                at = end + 1;
            } else if (!isName(token) || WORDS.contains(token) || isCalled(next)) {
                at++;
            } else if (next.equals("{")) {
                int end = tokens.subList(at, tokens.size()).indexOf("}") + at;
                selectors.add(new Selector(token, labels(tokens.subList(at + 2, end))));
                at = end + 1;
            } else {
                throw new IllegalArgumentException(token + " has no selector: " + expression);
            }
        }
        return new PromQuery(List.copyOf(selectors), grouping);
    }

    /** Label, operator, value, comma, and so on. */
    private static Set<String> labels(List<String> matchers) {
        Set<String> labels = new TreeSet<>();
        for (int i = 0; i < matchers.size(); i += 4) {
            labels.add(matchers.get(i));
        }
        return labels;
    }

    /** What stands before this is a function or an aggregation. */
    private static boolean isCalled(String next) {
        return next.equals("(") || next.equals("by") || next.equals("without");
    }

    private static boolean isName(String token) {
        return Character.isLetter(token.charAt(0)) || token.charAt(0) == '_';
    }
}
