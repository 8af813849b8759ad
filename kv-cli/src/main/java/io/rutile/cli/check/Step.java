package io.rutile.cli.check;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * One step of a transaction, in the order of its program.
 *
 * @param values READ: what was seen, in order; a register shows nothing or one value. WRITE and APPEND: the one value
 */
public record Step(Kind kind, String key, List<Long> values) {

    /** What was done. */
    public enum Kind {
        READ,
        WRITE,
        /** Added at the end of a list. */
        APPEND
    }

    public Step {
        values = List.copyOf(values);
        if (kind != Kind.READ && values.size() != 1) {
            throw new IllegalArgumentException(kind + " has one value, not " + values.size());
        }
    }

    public static Step read(String key, List<Long> seen) {
        return new Step(Kind.READ, key, seen);
    }

    public static Step write(String key, long value) {
        return new Step(Kind.WRITE, key, List.of(value));
    }

    public static Step append(String key, long element) {
        return new Step(Kind.APPEND, key, List.of(element));
    }

    /** What was written or appended, or the first value seen. */
    public long value() {
        return values.get(0);
    }

    @Override
    public String toString() {
        return kind.name().toLowerCase(Locale.ROOT) + " " + key + " " + text(values);
    }

    static String text(List<Long> values) {
        return values.stream().map(String::valueOf).collect(Collectors.joining(" ", "[", "]"));
    }
}
