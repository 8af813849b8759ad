package io.rutile.gateway.rest;

import io.rutile.client.raw.RawKv.ScanRequest;
import org.jspecify.annotations.Nullable;

/** The numbers and flags of a scan as the query spells them. */
final class ScanParameters {

    private ScanParameters() {}

    /** No limit unless one is given; 0 is one, and any number up to 2^63-1 is. */
    static ScanRequest parse(
            @Nullable String start,
            @Nullable String end,
            @Nullable String prefix,
            @Nullable String limit,
            @Nullable String reverse,
            @Nullable String keysOnly,
            KeyEncoding encoding) {
        return new ScanRequest(
                RequestKeys.range(start, end, prefix, encoding),
                limit(limit),
                flag(reverse, "reverse"),
                flag(keysOnly, "keysOnly"));
    }

    private static int limit(@Nullable String text) {
        if (text == null) {
            return Integer.MAX_VALUE;
        }
        try {
            long limit = Long.parseLong(text);
            if (limit >= 0) {
                return (int) Math.min(limit, Integer.MAX_VALUE);
            }
        } catch (NumberFormatException e) {
            // Told below, in the same words as a negative one.
        }
        throw ProblemType.INVALID_REQUEST.because("limit is a number from 0 to " + Long.MAX_VALUE);
    }

    static boolean flag(@Nullable String text, String name) {
        if (text == null) {
            return false;
        }
        return switch (text) {
            case "true" -> true;
            case "false" -> false;
            default -> throw ProblemType.INVALID_REQUEST.because(name + " is true or false");
        };
    }
}
