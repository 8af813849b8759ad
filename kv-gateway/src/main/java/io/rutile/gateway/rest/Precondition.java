package io.rutile.gateway.rest;

import java.util.HashSet;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What {@code If-Match} and {@code If-None-Match} ask of the value that is there (RFC 9110, 13.1). */
final class Precondition {

    static final Precondition NONE = new Precondition(null, null);

    /** Most tags that a header may list. */
    private static final int TAGS_MAX = 100;

    private static final Pattern TAG = Pattern.compile("\\s*(W/)?(\"[\\x21\\x23-\\x7e\\x80-\\xff]*\")\\s*(,|$)");

    private final @Nullable Tags match;
    private final @Nullable Tags noneMatch;

    private Precondition(@Nullable Tags match, @Nullable Tags noneMatch) {
        this.match = match;
        this.noneMatch = noneMatch;
    }

    /** @throws ProblemException if a header is not a list of entity tags */
    static Precondition of(@Nullable String ifMatch, @Nullable String ifNoneMatch) {
        return ifMatch == null && ifNoneMatch == null
                ? NONE
                : new Precondition(
                        ifMatch == null ? null : Tags.parse(ifMatch, "If-Match"),
                        ifNoneMatch == null ? null : Tags.parse(ifNoneMatch, "If-None-Match"));
    }

    /** @param value what is there, null for nothing */
    boolean holds(byte @Nullable [] value) {
        return (match == null || match.strongly(value)) && (noneMatch == null || !noneMatch.weakly(value));
    }

    /** True if it can only hold where nothing is: then nobody has to read first. */
    boolean wantsNothing() {
        return noneMatch != null && noneMatch.any() && match == null;
    }

    /**
     * @param any the header is a star: any value, as long as there is one
     * @param strong tags that may stand for equal bytes
     * @param all the same and weak ones, without their marks
     */
    private record Tags(boolean any, Set<String> strong, Set<String> all) {

        static Tags parse(String header, String name) {
            if (header.trim().equals("*")) {
                return new Tags(true, Set.of(), Set.of());
            }
            Set<String> strong = new HashSet<>();
            Set<String> all = new HashSet<>();
            Matcher tags = TAG.matcher(header);
            int end = 0;
            while (end < header.length() && tags.find(end) && tags.start() == end && all.size() < TAGS_MAX) {
                all.add(tags.group(2));
                if (tags.group(1) == null) {
                    strong.add(tags.group(2));
                }
                end = tags.end();
            }
            if (all.isEmpty() || end < header.length()) {
                throw ProblemType.INVALID_REQUEST.because(
                        name + " is * or a list of at most " + TAGS_MAX + " quoted entity tags");
            }
            return new Tags(false, strong, all);
        }

        boolean strongly(byte @Nullable [] value) {
            return value != null && (any || strong.contains(EntityTag.of(value).quoted()));
        }

        boolean weakly(byte @Nullable [] value) {
            return value != null && (any || all.contains(EntityTag.of(value).quoted()));
        }
    }
}
